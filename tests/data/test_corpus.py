"""Fetching a corpus: downloads that go wrong, runs that are interrupted."""

import hashlib
from pathlib import Path

import pytest

from codegem.data import corpus
from codegem.data.corpus import FetchEvent, Registries, fetch
from codegem.data.registries.corpus_manifest import REGISTRIES, Package
from codegem.data.registries.downloads import TransientError
from codegem.errors import UserError


def write(path: Path, *names: str, held_out: str = "") -> Path:
    """A manifest of packages whose files hold their names; one of them may be held out."""
    table = (
        '[[package]]\nregistry = "pypi"\nname = "{name}"\nversion = "1.0"\nlicence = "MIT"\n'
        'file = "{name}-1.0.tar.gz"\nsha256 = "{sha256}"\nsplit = "{split}"\n'
    )
    path.write_text(
        "\n".join(
            table.format(
                name=name,
                sha256=hashlib.sha256(name.encode()).hexdigest(),
                split="held-out" if name == held_out else "train",
            )
            for name in names
        )
    )
    return path


class FakeClient:
    """Holds files by package name, and counts what is asked of it."""

    def __init__(self, contents: dict[str, bytes] | None = None, failures: int = 0) -> None:
        self.contents = contents or {}
        self.failures = failures
        self.asked: list[str] = []

    def download(self, package: Package, into: Path) -> Path:
        self.asked.append(package.name)
        if self.failures:
            self.failures -= 1
            (into / "half").write_bytes(b"half of a file")
            raise TransientError("the connection was reset.")
        if package.name not in self.contents:
            raise UserError(f"{package.name} is not there.")
        file = into / package.file
        file.write_bytes(self.contents[package.name])
        return file


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "BACKOFF_SECONDS", 0.0)


def test_files_come_to_their_split_and_progress_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one", "two", held_out="two")
    events: list[FetchEvent] = []
    report = fetch(path, tmp_path / "out", progress=events.append, client=FakeClient({"one": b"one", "two": b"two"}))
    assert (tmp_path / "out/train/one-1.0.tar.gz").read_bytes() == b"one"
    assert (tmp_path / "out/held-out/two-1.0.tar.gz").read_bytes() == b"two"
    assert (report.fetched, report.kept, report.bytes) == (2, 0, 6)
    assert sorted((e.done, e.total, e.outcome) for e in events) == [(1, 2, "fetched"), (2, 2, "fetched")]


def test_only_the_asked_split_is_fetched(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one", "two", held_out="two")
    client = FakeClient({"one": b"one", "two": b"two"})
    fetch(path, tmp_path / "out", split="held-out", client=client)
    assert client.asked == ["two"]
    with pytest.raises(UserError, match="no split 'test'"):
        fetch(path, tmp_path / "out", split="test", client=client)


def test_a_second_run_fetches_only_what_is_missing_or_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one", "two", "three")
    contents = {"one": b"one", "two": b"two", "three": b"three"}
    out = tmp_path / "out"
    fetch(path, out, client=FakeClient(contents))
    (out / "train/two-1.0.tar.gz").unlink()
    (out / "train/three-1.0.tar.gz").write_bytes(b"thr")
    client = FakeClient(contents)
    report = fetch(path, out, client=client)
    assert sorted(client.asked) == ["three", "two"]
    assert (report.fetched, report.kept) == (2, 1)


def test_a_wrong_hash_removes_that_file_and_the_others_go_on(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one", "two", "three")
    out = tmp_path / "out"
    with pytest.raises(UserError) as caught:
        fetch(path, out, workers=1, client=FakeClient({"one": b"changed", "two": b"two", "three": b"three"}))
    assert "1 of 3 packages" in str(caught.value)
    assert "one-1.0.tar.gz has the hash" in str(caught.value)
    left = sorted(p.name for p in (out / "train").iterdir())
    assert left == ["three-1.0.tar.gz", "two-1.0.tar.gz"]


def test_failures_are_counted_and_the_first_named(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", *(f"p{n}" for n in range(6)))
    with pytest.raises(UserError, match=r"5 of 6 packages.*is not there.*\(and 2 more\)"):
        fetch(path, tmp_path / "out", client=FakeClient({"p3": b"p3"}))
    assert [p.name for p in (tmp_path / "out/train").iterdir()] == ["p3-1.0.tar.gz"]


def test_a_passing_fault_is_tried_again(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one")
    client = FakeClient({"one": b"one"}, failures=corpus.TRIES - 1)
    assert fetch(path, tmp_path / "out", client=client).fetched == 1
    assert len(client.asked) == corpus.TRIES


def test_a_lasting_fault_ends_after_some_tries_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", "one")
    with pytest.raises(UserError, match=rf"in {corpus.TRIES} tries: the connection was reset\."):
        fetch(path, tmp_path / "out", client=FakeClient(failures=99))
    assert list((tmp_path / "out/train").iterdir()) == []


def test_each_registry_has_its_client_and_one_that_is_missing_costs_its_packages_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def client(name: str) -> FakeClient:
        made.append(name)
        if name == "debian":
            raise UserError("apt is not installed.")
        return FakeClient({"one": b"one"})

    monkeypatch.setattr(corpus, "_CLIENTS", {name: lambda name=name: client(name) for name in REGISTRIES})
    table = (
        '[[package]]\nregistry = "{}"\nname = "one"\nversion = "1.0.0"\nlicence = "MIT"\nfile = "{}"\nsha256 = "{}"\n'
    )
    files = {"npm": "one-1.0.0.tgz", "debian": "one_1.0.0.orig.tar.xz", "pypi": "one-1.0.0.tar.gz"}
    sha256 = hashlib.sha256(b"one").hexdigest()
    path = tmp_path / "m.toml"
    path.write_text("".join(table.format(r, file, sha256) + 'split = "train"\n' for r, file in files.items()))
    with pytest.raises(UserError, match=r"1 of 3 packages .* apt is not installed\."):
        fetch(path, tmp_path / "out", client=Registries())
    assert sorted(made) == sorted(files)
    assert sorted(p.name for p in (tmp_path / "out/train").iterdir()) == ["one-1.0.0.tar.gz", "one-1.0.0.tgz"]
