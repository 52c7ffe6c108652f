"""TensorBoard's event files: each number of a row of metrics.jsonl as a scalar of the same name.

An event file is a row of records: length (uint64), its checksum, the bytes of a protocol buffer `Event`, their
checksum; checksums are CRC-32C, rotated and shifted (tensorflow/core/lib/io/record_writer.h). The messages and the
checksum are tensorboardX's; its own writer loses the end of a record where the disk is full, and waits forever then.
"""

import struct
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event, SessionLog  # type: ignore[attr-defined]
from tensorboardX.proto.summary_pb2 import Summary  # type: ignore[attr-defined]
from tensorboardX.record_writer import masked_crc32c

from codegem.train.appending import AppendOnly, write_new

_NO_SCALARS = ("step", "time")


class EventFile:
    """The event file of a run, in a folder of its own.

    The file is made anew from the rows that are kept, and files before it are removed: a run that goes on from a
    checkpoint leaves no point twice, whoever reads them. A TensorBoard that is looking on is told to begin again.

    Raises:
        OSError: the folder can't be written.
    """

    def __init__(self, directory: Path, kept: Iterable[Mapping[str, float]]):
        directory.mkdir(parents=True, exist_ok=True)
        before = list(directory.glob("events.out.tfevents.*"))
        path = directory / f"events.out.tfevents.{time.time():.6f}.codegem"
        write_new(path, _head() + b"".join(map(_record, kept)))
        for file in before:
            file.unlink()
        self._file = AppendOnly(path)

    def append(self, row: Mapping[str, float]) -> None:
        """Add the numbers of a row."""
        self._file.append(_record(row))

    def close(self) -> None:
        """Nothing more is appended."""
        self._file.close()


def _head() -> bytes:
    now = time.time()
    start = SessionLog(status=SessionLog.SessionStatus.START)
    events = Event(wall_time=now, file_version="brain.Event:2"), Event(wall_time=now, step=0, session_log=start)
    return b"".join(_framed(event.SerializeToString()) for event in events)


def _record(row: Mapping[str, float]) -> bytes:
    values = [Summary.Value(tag=name, simple_value=row[name]) for name in row if name not in _NO_SCALARS]
    event = Event(wall_time=row.get("time", 0.0), step=int(row["step"]), summary=Summary(value=values))
    return _framed(event.SerializeToString())


def _framed(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))
