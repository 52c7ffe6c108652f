"""Downloading with pip: its limits, its words, and that no line of a package's code runs."""

import hashlib
import importlib.util
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from codegem.data.registries import downloads, pip_client
from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.downloads import TransientError
from codegem.data.registries.pip_client import PipClient
from codegem.errors import UserError

PKG_INFO = "Metadata-Version: 2.1\nName: one\nVersion: 1.0\nRequires-Dist: two\n"
needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="this environment has no pip")


def package(file: str = "one-1.0.tar.gz", content: bytes = b"") -> Package:
    sha256 = hashlib.sha256(content).hexdigest()
    return Package("pypi", "one", "1.0", "MIT", file, sha256, "train")


def source_distribution(folder: Path, files: dict[str, str]) -> Package:
    """A source distribution of these files, lying in a folder."""
    folder.mkdir()
    with tarfile.open(folder / "one-1.0.tar.gz", "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"one-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return package(content=(folder / "one-1.0.tar.gz").read_bytes())


def wheel(folder: Path) -> Package:
    """The smallest wheel that pip takes, lying in a folder."""
    folder.mkdir()
    file = folder / "one-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("one-1.0.dist-info/METADATA", PKG_INFO)
        archive.writestr("one-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("one-1.0.dist-info/RECORD", "")
    return package(file.name, file.read_bytes())


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip looks, and nowhere else."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def run_with(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Put a small Python program in pip's place."""
    monkeypatch.setattr(
        pip_client,
        "_pip_command",
        lambda options, requirement, into: [sys.executable, "-c", program, str(into)],
    )


def test_without_pip_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"install codegem\[data\]"):
        PipClient()


def test_pip_is_stopped_when_it_takes_too_much_disk(into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_with(monkeypatch, "import sys, time; open(sys.argv[1] + '/big', 'w').write('x' * 5000); time.sleep(60)")
    monkeypatch.setattr(downloads, "MAX_BYTES", 1000)
    with pytest.raises(UserError, match="larger than"):
        PipClient().download(package(), into)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("WARNING: Retrying (Retry(total=4)) after ReadTimeoutError", TransientError),
        ("ERROR: No matching distribution found for one==1.0", UserError),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", UserError),
    ],
)
def test_pips_words_are_understood(
    into: Path, monkeypatch: pytest.MonkeyPatch, words: str, kind: type[Exception]
) -> None:
    run_with(monkeypatch, f"print('{words}\\nERROR: No matching distribution found'); raise SystemExit(1)")
    with pytest.raises(kind):
        PipClient().download(package(), into)


def test_a_wheel_for_one_platform_is_asked_for_by_its_tags() -> None:
    file = "one-1.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"
    asked = " ".join(pip_client._wheel_options(file))
    assert "--abi cp311 --python-version 311" in asked
    assert "--platform manylinux_2_24_x86_64 --platform manylinux_2_28_x86_64" in asked


@needs_pip
def test_pip_itself_takes_a_wheel_from_a_folder(index: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = wheel(index)
    monkeypatch.chdir(into.parent)  # a path is relative to where the command was typed
    assert PipClient().download(wanted, Path(into.name)).read_bytes() == (index / wanted.file).read_bytes()


# Each way in which a package says how it is built, and in each a program that would leave a mark.
BUILT = {
    "setup.py alone": {"setup.py": "{mark}"},
    "setuptools": {
        "pyproject.toml": "[build-system]\nrequires = ['setuptools', 'absent']\n"
        "build-backend = 'setuptools.build_meta:__legacy__'\n",
        "setup.py": "{mark}",
    },
    "a backend that is not installed": {
        "pyproject.toml": "[build-system]\nrequires = ['absent']\nbuild-backend = 'absent.api:one.two'\n",
        "absent/api.py": "{mark}",
    },
    "a backend in the package": {
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'inside'\nbackend-path = ['.']\n",
        "inside.py": "{mark}",
        "json.py": "{mark}",
        "email/__init__.py": "{mark}",
    },
}


@needs_pip
@pytest.mark.parametrize("how", BUILT)
def test_no_line_of_a_package_runs(how: str, index: Path, into: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    files = {name: text.replace("{mark}", f"open({str(mark)!r}, 'w')\n") for name, text in BUILT[how].items()}
    wanted = source_distribution(index, files | {"PKG-INFO": PKG_INFO, "sitecustomize.py": f"open({str(mark)!r}, 'w')"})
    assert PipClient().download(wanted, into).read_bytes() == (index / wanted.file).read_bytes()
    assert not mark.exists()


@needs_pip
def test_without_our_backend_that_line_would_run(index: Path, tmp_path: Path) -> None:
    """The test above can fail: the same package marks when pip is left to itself."""
    mark = tmp_path / "mark"
    backend = {
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'inside'\nbackend-path = ['.']\n",
        "inside.py": f"open({str(mark)!r}, 'w')\n",
        "PKG-INFO": PKG_INFO,
    }
    source_distribution(index, backend)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "one",
        "--no-build-isolation",
        "--dest",
        str(tmp_path),
    ]
    subprocess.run(command, capture_output=True, check=False)
    assert mark.exists()


@needs_pip
@pytest.mark.parametrize("info", [{}, {"PKG-INFO": "Metadata-Version: 2.1\nName: one\n"}])
def test_a_package_without_metadata_is_left_out_in_one_sentence(info: dict[str, str], index: Path, into: Path) -> None:
    wanted = source_distribution(index, {"setup.py": ""} | info)
    with pytest.raises(UserError, match=r"one-1\.0\.tar\.gz has no PKG-INFO with its name"):
        PipClient().download(wanted, into)


@needs_pip
def test_a_changed_source_distribution_is_refused(index: Path, into: Path) -> None:
    source_distribution(index, {"PKG-INFO": PKG_INFO})
    with pytest.raises(UserError, match="its hash differs"):
        PipClient().download(package(content=b"another"), into)


@needs_pip
def test_a_source_distribution_comes_unpinned_in_order_to_be_pinned(index: Path, into: Path) -> None:
    wanted = source_distribution(index, {"setup.py": "", "PKG-INFO": PKG_INFO})
    file = PipClient().download_unpinned("one", "1.0", into)
    assert (file.name, hashlib.sha256(file.read_bytes()).hexdigest()) == (wanted.file, wanted.sha256)
    (again := into / "again").mkdir()
    with pytest.raises(UserError, match=r"two 1\.0 could not be downloaded"):
        PipClient().download_unpinned("two", "1.0", again)
