"""Hostile repositories, as real archives, folders and checkouts: each costs a rejection and never the run."""

import gzip
import io
import os
import stat
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from codegem.data import reading
from codegem.data.archives.raw_files import Limits
from codegem.data.filters import FilterRules
from codegem.data.reading import FILES, read_repository
from codegem.data.recipe import DataRecipe
from codegem.data.repositories import Source
from codegem.data.rules.syntax_rules import parse_errors
from codegem.text.syntax import TooHardToParse, parse

CODE = b"def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n"
MIT = b"Permission is hereby granted, free of charge, to any person obtaining a copy of this software"
SOUND = {"p/LICENSE": MIT, "p/good.py": CODE}
SECRET = b"secret = 'this lies outside of the repository'\n"


def read(source: Source, limits: Limits | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a repository, after what holds for every one was seen to hold."""
    rows = list(read_repository(source, DataRecipe(limits=limits or Limits())))
    pa.Table.from_pylist(rows, schema=FILES)  # also that every string is text
    for row in rows:
        assert (row.get("text") is None) == (row.get("reason") is not None)
        assert row["path"].isprintable()
        if row.get("reason"):
            assert row["stage"] and row["detail"] and row["rule"]
            assert row["detail"].isprintable()
        assert "outside" not in (row.get("text") or "")
    assert len({row["path"] for row in rows if row.get("text")}) == sum(1 for row in rows if row.get("text"))
    return {row["path"]: row for row in rows}


def reasons(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {path: row["reason"] for path, row in rows.items() if row.get("reason") and path != "LICENSE"}


def member(name: str, data: bytes = b"", **attributes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes], sound: bool = True) -> Source:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for info, data in [*(member(*item) for item in SOUND.items() if sound), *members]:
            archive.addfile(info, io.BytesIO(data))
    return Source("p", path, "tar")


def zipped(path: Path, members: dict[str, bytes]) -> Source:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (SOUND | members).items():
            archive.writestr(name, data)
    return Source("p", path, "zip")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good file; beside it lies what it must not reach."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.py").write_bytes(SECRET)
    (tmp_path / "p").mkdir()
    (tmp_path / "p/LICENSE").write_bytes(MIT)
    (tmp_path / "p/good.py").write_bytes(CODE)
    return tmp_path / "p"


def git(root: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", *who, *arguments], cwd=root, env=environment, check=True, capture_output=True)


# Links and names


def test_links_out_of_a_tar(tmp_path: Path):
    source = tar(
        tmp_path / "p.tar.gz",
        member("p/a.py", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("p/b.py", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        member("p/folder", type=tarfile.SYMTYPE, linkname="/etc"),
        member("p/folder/passwd.py", CODE),
        member("p/pipe.py", type=tarfile.FIFOTYPE),
        member("../climbs.py", CODE),
        member("/absolute.py", CODE),
    )
    rows = read(source)
    assert rows["good.py"]["text"] and rows["folder/passwd.py"]["text"] == CODE.decode()
    assert reasons(rows) == {
        "a.py": "link",
        "b.py": "link",
        "folder": "link",
        "pipe.py": "not a plain file",
        "../climbs.py": "unsafe path",
        "/absolute.py": "unsafe path",
    }


def test_links_out_of_a_zip(tmp_path: Path):
    source = zipped(tmp_path / "p.zip", {})
    link = zipfile.ZipInfo("p/link.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(source.location, "a") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert reasons(read(source)) == {"link.py": "link"}


def test_links_out_of_a_folder_and_in_a_circle(folder: Path):
    (folder / "file.py").symlink_to(folder.parent / "outside/secret.py")
    (folder / "folder").symlink_to(folder.parent / "outside")
    (folder / "circle").symlink_to(folder)
    os.mkfifo(folder / "pipe.py")
    rows = read(Source("p", folder, "folder"))
    assert reasons(rows) == {"file.py": "link", "folder": "link", "circle": "link", "pipe.py": "not a plain file"}


def test_links_out_of_a_checkout(folder: Path):
    git(folder, "init", "--quiet")
    (folder / "code").mkdir()
    (folder / "code/secret.py").write_bytes(CODE)
    (folder / "link.py").symlink_to(folder.parent / "outside/secret.py")
    git(folder, "add", "--all")
    (folder / "code/secret.py").unlink()
    (folder / "code").rmdir()
    (folder / "code").symlink_to(folder.parent / "outside")
    assert reasons(read(Source("p", folder, "git"))) == {"link.py": "link", "code/secret.py": "link"}


NAMES = ["a\nb.py", "a\x00b.py", "a\x1b[31m.py", "a\u202eb.py", "a\u2028b.py", "x" * 500 + ".py", "d/" * 300 + "a.py"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_would_break_the_path_line(tmp_path: Path, name: str):
    rows = read(tar(tmp_path / "p.tar.gz", member(f"p/{name}", CODE)))
    if "\0" in name:  # a tar's name ends there
        assert set(rows) == {"LICENSE", "good.py", "a"}
    else:
        assert list(reasons(rows).values()) == ["unsafe path"]
    rows = read(zipped(tmp_path / "p.zip", {f"p/{name}": CODE}))
    assert rows["good.py"]["text"]


def test_names_that_are_no_text(tmp_path: Path, folder: Path):
    (folder / "a\nb.py").write_bytes(CODE)
    with open(os.fsencode(folder) + b"/\xff.py", "wb") as file:
        file.write(CODE)
    assert sorted(reasons(read(Source("p", folder, "folder"))).values()) == ["unsafe path"] * 2
    rows = read(tar(tmp_path / "p.tar.gz", member("p/\udcff.py", CODE)))
    assert list(reasons(rows).values()) == ["unsafe path"]


# Too much of everything


def test_many_empty_files(tmp_path: Path, folder: Path):
    limits = Limits(files=1000)
    many = [f"p/{n}.py" for n in range(3000)]
    rows = read(tar(tmp_path / "p.tar.gz", *(member(name) for name in many)), limits)
    assert rows["good.py"]["text"] and len(rows) == 1001 and rows["…"]["reason"] == "over the limits"
    rows = read(zipped(tmp_path / "p.zip", dict.fromkeys(many, b"")), limits)
    assert reasons(rows) == {"…": "over the limits"}
    for name in many:
        (folder / name[2:]).touch()
    rows = read(Source("p", folder, "folder"), limits)
    assert len(rows) == 1001 and "over the limits" in reasons(rows).values()


def peak_of(source: Source, limits: Limits | None = None) -> tuple[dict[str, dict[str, Any]], int]:
    tracemalloc.start()
    try:
        return read(source, limits), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["tar", "zip", "folder"])
def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path, folder: Path, kind: str):
    size = 40 << 20
    if kind == "tar":
        source = tar(tmp_path / "p.tar.gz", member("p/line.py", b"a" * size))
    elif kind == "zip":
        source = zipped(tmp_path / "p.zip", {"p/line.py": b"a" * size})
    else:
        with (folder / "line.py").open("wb") as file:
            file.truncate(size)
        source = Source("p", folder, "folder")
    rows, peak = peak_of(source, Limits(ratio=10_000))
    assert reasons(rows) == {"line.py": "too large"} and rows["line.py"]["size"] == size
    assert peak < 8 << 20


def test_a_repository_whose_files_find_no_room_in_memory(tmp_path: Path):
    members = [member(f"p/{n}.py", CODE * 100) for n in range(10)]
    rows = read(tar(tmp_path / "p.tar.gz", *members), Limits(wanted_bytes=len(CODE) * 350))
    assert reasons(rows) == {f"{n}.py": "over the limits" for n in range(3, 10)}
    assert rows["good.py"]["text"] and rows["2.py"]["text"]


@pytest.mark.parametrize(
    "data",
    [
        CODE + b"# \xe9\n",
        CODE.decode().encode("utf-16"),
        CODE.decode().encode("utf-32-be"),
        b"\xef\xbb\xbf\xff" + CODE,
        CODE + b"\xed\xa0\x80\n",
        CODE + b"\xc0\x80\n",
        CODE + b"\x00\n",
        CODE + b"\xf4\x90\x80\x80\n",
    ],
)
def test_broken_encodings(tmp_path: Path, data: bytes):
    assert reasons(read(tar(tmp_path / "p.tar.gz", member("p/a.py", data)))) == {"a.py": "not text"}


# Bombs


def test_a_tar_that_grows_without_end(tmp_path: Path):
    rows, peak = peak_of(tar(tmp_path / "p.tar.gz", member("p/a.bin", bytes(64 << 20))), Limits(ratio=10))
    assert rows["good.py"]["text"] and rows["…"]["reason"] == "over the limits"
    assert peak < 8 << 20


def test_a_zip_that_grows_without_end(tmp_path: Path):
    data = b"x = 1\n" * 150_000
    rows, peak = peak_of(zipped(tmp_path / "p.zip", {f"p/{n}.py": data for n in range(40)}), Limits(ratio=10))
    assert rows["good.py"]["text"] and rows["…"]["reason"] == "over the limits"
    assert peak < 80 << 20


def test_a_zip_that_states_a_small_size_for_a_large_member(tmp_path: Path):
    source = zipped(tmp_path / "p.zip", {"p/bomb.py": b"a" * (40 << 20)})
    data = bytearray(source.location.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 500)  # its size, in the list of members
    source.location.write_bytes(data)
    rows, peak = peak_of(source)
    assert reasons(rows) == {"bomb.py": "damaged archive"}
    assert peak < 8 << 20


def test_a_zip_in_a_zip_is_no_source_code(tmp_path: Path):
    inner = zipped(tmp_path / "inner.zip", {"p/a.py": b"a" * (8 << 20)}).location.read_bytes()
    rows = read(zipped(tmp_path / "p.zip", {"p/inner.zip": inner, "p/inner.py": inner}))
    assert reasons(rows) == {"inner.zip": "language", "inner.py": "not text"}


def test_members_of_a_zip_that_share_their_bytes(tmp_path: Path):
    """Many entries point at one member: the sizes add up to far more than the file has."""
    data = b"# 0123456789 abcdefg\n" * 40_000
    packed = zlib.compress(data)[2:-4]
    head = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(data), len(packed), len(data), 4, 0)
    body = head + b"a.py" + packed
    entries = b""
    for n in range(200):
        fields = (20, 20, 0, 8, 0, 0, zlib.crc32(data), len(packed), len(data), 7, 0, 0, 0, 0, 0, 0)
        entries += struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *fields) + b"%04d.py" % n
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 200, 200, len(entries), len(body), 0)
    (tmp_path / "p.zip").write_bytes(body + entries + end)
    rows = read(Source("p", tmp_path / "p.zip", "zip"), Limits(total_bytes=8 << 20))
    assert sum(row.get("reason") is None for row in rows.values()) <= 10


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_cannot_be_bounded_is_not_opened(tmp_path: Path, method: int):
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.writestr("p/a.py", CODE, method)
        archive.writestr("p/LICENSE", MIT)
    assert reasons(read(Source("p", tmp_path / "p.zip", "zip"))) == {"a.py": "unknown compression"}


def test_a_member_that_says_it_has_more_bytes_than_a_number_holds(tmp_path: Path):
    source = zipped(tmp_path / "p.zip", {"p/a.py": CODE})
    data = bytearray(source.location.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = b"\xff" * 4
    name_length, extra_length = struct.unpack_from("<2H", data, entry + 28)
    assert extra_length == 0
    extra = struct.pack("<2HQ", 1, 8, 2**64 - 1)  # zip64: the size in eight bytes
    data[entry + 46 + name_length : entry + 46 + name_length] = extra
    struct.pack_into("<H", data, entry + 30, len(extra))
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 12, struct.unpack_from("<I", data, end + 12)[0] + len(extra))
    source.location.write_bytes(data)
    assert reasons(read(source)) == {"a.py": "over the limits"}


# Headers


def raw_tar(path: Path, *blocks: bytes) -> Source:
    path.write_bytes(gzip.compress(b"".join(blocks) + bytes(1024)))
    return Source("p", path, "tar")


def block(name: str, size: bytes, kind: bytes = b"0") -> bytes:
    """A header of a tar, with its checksum."""
    header = bytearray(
        struct.pack("100s8s8s8s12s12s8s1s355x", name.encode(), b"0000644", b"0", b"0", size, b"0", b" " * 8, kind)
    )
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


@pytest.mark.parametrize(
    "size",
    [
        b"77777777777",
        b"\x80" + b"\x7f" * 11,
        b"\xff" * 12,
        b"-0000000001",
        b"99999999999",
    ],
)
def test_a_tar_with_absurd_sizes(tmp_path: Path, size: bytes):
    good = block("good.py", b"%011o" % len(CODE)) + CODE + bytes(-len(CODE) % 512)
    rows = read(raw_tar(tmp_path / "p.tar.gz", good, block("a.py", size), b"x" * 512))
    assert rows["…"]["reason"] in ("damaged archive", "over the limits")


def test_a_tar_with_a_chain_of_headers(tmp_path: Path):
    long_name = block("@", b"00000000004", b"L") + b"a.py" + bytes(508)
    rows = read(raw_tar(tmp_path / "p.tar.gz", long_name * 5000))
    assert rows["…"]["reason"] == "damaged archive"


def test_a_header_that_says_what_the_name_is_a_gigabyte_long(tmp_path: Path):
    rows, peak = peak_of(raw_tar(tmp_path / "p.tar.gz", block("@", b"10000000000", b"L"), bytes(4096)))
    assert rows["…"]["reason"] == "over the limits"
    assert peak < 8 << 20


# Syntax


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "x = " + "[" * 100_000),
        ("a.js", "(" * 50_000 + ")" * 50_000),
        ("A.java", "class A { int x = " + "(" * 50_000 + "1;}"),
        ("a.rs", "fn f() {" * 20_000),
        ("a.ts", "type A = " + "Array<" * 20_000),
        ("a.kt", "val a = " + "{ a -> " * 5_000),
    ],
)
def test_deeply_nested_syntax_ends(path: str, text: str):
    data = text.encode()
    try:
        tree = parse(data, path)
    except TooHardToParse:
        return
    assert tree is not None
    parse_errors(tree, data, FilterRules())


def test_metadata_that_nests_without_end(tmp_path: Path):
    deep = b"[" * 500_000
    members = [member(f"p/{name}", deep) for name in ("package.json", "x/package.json")]
    members += [member("p/Cargo.toml", b"package = " + deep), member("p/pom.xml", b"<licenses><name>" * 50_000)]
    rows = read(tar(tmp_path / "p.tar.gz", *members))
    assert rows["good.py"]["licence"] == "MIT"


@pytest.mark.parametrize("expression", ["(" * 1900, "MIT OR " * 200_000 + "MIT", "(" * 900 + "MIT" + ")" * 900])
def test_a_licence_that_nests_without_end(tmp_path: Path, expression: str):
    header = f"# SPDX-License-Identifier: {expression}\n".encode()
    metadata = f"Metadata-Version: 2.4\nLicense-Expression: {expression}\n".encode()
    members = [member("p/PKG-INFO", metadata), member("p/a.py", header[:1900] + b"\n" + CODE)]
    rows = read(tar(tmp_path / "p.tar.gz", *members, sound=False))
    assert rows["a.py"].get("reason") in ("licence not permissive", "long line", "few letters")
    assert all(len(row["repository_licence"] or "") < 1000 for row in rows.values())


def test_what_a_file_says_is_shown_without_its_control_characters(tmp_path: Path):
    data = b"# Generated by \x1b[31m\xe2\x80\xae a tool\n" + CODE
    rows = read(tar(tmp_path / "p.tar.gz", member("p/a.py", data)))
    assert reasons(rows) == {"a.py": "generated"}


# Checkouts and folders


def test_nothing_of_a_checkout_is_run(folder: Path):
    mark, trap = folder.parent / "mark", folder.parent / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    (folder / ".gitattributes").write_text("*.py filter=trap diff=trap merge=trap\n")
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    (folder / ".git/hooks").mkdir(exist_ok=True)
    for hook in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        (folder / ".git/hooks" / hook).write_text(trap.read_text())
        (folder / ".git/hooks" / hook).chmod(0o755)
    settings = ["core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.gitProxy", "core.askPass"]
    settings += ["filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "diff.trap.textconv"]
    for key in settings:
        git(folder, "config", key, str(trap))
    git(folder, "config", "alias.ls-files", f"!{trap}")
    rows = read(Source("p", folder, "git"))
    assert rows["good.py"]["text"] and not mark.exists()


def test_a_partial_clone_does_not_fetch_by_a_program(folder: Path):
    """Git reads trees that a sparse index stands for, and would fetch them from wherever the checkout says."""
    mark = folder.parent / "mark"
    (folder / "inside").mkdir()
    (folder / "inside/a.py").write_bytes(CODE)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    git(folder, "sparse-checkout", "set", "--cone", "--sparse-index", "nothing")
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::sh -c touch% {mark}",
        "protocol.ext.allow": "always",
    }.items():
        git(folder, "config", key, value)
    for loose in (folder / ".git/objects").glob("??/*"):
        loose.unlink()
    rows = read(Source("p", folder, "git"))
    assert not mark.exists()
    assert set(rows) >= {".git"} or "good.py" in rows


def test_a_checkout_that_points_elsewhere(folder: Path):
    elsewhere = folder.parent / "outside"
    git(elsewhere, "init", "--quiet")
    git(elsewhere, "add", "--all")
    (folder / ".git").write_text(f"gitdir: {elsewhere}/.git\n")
    assert reasons(read(Source("p", folder, "git"))) == {"secret.py": "unreadable"}


def test_a_folder_deeper_than_python_may_call_itself(folder: Path):
    here = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(1100):
            os.mkdir("d")
            os.chdir("d")
        Path("deep.py").write_bytes(CODE)
        os.chdir(here)
        rows = read(Source("p", folder, "folder"))
    finally:
        os.chdir(here)
        # What pytest and shutil would remove by calling themselves.
        subprocess.run(["rm", "-rf", str(folder / "d")], check=True)
    assert rows["good.py"]["text"] and list(reasons(rows).values()) == ["unsafe path"]


@pytest.fixture
def vanishing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Files that vanish, with all in them, when the first file of a repository is about to be read."""
    doomed: list[Path] = []
    wanted = reading._is_wanted

    def delete_first(path: str, size: int, rules: FilterRules) -> bool:
        while doomed:
            doomed.pop().unlink()
        return wanted(path, size, rules)

    monkeypatch.setattr(reading, "_is_wanted", delete_first)
    yield doomed


def test_files_that_vanish_or_change_while_they_are_read(folder: Path, vanishing: list[Path]):
    for name in ("x.py", "y.py"):
        (folder / name).write_bytes(CODE)
    vanishing += [folder / "x.py"]
    rows = read(Source("p", folder, "folder"))
    assert reasons(rows) == {"x.py": "unreadable"} and rows["y.py"]["text"]


@pytest.mark.parametrize("kind", ["tar", "zip", "folder", "git"])
def test_a_repository_that_is_gone(tmp_path: Path, kind: str):
    rows = read(Source("p", tmp_path / "gone", kind))
    assert list(reasons(rows).values()) in (["damaged archive"], ["unreadable"], ["git failed"])
