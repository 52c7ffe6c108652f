"""A small engine that says something, and servers that are not waited for."""

from collections.abc import Callable

import equinox as eqx
import pytest

from codegem.inference import remote, remote_work
from codegem.inference.engine import Engine
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

CONFIG = ModelConfig(266, 2, 32, 2, 1, 16, 64, context_length=96)


@pytest.fixture(scope="session")
def model(random_model: Callable[..., Transformer]) -> Transformer:
    """A model that says something, and repeats itself now and then."""
    quiet = random_model(CONFIG)
    louder = [block.mlp.down.weight * 20 for block in quiet.blocks]
    return eqx.tree_at(lambda m: [block.mlp.down.weight for block in m.blocks], quiet, louder)


@pytest.fixture(scope="session")
def make(model: Transformer) -> Callable[..., Engine]:
    """Engines with it."""
    return lambda **settings: Engine(model, ByteTokenizer(), **settings)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off without its time, and no key of the user."""
    monkeypatch.delenv(remote.KEY, raising=False)
    for module in (remote, remote_work):
        monkeypatch.setattr(module, "back_off", lambda attempt, lost: 0.0)
