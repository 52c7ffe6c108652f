"""Manifests that are right, manifests that are wrong, and the one that we publish."""

import hashlib
import re
from pathlib import Path

import pytest

from codegem.data.registries.corpus_manifest import SPLITS, read_manifest
from codegem.errors import UserError

CORPORA = Path(__file__).parents[3] / "corpora"
COMMITTED = CORPORA / "python.toml"
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "PSF-2.0",
    "Unlicense",
    "Zlib",
}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(name: str = "one", /, **changes: object) -> dict[str, object]:
    """A correct entry of a manifest, whose file holds the name."""
    values: dict[str, object] = {
        "registry": "pypi",
        "name": name,
        "version": "1.0",
        "licence": "MIT",
        "file": f"{name}-1.0.tar.gz",
        "sha256": sha256(name.encode()),
        "split": "train",
    }
    return {key: value for key, value in (values | changes).items() if value is not None}


def write(path: Path, *entries: dict[str, object]) -> Path:
    tables = ["[[package]]\n" + "".join(f"{key} = {value!r}\n" for key, value in one.items()) for one in entries]
    path.write_text("\n".join(tables))
    return path


def test_a_manifest_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", entry("one"), entry("two", split="held-out"))
    assert [(p.name, p.split) for p in read_manifest(path)] == [("one", "train"), ("two", "held-out")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": None}, "lacks sha256"),
        ({"sha256": "abc"}, "64 lower-case hexadecimal digits"),
        ({"sha256": 7}, "64 lower-case hexadecimal digits"),
        ({"registry": "elsewhere"}, "registry 'elsewhere'"),
        ({"split": "test"}, "split 'test'"),
        ({"file": "../../one-1.0.tar.gz"}, "not the name of a source distribution"),
        ({"file": "one-1.0.tar.bz2"}, "not the name of a source distribution"),
        ({"file": "one.tar.gz"}, "not the name of a source distribution"),
        ({"file": "one-1.0.whl"}, "not the name of a source distribution"),
        ({"registry": "npm", "version": "1.0.0"}, "not the name of an npm package's file"),
        ({"registry": "npm", "name": "../one"}, "not a name"),
        ({"registry": "npm", "name": "@a/b/c"}, "not a name"),
        ({"registry": "npm", "version": "latest"}, "not a version"),
        ({"registry": "debian"}, "not the name of an upstream archive"),
        ({"registry": "debian", "name": "--one"}, "not a name"),
        ({"registry": "debian", "version": "1.0/2"}, "not a version"),
        ({"name": "one --index-url=x"}, "not a name"),
        ({"version": "1.0 ; x"}, "not a version"),
        ({"licence": ""}, "SPDX"),
        ({"license": "MIT"}, "fields that no manifest has: license"),
    ],
)
def test_a_wrong_entry_is_named_in_one_sentence(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    path = write(tmp_path / "m.toml", entry("fine"), entry("one", **changes))
    with pytest.raises(UserError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert words in message
    assert str(path) in message and "package 2" in message
    assert message.endswith(".") and "\n" not in message


@pytest.mark.parametrize(
    ("file", "is_wheel"),
    [
        ("one-1.0.tar.gz", False),
        ("one-two-1.0.zip", False),
        ("one-1.0-py3-none-any.whl", True),
        ("one-1.0-1-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl", True),
    ],
)
def test_source_distributions_and_wheels_can_be_pinned(tmp_path: Path, file: str, is_wheel: bool) -> None:
    [package] = read_manifest(write(tmp_path / "m.toml", entry("one", file=file)))
    assert package.is_wheel == is_wheel


@pytest.mark.parametrize(
    ("registry", "name", "version", "file"),
    [
        ("npm", "one", "1.0.0", "one-1.0.0.tgz"),
        ("npm", "@scope/one", "1.0.0-rc.1+b2", "scope-one-1.0.0-rc.1+b2.tgz"),
        ("npm", "com.company.One", "1.0.0", "com.company.One-1.0.0.tgz"),
        ("debian", "one", "1:1.0+dfsg-2~deb12u1", "one_1.0+dfsg.orig.tar.xz"),
        ("debian", "libone2.0-java", "1.0", "libone2.0-java_1.0.orig.tar.bz2"),
    ],
)
def test_the_files_of_other_registries_can_be_pinned(
    tmp_path: Path, registry: str, name: str, version: str, file: str
) -> None:
    changes = {"registry": registry, "version": version, "file": file}
    [package] = read_manifest(write(tmp_path / "m.toml", entry("x", name=name, **changes)))
    assert (package.registry, package.name, package.is_wheel) == (registry, name, False)


def test_a_name_may_stand_in_two_registries_but_a_file_only_once(tmp_path: Path) -> None:
    npm = {"registry": "npm", "version": "1.0.0", "file": "one-1.0.0.tgz"}
    assert len(read_manifest(write(tmp_path / "m.toml", entry("one"), entry("one", **npm)))) == 2
    with pytest.raises(UserError, match="listed twice"):
        read_manifest(write(tmp_path / "m.toml", entry("one", **npm), entry("x", name="@o/ne", **npm)))


def test_a_name_twice_is_refused_however_it_is_spelt(tmp_path: Path) -> None:
    path = write(tmp_path / "m.toml", entry("one-two"), entry("One_Two", split="held-out"))
    with pytest.raises(UserError, match="One_Two is listed twice"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[package", "not valid TOML"),
        ("", "lists no package"),
        ("package = 3", "lists no package"),
        ("package = [3]", "not a table"),
    ],
)
def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        read_manifest(path)


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.toml cannot be read"):
        read_manifest(tmp_path / "nothing.toml")


def test_the_committed_manifest_is_large_permissive_and_in_order() -> None:
    packages = read_manifest(COMMITTED)
    names = {split: {p.name for p in packages if p.split == split} for split in SPLITS}
    assert len(names["train"]) >= 120
    assert len(names["held-out"]) >= 12
    assert not names["train"] & names["held-out"]
    assert len({p.sha256 for p in packages}) == len({p.file for p in packages}) == len(packages)
    assert packages == sorted(packages, key=lambda p: (p.split, p.name))
    for package in packages:
        parts = re.split(r" (?:AND|OR) ", package.licence)
        assert set(parts) <= PERMISSIVE, f"{package.name}: {package.licence}"


def test_the_manifests_together_name_more_than_two_hundred_repositories_of_every_registry() -> None:
    packages = [package for path in CORPORA.glob("*.toml") for package in read_manifest(path)]
    assert len(packages) >= 200
    assert {package.registry for package in packages} == {"pypi", "npm", "debian"}
    assert len({p.sha256 for p in packages}) == len({p.file for p in packages}) == len(packages)
    for package in packages:
        assert set(re.split(r" (?:AND|OR) ", package.licence)) <= PERMISSIVE, f"{package.name}: {package.licence}"
