import errno

from codegem.train.appending import AppendOnly, write_new


class FullDisk:
    """A file that takes the first few bytes only, as a disk that fills up does."""

    def __init__(self, file, room: int):
        self._file, self._room = file, room

    def __getattr__(self, name):
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, self._room = self._file.write(data[: self._room]), 0
        return taken


def test_records_that_found_no_room_are_written_later(tmp_path):
    path = tmp_path / "file"
    file = AppendOnly(path)
    file.append(b"one\n")
    real, file._file = file._file, FullDisk(file._file, room=3)
    file.append(b"two\n")
    file.append(b"three\n")
    assert path.read_bytes() == b"one\n"
    file._file = real
    file.append(b"four\n")
    assert path.read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_a_file_that_is_there_grows(tmp_path):
    path = tmp_path / "file"
    write_new(path, b"one\n")
    AppendOnly(path).append(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
