"""Headers that lie: each is read right, or refused by ValueError, and never costs much memory or time.

The `safetensors` library is the judge of what is right: whatever is accepted here, it must accept and read alike.
CODEGEM_FUZZ sets how many mutated headers are tried; 100,000 and more were, see docs/LOG.md.
"""

import copy
import io
import json
import os
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

from codegem.checkpoints.safetensors_file import open_safetensors, write_safetensors
from codegem.checkpoints.safetensors_header import DTYPES, LONGEST_HEADER, TensorInfo, read_header
from codegem.errors import UserError

COUNT = int(os.environ.get("CODEGEM_FUZZ", "3000"))
VALUES: list[Any] = [
    *(-1, 0, 1, 2, 3, 7, 8, 64, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, 10**19, 10**40, -(2**63)),
    *(
        1.0,
        1.5,
        -0.0,
        float("nan"),
        float("inf"),
        1e308,
        True,
        False,
        None,
        "",
        "1",
        "F32",
        "BF16",
        "\ud800",
        "a" * 300,
    ),
    *([], [[]], {}, [1], [0, 0], [0, 2**63], [-8, 8], [8, 0], {"dtype": "F32"}, [[[[[[]]]]]]),
]
DEEP = 100_000


def read(content: bytes) -> tuple[dict[str, TensorInfo], dict[str, str]]:
    return read_header(io.BytesIO(content), len(content))


