"""Small GGUF files for tests, spelled by hand so that every field can be made wrong."""

import struct
from collections.abc import Sequence
from typing import Any

KINDS = {"u8": (0, "B"), "i8": (1, "b"), "u32": (4, "I"), "i32": (5, "i"), "f32": (6, "f"), "bool": (7, "B"),
         "u64": (10, "Q"), "f64": (12, "d")}  # fmt: skip


def text(value: str | bytes) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(content)) + content


def key(name: str, kind: str, value: Any) -> bytes:
    """A key: of a number's kind, "text", or "array KIND"."""
    start = text(name)
    if kind == "text":
        return start + struct.pack("<I", 8) + text(value)
    if kind == "array text":
        return start + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    if kind.startswith("array "):
        code, form = KINDS[kind.removeprefix("array ")]
        return start + struct.pack(f"<IIQ{len(value)}{form}", 9, code, len(value), *value)
    code, form = KINDS[kind]
    return start + struct.pack(f"<I{form}", code, value)


def tensor(name: str, sizes: Sequence[int], code: int, offset: int) -> bytes:
    """A tensor's entry; `sizes` has the innermost first, as in the file."""
    return text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, code, offset)


def file(
    keys: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    data: int = 0,
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    alignment: int = 32,
) -> bytes:
    """A file: what stands in it, and `data` bytes of tensors; `counts` are claimed instead of the true ones."""
    claimed = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, *claimed) + b"".join(keys) + b"".join(tensors)
    return head + bytes(-len(head) % alignment) + bytes(data)
