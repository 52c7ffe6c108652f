"""Headers of GGUF files: what is sound is read, and whatever is not is one ValueError, quickly.

CODEGEM_FUZZ sets how many mutated headers are tried; 100,000 and more were, see docs/LOG.md.
"""

import os
import random
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codegem.checkpoints import gguf
from codegem.checkpoints.gguf_header import ENCODINGS, LARGEST_ARRAY, read_header
from codegem.checkpoints.gguf_layout import checked_names, read_config
from codegem.checkpoints.gguf_vocabulary import read_vocabulary
from codegem.checkpoints.pieces import from_tokenizer, to_tokenizer
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

from .gguf_files import file, key, tensor, text

COUNT = int(os.environ.get("CODEGEM_FUZZ", "3000"))
KEYS = [
    key("one", "u32", 7),
    key("two", "text", "naïve"),
    key("three", "array text", ["a", "", "é"]),
    key("four", "array f32", [1.5, -2.0]),
    key("five", "bool", 1),
    key("six", "array i32", []),
    key("seven", "array bool", [0, 1]),
    key("eight", "i8", -3),
]
TENSORS = [tensor("a", [32, 2], 8, 0), tensor("b", [5], 0, 96)]


def refused(content: bytes) -> str:
    with pytest.raises(ValueError) as error:
        read_header(content)
    return str(error.value)


class TestSound:
    def test_keys(self):
        keys = read_header(file(KEYS)).keys
        assert np.array_equal(keys.pop("four"), np.float32([1.5, -2])) and len(keys.pop("six")) == 0
        assert keys == {
            "one": 7,
            "two": "naïve",
            "three": ["a", "", "é"],
            "five": True,
            "seven": [False, True],
            "eight": -3,
        }

    def test_tensors(self):
        content = file(KEYS, TENSORS, 116)
        tensors = read_header(content).tensors
        start = len(content) - 116
        assert [(t.encoding.name, t.shape, t.start - start, t.stop - start) for t in tensors.values()] == [
            ("Q8_0", (2, 32), 0, 68),
            ("F32", (5,), 96, 116),
        ]

    def test_the_file_says_how_tensors_are_aligned(self):
        header = read_header(file([key("general.alignment", "u32", 64)], [tensor("a", [8], 0, 64)], 96, alignment=64))
        assert header.tensors["a"].start % 64 == 0

    def test_version_2(self):
        assert read_header(file(KEYS, version=2)).keys["one"] == 7

    def test_sizes_are_ggmls_own(self):
        ggml = pytest.importorskip("gguf")
        for code, encoding in ENCODINGS.items():
            kind = ggml.GGMLQuantizationType(code)
            assert (kind.name, ggml.GGML_QUANT_SIZES[kind]) == (encoding.name, (encoding.values, encoding.bytes))


class TestHostile:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "cut"),
            (b"GGUF", "cut"),
            (b"GGML" + file(KEYS)[4:], "begin with GGUF"),
            (b"PK\3\4" + bytes(100), "begin with GGUF"),
            (file(KEYS, version=1), "version is 1"),
            (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
            (file(counts=(2**64 - 1, 0)), "claims 18446744073709551615 tensors"),
            (file(counts=(0, 2**63)), "claims 9223372036854775808 keys"),
            (file(counts=(60_000, 0)), "cut"),
            (file(KEYS, counts=(0, 6000)), "cut"),
            (file([*KEYS, KEYS[0]]), "'one' twice"),
            (file([text("k") + struct.pack("<I", 13)]), "unknown type 13"),
            (file([text("k") + struct.pack("<IIQ", 9, 9, 1)]), "values of the type 9"),
            (file([text("k") + struct.pack("<IIQ", 9, 0, 2**62)]), "claims 4611686018427387904 values"),
            (file([text("k") + struct.pack("<IIQ", 9, 8, LARGEST_ARRAY)]), "cut"),
            (file([text("k") + struct.pack("<IQ", 8, 1 << 30)]), "too long"),
            (file([text("k") + struct.pack("<IQ", 8, 2**64 - 1)]), "too long"),
            (file([struct.pack("<Q", 2**64 - 8) + bytes(8)]), "too long"),
            (file([key("k", "bool", 2)]), "neither true nor false"),
            (file([key("k", "array bool", [1, 7])]), "neither true nor false"),
            (file([text("k") + struct.pack("<I", 8) + text(b"\xff\xfe")]), "utf-8"),
            (file([key("general.alignment", "u32", 0)]), "alignment"),
            (file([key("general.alignment", "u32", 48)]), "alignment"),
            (file([key("general.alignment", "text", "32")]), "alignment"),
            (file([], [tensor("a", [], 0, 0)], 64), "0 dimensions"),
            (file([], [tensor("a", [1] * 5, 0, 0)], 64), "5 dimensions"),
            (file([], [tensor("a", [0, 4], 0, 0)], 64), "the shape"),
            (file([], [tensor("a", [33], 8, 0)], 64), "the shape"),
            (file([], [tensor("a", [4], 4, 0)], 64), "type 4"),
            (file([], [tensor("a", [2**63, 2**63, 2**63, 2**63], 0, 0)], 64), "ends at byte"),
            (file([], [tensor("a", [2**62, 4], 0, 0)], 64), "ends at byte"),  # 0 bytes modulo 2^64
            (file([], [tensor("a", [4], 0, 2**64 - 32)], 64), "ends at byte"),
            (file([], [tensor("a", [17], 0, 0)], 64), "ends at byte"),
            (file([], [tensor("a", [4], 0, 4)], 64), "no multiple of 32"),
            (file([], [tensor("a", [9], 0, 0), tensor("b", [4], 0, 32)], 64), "overlap"),
            (file([], [tensor("a", [4], 0, 0), tensor("b", [4], 0, 0)], 64), "overlap"),
            (file([], [tensor("a", [4], 0, 0), tensor("a", [4], 0, 32)], 64), "'a' twice"),
            (file([], [tensor("a" * 300, [4], 0, 0)], 64), "too long"),
        ],
    )
    def test_refused(self, content: bytes, words: str):
        assert words in refused(content)

    def test_cut_anywhere(self):
        whole = file(KEYS, TENSORS, 116)
        for size in range(len(whole)):
            assert refused(whole[:size])

    def test_claims_take_no_memory(self):
        claims = [
            file([text("k") + struct.pack("<IIQ", 9, 8, LARGEST_ARRAY)], data=100),
            file([text("k") + struct.pack("<IQ", 8, 255 << 20)], data=100),
            file(counts=(65_536, 65_536), data=100),
        ]
        tracemalloc.start()
        for content in claims:
            refused(content)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 100_000