def packed(header: str | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else header.encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + data


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small file, with tensors of several types, of one axis, none and no element."""
    path = tmp_path_factory.mktemp("sound") / "file"
    tensors = {
        "model.embed_tokens.weight": np.arange(64, dtype=np.float32).reshape(8, 8),
        "model.norm.weight": np.arange(4, dtype=np.float16),
        "codes": np.arange(30, dtype=np.int8).reshape(5, 3, 2),
        "one": np.ones((), np.uint8),
        "none": np.ones((0, 7), np.float32),
    }
    write_safetensors(path, tensors, {"format": "pt"})
    return path.read_bytes()


def split(content: bytes) -> tuple[dict[str, Any], bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def flip(content: bytes, chance: random.Random) -> bytes:
    """Some bytes of the header changed, its length among them."""
    damaged = bytearray(content)
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8, 40))):
        at = chance.randrange(8) if chance.random() < 0.1 else chance.randrange(8, end)
        damaged[at] = chance.choice((chance.randrange(256), damaged[at] ^ 1 << chance.randrange(8), *b'"{}[],:0-9'))
    return bytes(damaged)


def anything(chance: random.Random, *others: Any) -> Any:
    return copy.deepcopy(chance.choice((*VALUES, *others)))


def edit(content: bytes, chance: random.Random) -> bytes:
    """The JSON changed in one or two places: values, names, entries."""
    header, data = split(content)
    for _ in range(chance.choice((1, 1, 2))):
        name = chance.choice(list(header) or [""])
        entry = header.get(name)
        key = chance.choice(("dtype", "shape", "data_offsets", "more"))
        if not isinstance(entry, dict) or chance.random() < 0.1:
            header[name] = anything(chance)
        elif isinstance(entry.get(key), list) and entry[key] and chance.random() < 0.7:
            entry[key][chance.randrange(len(entry[key]))] = anything(chance, chance.randrange(400))
        elif chance.random() < 0.3:
            entry.pop(key, None)
        else:
            entry[key] = anything(chance, *DTYPES, "BOOL", "F8_E4M3", "f32", [2**32, 2**32], [2**63 - 1, 2])
        if chance.random() < 0.1:
            header[chance.choice(("", "__metadata__", "again", "\ud800", "a\0b", name + " "))] = header.pop(name)
    return packed(json.dumps(header, ensure_ascii=chance.random() < 0.5), data)


def exchange(content: bytes, chance: random.Random) -> bytes:
    """Offsets of two tensors exchanged, moved together, or made to overlap."""
    header, data = split(content)
    first, second = (header[name]["data_offsets"] for name in chance.sample([n for n in header if n[0] != "_"], 2))
    move = chance.choice((0, 1, 4, 8, 64, len(data)))
    first[:], second[:] = [n + move for n in second], [n - move for n in first] if move % 2 else first
    return packed(json.dumps(header), data)


def splice(content: bytes, chance: random.Random) -> bytes:
    """A piece of the header doubled, removed or moved, under a right length."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = content[8:end]
    start, stop = sorted(chance.randrange(len(header)) for _ in range(2))
    at = chance.randrange(len(header))
    piece = header[start:stop]
    changed = chance.choice((header[:at] + piece + header[at:], header[:start] + header[stop:], piece + header, piece))
    return packed(changed, content[end:])


def resize(content: bytes, chance: random.Random) -> bytes:
    """A file that is cut or goes on, or a length of anything."""
    if chance.random() < 0.3:
        length = chance.choice((0, 1, 2**30, 2**32, 2**63, 2**64 - 1, LONGEST_HEADER, chance.randrange(2000)))
        return length.to_bytes(8, "little") + content[8:]
    size = chance.choice((chance.randrange(12), chance.randrange(len(content)), len(content) - 1))
    return content[:size] if chance.random() < 0.7 else content + bytes(chance.randrange(1, 100))


def nest(content: bytes, chance: random.Random) -> bytes:
    """Brackets within brackets, where a value is expected."""
    _, data = split(content)
    depth = chance.choice((10, 500, 2000, 20_000))
    opening, closing = chance.choice((("[", "]"), ('{"a":', "}")))
    deep = opening * depth + ("1" if "a" in opening else "") + closing * chance.choice((depth, 0))
    place = chance.choice(
        ('{"a":%s}', '{"a":{"dtype":"F32","shape":%s,"data_offsets":[0,4]}}', '{"__metadata__":%s}', "%s")
    )
    return packed(place % deep, data)


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [flip, flip, edit, edit, edit, exchange, splice, resize]


def verdict(content: bytes) -> bool:
    """Whether a file is accepted; where it is, the library must agree in all that it says."""
    try:
        tensors, _ = read(content)
    except (ValueError, RecursionError) as refused:
        assert len(str(refused)) < 500
        return False
    theirs = dict(safetensors.deserialize(content))
    assert theirs.keys() == tensors.keys()
    for name, info in tensors.items():
        said = theirs[name]
        assert (info.dtype, list(info.shape)) == (said["dtype"], said["shape"])
        assert content[info.start : info.stop] == bytes(said["data"])
    return True


def test_mutated_headers_are_read_right_or_refused(sound: bytes):
    chance = random.Random(0)
    accepted = 0
    for number in range(COUNT):
        mutate = nest if number % 100 == 0 else chance.choice(MUTATIONS)
        content = mutate(sound, chance)
        if chance.random() < 0.2 and 8 < int.from_bytes(content[:8], "little") < len(content) - 8:
            content = flip(content, chance)
        accepted += verdict(content)
    assert 0 < accepted < COUNT / 2


@pytest.mark.parametrize("seed", range(60))
def test_a_mutated_file_opens_or_gives_one_sentence(sound: bytes, tmp_path: Path, seed: int):
    chance = random.Random(seed)
    path = tmp_path / "file"
    path.write_bytes(chance.choice(MUTATIONS)(sound, chance))
    try:
        file = open_safetensors(path)
    except UserError as refused:
        message = str(refused)
        assert "\n" not in message and message.endswith("download it again.") and len(message) < 500
        assert f"{path} is cut or no safetensors file" in message
        return
    for name, info in file.tensors.items():
        assert file.view(name).shape == info.shape and file.copy(name).nbytes == info.stop - info.start


ENTRY = '"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ('{"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}}', "the number -4"),
        ('{"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}', "has -4 bytes"),
        ('{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}', "end at byte"),
        ('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', "end at byte"),
        ('{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}', "begins at byte 2"),
        ("{" + ENTRY + ',"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}', "begins at byte 2"),
        ("{" + ENTRY + ',"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', "begins at byte 0"),
        ("{" + ENTRY + "," + ENTRY + "}", "stands twice"),
        ('{"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}', "stands twice"),
        ('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}', "of shape [4] and type F32 has 4 bytes"),
        ('{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}', "is of type 'F4'"),
        ('{"a":{"dtype":"U8","shape":[4.0],"data_offsets":[0,4]}}', "the number 4.0"),
        ('{"a":{"dtype":"U8","shape":[NaN],"data_offsets":[0,4]}}', "the number NaN"),
        ('{"a":{"dtype":"U8","shape":[true,4],"data_offsets":[0,4]}}', "has the shape [True, 4]"),
        ('{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}', "has not a dtype"),
        ('{"a":{"dtype":"U8","shape":[' + "1," * 70 + '4],"data_offsets":[0,4]}}', "has the shape"),
        ('{"a":{"dtype":"U8","shape":[9223372036854775807,3,0],"data_offsets":[0,0]}}', "would have the shape"),
        ('{"a":{"dtype":"U8","shape":[' + "1" * 5000 + '],"data_offsets":[0,4]}}', "the number 1111"),
        ('{"__metadata__":{"a":1},' + ENTRY + "}", "metadata"),
        ('{"\\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}', "surrogates not allowed"),
        ('[{"a":1}]', "begin with a brace"),
        (' {"a":1}', "begin with a brace"),
        ('{"a":' + "[" * DEEP, "recursion"),
        ('{"a":' + '{"b":' * DEEP, "recursion"),
        (b'{"\xff":1}', "can't decode byte"),
        ("", "begin with a brace"),
    ],
)
def test_each_lie_is_named(header: str | bytes, words: str):
    with pytest.raises((ValueError, RecursionError)) as refused:
        read(packed(header, b"1234"))
    assert words in str(refused.value)


@pytest.mark.parametrize("filling", ["[],", "1,", "{},", '"",', "[[]],"])
def test_memory_stays_in_proportion(filling: str):
    """A header of the shortest values: at most 60 bytes of memory for each of its own."""
    size = 1 << 16
    start = '{"a":{"dtype":"U8","data_offsets":[0,0],"shape":['
    content = packed(start + filling * (size // len(filling)) + "1]}}")
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 60 * size
    finally:
        tracemalloc.stop()


def test_a_header_longer_than_any_real_one():
    with pytest.raises(ValueError, match="4194304 are allowed"):
        read(packed("{" + " " * LONGEST_HEADER + "}"))
