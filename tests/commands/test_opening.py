from pathlib import Path

import pytest

from codegem.checkpoints.locate import shipped_directory
from codegem.commands.opening import Opened, fingerprint, open_source
from codegem.errors import UsageError, UserError
from codegem.generate import Infill


@pytest.fixture(scope="module")
def nano() -> Opened:
    return open_source("nano")


def test_a_short_prompt_stays_as_it_is(nano: Opened) -> None:
    assert nano.settings["context"] == 576 and nano.settings["order"] is None and not nano.chats
    assert nano.fit("def f():\n", 16) == ("def f():\n", 16, False)
    infill = Infill("def f():\n    ", "\n")
    assert nano.fit(infill, 16) == (infill, 16, False)


def test_a_long_prompt_keeps_its_end_and_leaves_room(nano: Opened) -> None:
    lines = [f"value_{n} = {n}" for n in range(500)]
    prompt, allowed, cut = nano.fit("\n".join(lines), 512)
    assert cut and allowed == 144, "a quarter of what the model reads"
    assert isinstance(prompt, str) and prompt.splitlines() == lines[-len(prompt.splitlines()) :]
    assert 20 < len(prompt.splitlines()) < 240
    hole, allowed, cut = nano.fit(Infill("\n".join(lines), "\nend\n"), 8)
    assert cut and allowed == 8 and isinstance(hole, Infill) and hole.prefix.endswith(lines[-1]) and hole.suffix


def test_what_is_no_model_and_no_address(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        open_source(str(tmp_path / "absent"))
    with pytest.raises(UserError):
        open_source("http://127.0.0.1:1/v1")
    with pytest.raises(UsageError, match="nano is on this machine"):
        open_source("nano", "suffix")


def test_a_model_that_was_trained_further_is_another_one(nano: Opened, tmp_path: Path) -> None:
    weights = tmp_path / "sub" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(bytes(5_000_000))
    first = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("a card", "utf-8")
    assert fingerprint(tmp_path) == first, "what is for people changes no answer"
    weights.write_bytes(bytes(4_000_000) + b"\1" * 1_000_000)
    assert fingerprint(tmp_path) != first
    weights.write_bytes(bytes(5_000_001))
    assert fingerprint(tmp_path) != first
    assert fingerprint(weights) != fingerprint(tmp_path)
    assert nano.settings["weights"] == fingerprint(shipped_directory("nano"))