@pytest.fixture(scope="module", params=["pieces", "pieces and tokenizer.json"])
def sound(
    request: pytest.FixtureRequest, random_model: Callable[..., Transformer], tmp_path_factory: pytest.TempPathFactory
) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "model.gguf"
    tokenizer = ByteTokenizer()
    if request.param == "pieces":
        tokenizer = to_tokenizer(from_tokenizer(tokenizer))
    gguf.save(path, random_model(ModelConfig(266, 1, 32, 2, 1, 16, 32)), tokenizer, kind="q4_0")
    return path.read_bytes()


def read_all(content: bytes) -> None:
    """Everything that decides before weights are touched."""
    header = read_header(content)
    checked_names(header, read_config(header))
    read_vocabulary(header.keys)


def test_mutated_headers(sound: bytes):
    """Whatever is changed: the file is read, or refused by one of the two errors that `load` turns to a sentence."""
    header = read_header(sound)
    end = min(info.start for info in header.tensors.values())
    read_all(sound)
    numbers, outcomes = random.Random(0), {"read": 0, "refused": 0}
    for _ in range(COUNT // 2):
        try:
            read_all(mutated(sound, end, numbers))
            outcomes["read"] += 1
        except (ValueError, UserError):
            outcomes["refused"] += 1
    assert outcomes["refused"] > COUNT // 6 and outcomes["read"] > 0


def mutated(content: bytes, end: int, numbers: random.Random) -> bytes:
    """One to four changes to the header, mostly where its keys and tensors and not its list of tokens stand."""
    changed = bytearray(content)
    tokens = content.index(b"tokenizer.ggml.tokens")
    after = content.index(b"tokenizer.ggml.bos_token_id")
    for _ in range(numbers.randint(1, 4)):
        places = [(0, tokens + 64), (after, end), (tokens, after)]
        first, last = numbers.choices(places, (5, 5, 1))[0]
        at = numbers.randrange(first, last - 8)
        extreme = numbers.choice([0, 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1, 2**64 - 32, numbers.getrandbits(64)])
        piece = content[(start := numbers.randrange(end - 64)) : start + numbers.randrange(64)]
        change = numbers.randrange(6)
        if change == 0:
            changed[at] ^= 1 << numbers.randrange(8)
        elif change == 1:
            changed[at] = numbers.randrange(256)
        elif change == 2:
            changed[at : at + 8] = struct.pack("<Q", extreme)
        elif change == 3:
            changed[at : at + len(piece)] = piece
        elif change == 4:
            changed[at:at] = piece
        else:
            del changed[at : at + numbers.randrange(1, 16)]
    return bytes(changed[: numbers.randrange(len(changed))] if numbers.random() < 0.05 else changed)


def test_files_that_are_no_files(tmp_path: Path):
    (tmp_path / "empty.gguf").touch()
    os.mkfifo(tmp_path / "pipe.gguf")
    for name, words in [("absent.gguf", "no file"), ("empty.gguf", "empty"), ("pipe.gguf", "not a regular file")]:
        with pytest.raises(UserError, match=words):
            gguf.load(tmp_path / name)
    with pytest.raises(UserError, match="not a regular file"):
        gguf.load(tmp_path)
