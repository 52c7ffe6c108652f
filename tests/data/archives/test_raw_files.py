"""Archives that are sound, hostile, damaged and too large."""

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.archives.raw_files import Limits, RawFile, safe_path
from codegem.data.archives.tar_archives import read_tar
from codegem.data.archives.zip_archives import read_zip

SOUND = {"pkg-1.0/a.py": b"a = 1\n", "pkg-1.0/src/b.py": b"b = 2\n" * 100}


def everything(path: str, size: int) -> bool:
    return True


def tar_bytes(files: dict[str, bytes], *extra: tarfile.TarInfo, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for info in extra:
            archive.addfile(info, io.BytesIO(b"x" * info.size) if info.isreg() else None)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes], *extra: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in extra:
            archive.writestr(info, data)
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, size
    return member


def tar(tmp_path: Path, data: bytes, limits: Limits | None = None, name: str = "pkg-1.0.tar.gz") -> list[RawFile]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(read_tar(path, limits or Limits(), everything))


def unzip(tmp_path: Path, data: bytes, limits: Limits | None = None, name: str = "pkg.zip") -> list[RawFile]:
    path = tmp_path / name
    path.write_bytes(data)
    return list(read_zip(path, limits or Limits(), everything))


def kept(files: list[RawFile]) -> dict[str, bytes | None]:
    return {file.path: file.data for file in files if file.problem is None}


def problems(files: list[RawFile]) -> dict[str, str | None]:
    return {file.path: file.problem for file in files if file.problem}


@pytest.mark.parametrize("name", ["../a.py", "a/../../b.py", "/etc/a.py", "C:/a.py", "c:a.py", "a\\..\\b.py", "", "./"])
def test_a_path_that_climbs_out_is_unsafe(name: str):
    assert safe_path(name)[1] == "unsafe path"


@pytest.mark.parametrize("name", ["a\nb.py", "a\x00.py", "\udcff.py", "a\u202eb.py", "d/" * 300 + "a.py"])
def test_a_path_that_cannot_stand_on_a_path_line_is_unsafe(name: str):
    shown, problem = safe_path(name)
    assert problem == "unsafe path"
    shown.encode("utf-8")
    assert shown.isprintable()


@given(st.text(max_size=50))
def test_a_safe_path_stays_inside_and_is_one_line(name: str):
    path, problem = safe_path(name)
    if problem is None:
        assert safe_path(path) == (path, None)
        assert ".." not in path.split("/") and not path.startswith("/") and "\n" not in path


def test_the_top_folder_is_dropped(tmp_path: Path):
    wanted = {"a.py": b"a = 1\n", "src/b.py": b"b = 2\n" * 100}
    assert kept(tar(tmp_path, tar_bytes(SOUND))) == wanted
    assert kept(unzip(tmp_path, zip_bytes(SOUND))) == wanted


@pytest.mark.parametrize("ending", ["gz", "xz", "bz2"])
def test_each_compression_is_read_and_its_damage_seen(tmp_path: Path, ending: str):
    whole, name = tar_bytes(SOUND, mode=f"w:{ending}"), f"pkg-1.0.tar.{ending}"
    assert kept(tar(tmp_path, whole, name=name)) == {"a.py": b"a = 1\n", "src/b.py": b"b = 2\n" * 100}
    assert list(problems(tar(tmp_path, whole[:-20], name=name)).values()) == ["damaged archive"]
    assert list(problems(tar(tmp_path, b"nonsense", name=name)).values()) == ["damaged archive"]


def test_an_xz_file_may_hold_several_streams(tmp_path: Path):
    plain = tar_bytes(SOUND, mode="w:")
    parts = lzma.compress(plain[:700]) + bytes(8) + lzma.compress(plain[700:]) + bytes(4)
    assert set(kept(tar(tmp_path, parts, name="p.tar.xz"))) == {"a.py", "src/b.py"}


def test_an_xz_file_that_asks_for_gigabytes_of_memory_is_refused(tmp_path: Path):
    data = bytearray(lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "preset": 0}]))
    size_of_dictionary = 12 + 4  # of the block's header: its size, flags, filter and length come before
    assert data[size_of_dictionary] == 12  # 256 KiB
    data[size_of_dictionary] = 40  # 4 GiB
    data[20:24] = zlib.crc32(bytes(data[12:20])).to_bytes(4, "little")
    [row] = tar(tmp_path, bytes(data), name="p.tar.xz")
    assert row.problem == "damaged archive" and "Memory" in row.detail


def test_a_wheel_and_files_beside_each_other_keep_their_paths(tmp_path: Path):
    one_package = {"flask/app.py": b"x"}
    assert kept(unzip(tmp_path, zip_bytes(one_package), name="flask-3.0-py3-none-any.whl")) == one_package
    two = {"a/x.py": b"x", "b/y.py": b"y"}
    assert kept(unzip(tmp_path, zip_bytes(two))) == two


def test_bytes_are_read_only_where_they_are_wanted(tmp_path: Path):
    path = tmp_path / "p.tar.gz"
    path.write_bytes(tar_bytes(SOUND))
    files = list(read_tar(path, Limits(), lambda name, size: size < 100))
    assert [(file.path, file.size, file.data) for file in files] == [("a.py", 6, b"a = 1\n"), ("src/b.py", 600, None)]


