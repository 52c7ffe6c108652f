"""A reader of event files that shares nothing with the writer but the messages: records and checksums by hand."""

import struct
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event


def read_events(folder: Path) -> list[Event]:
    """The events of the only file of a folder; AssertionError where a checksum is wrong."""
    (file,) = folder.glob("events.out.tfevents.*")
    data, events, place = file.read_bytes(), [], 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        for start, size in ((place, 8), (place + 12, length)):
            (said,) = struct.unpack_from("<I", data, start + size)
            assert said == _masked(data[start : start + size])
        events.append(Event.FromString(data[place + 12 : place + 12 + length]))
        place += length + 16
    return events


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """The points of every curve."""
    found: dict[str, list[tuple[int, float]]] = {}
    for event in read_events(folder):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def _masked(data: bytes) -> int:
    """CRC-32C, bit by bit, rotated by 15 and shifted by a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