def test_hostile_members_of_a_tar_are_refused_one_by_one(tmp_path: Path):
    hostile = [
        info("../../evil.py", size=3),
        info("/etc/evil.py", size=3),
        info("pkg-1.0/link.py", tarfile.SYMTYPE, "/etc/passwd"),
        info("pkg-1.0/hard.py", tarfile.LNKTYPE, "pkg-1.0/a.py"),
        info("pkg-1.0/pipe.py", tarfile.FIFOTYPE),
        info("pkg-1.0/device.py", tarfile.CHRTYPE),
    ]
    files = tar(tmp_path, tar_bytes(SOUND, *hostile))
    assert problems(files) == {
        "../../evil.py": "unsafe path",
        "/etc/evil.py": "unsafe path",
        "link.py": "link",
        "hard.py": "link",
        "pipe.py": "not a plain file",
        "device.py": "not a plain file",
    }
    assert set(kept(files)) == {"a.py", "src/b.py"}


def test_hostile_members_of_a_zip_are_refused_one_by_one(tmp_path: Path):
    link, pipe = zipfile.ZipInfo("pkg-1.0/link.py"), zipfile.ZipInfo("pkg-1.0/pipe.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    pipe.external_attr = (stat.S_IFIFO | 0o644) << 16
    climbing = zipfile.ZipInfo("../evil.py")
    data = bytearray(zip_bytes(SOUND, (link, b"/etc/passwd"), (pipe, b""), (climbing, b"x")))
    files = unzip(tmp_path, bytes(data))
    assert problems(files) == {"link.py": "link", "pipe.py": "not a plain file", "../evil.py": "unsafe path"}
    assert set(kept(files)) == {"a.py", "src/b.py"}


def test_an_encrypted_member_is_refused(tmp_path: Path):
    data = bytearray(zip_bytes({"a.py": b"x = 1"}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    assert problems(unzip(tmp_path, bytes(data))) == {"a.py": "encrypted"}


def test_a_tar_bomb_is_left_and_what_came_before_is_kept(tmp_path: Path):
    bomb = tar_bytes(SOUND | {"pkg-1.0/z.py": bytes(40 << 20), "pkg-1.0/after.py": b"x"})
    files = tar(tmp_path, bomb, Limits(ratio=100))
    assert set(kept(files)) == {"a.py", "src/b.py"}
    assert list(problems(files).values()) == ["over the limits"]
    assert files[-1].detail.startswith("pkg-1.0.tar.gz: more than")


def test_a_zip_bomb_is_left(tmp_path: Path):
    bomb = zip_bytes({f"pkg/{n}.py": bytes(8 << 20) for n in range(4)})
    files = unzip(tmp_path, bomb, Limits(ratio=10))
    assert list(problems(files).values()) == ["over the limits"]
    assert 0 < len(kept(files)) < 4


def test_too_many_members_are_left(tmp_path: Path):
    many = {f"pkg/{n}.py": b"x" for n in range(20)}
    tarred, zipped = tar(tmp_path, tar_bytes(many), Limits(files=5)), unzip(tmp_path, zip_bytes(many), Limits(files=5))
    assert (len(kept(tarred)), len(kept(zipped))) == (5, 0)  # a zip's list of members is not even loaded
    for files in (tarred, zipped):
        assert list(problems(files).values()) == ["over the limits"]


def test_a_header_that_asks_for_much_memory_is_refused(tmp_path: Path):
    member = info("pkg/a.py")
    member.pax_headers = {"comment": "x" * 200_000}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member)
    files = tar(tmp_path, buffer.getvalue(), Limits(file_bytes=100_000))
    assert list(problems(files).values()) == ["over the limits"]


def test_a_large_file_is_listed_without_its_bytes(tmp_path: Path):
    limits = Limits(file_bytes=100)
    assert kept(tar(tmp_path, tar_bytes(SOUND), limits)) == {"a.py": b"a = 1\n", "src/b.py": None}
    assert kept(unzip(tmp_path, zip_bytes(SOUND), limits)) == {"a.py": b"a = 1\n", "src/b.py": None}


@pytest.mark.parametrize("keep", [0, 1, 30, -1, -30])
def test_a_truncated_archive_is_reported(tmp_path: Path, keep: int):
    for reader, whole in ((tar, tar_bytes(SOUND)), (unzip, zip_bytes(SOUND))):
        files = reader(tmp_path, whole[:keep])
        assert list(problems(files).values()) == ["damaged archive"]


def test_a_damaged_header_inside_a_tar_is_not_taken_for_its_end(tmp_path: Path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("a.py", "b.py"):
            archive.addfile(info(name, size=3), io.BytesIO(b"xyz"))
    plain = bytearray(buffer.getvalue())
    plain[1024 + 148 : 1024 + 156] = b"9" * 8  # the checksum of the second header
    files = tar(tmp_path, gzip.compress(bytes(plain)))
    assert set(kept(files)) == {"a.py"}
    assert list(problems(files).values()) == ["damaged archive"]


@given(st.data())
def test_no_damage_ends_the_run_or_makes_up_bytes(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    reader, whole = data.draw(st.sampled_from([(tar, tar_bytes(SOUND)), (unzip, zip_bytes(SOUND))]))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    tmp_path = tmp_path_factory.mktemp("damaged")
    for file in reader(tmp_path, bytes(damaged)):
        assert file.path.isprintable()
        if reader is unzip and file.data is not None:  # zip checks each member; gzip only the whole
            assert file.data in SOUND.values()
