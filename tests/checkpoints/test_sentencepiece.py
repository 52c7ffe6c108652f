"""`tokenizer.model` files: what we write, the real library reads; what others write, we read or refuse."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegem.checkpoints.pieces import Kind, Piece, from_tokenizer, to_tokenizer
from codegem.checkpoints.sentencepiece import TOKENIZER_MODEL, read_pieces, write_pieces
from codegem.errors import UserError
from codegem.text.tokenizer import Tokenizer

TEXTS = [
    "",
    " ",
    "def add(a, b):\n    return a + b\n",
    "\t\tif x:\n\t\t\ty = 1   # three spaces\n\n\n",
    "  leading and trailing  ",
    "naïve café, 日本語, 🎉🏳️‍🌈, \u0000\u0001 \ufffd \u200b",
    "<|fim_prefix|> <bos> <unused60> <0x41> <start_of_turn>",
    "1234567890 3.14159 0xDEADBEEF",
    "x" * 300 + " " * 65 + "\n" * 40,
]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / TOKENIZER_MODEL
        path.write_bytes(content)
        return path

    return write


def _written(tokenizer: Tokenizer, folder: Path) -> Path:
    write_pieces(folder / TOKENIZER_MODEL, from_tokenizer(tokenizer))
    return folder / TOKENIZER_MODEL


def test_pieces_come_back(tokenizer: Tokenizer, tmp_path: Path) -> None:
    assert read_pieces(_written(tokenizer, tmp_path)) == from_tokenizer(tokenizer)


@pytest.fixture(scope="module")
def gemma_model(gemma: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(gemma, tmp_path_factory.mktemp("gemma"))


def test_the_real_library_gives_gemmas_ids(gemma: Tokenizer, gemma_model: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(gemma_model))
    assert (processor.vocab_size(), processor.pad_id(), processor.eos_id(), processor.bos_id(), processor.unk_id()) == (
        (256_000, 0, 1, 2, 3)
    )
    sources = [path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parents[1].glob("text/*.py"))]
    for text in [text for text in TEXTS if "<" not in text] + sources:
        assert processor.encode(text) == gemma.encode(text)


def test_gemmas_tokenizer_comes_back(gemma: Tokenizer, gemma_model: Path) -> None:
    back = to_tokenizer(read_pieces(gemma_model))
    assert back.special == gemma.special
    assert all(back.encode(text) == gemma.encode(text) for text in TEXTS)


def test_what_the_real_library_trains_is_read(tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    (tmp_path / "corpus.txt").write_text("\n".join(TEXTS[2:4] * 30), encoding="utf-8")
    names = [
        "<|fim_prefix|>",
        "<|fim_middle|>",
        "<|fim_suffix|>",
        "<|file_separator|>",
        "<start_of_turn>",
        "<end_of_turn>",
    ]
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "corpus.txt"),
        model_prefix=str(tmp_path / "tokenizer"),
        model_type="bpe",
        vocab_size=330,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        hard_vocab_limit=False,
        user_defined_symbols=names,
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        pad_piece="<pad>",
        bos_piece="<bos>",
        eos_piece="<eos>",
        minloglevel=2,
    )
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / TOKENIZER_MODEL))
    pieces = read_pieces(tmp_path / TOKENIZER_MODEL)
    assert [piece.text for piece in pieces] == [processor.id_to_piece(token) for token in range(len(pieces))]
    ours = to_tokenizer(pieces)
    assert all(ours.encode(text) == processor.encode(text) for text in TEXTS if "<" not in text)


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _field(number: int, value: int | bytes | float) -> bytes:
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


PIECE = _field(1, _field(1, b"a") + _field(2, -1.0))
TRAINER = _field(2, _field(3, 2) + _field(35, 1))
NORMALIZER = _field(3, _field(3, 0) + _field(4, 0))


def test_the_least_that_is_a_model(write: Callable[[bytes], Path]) -> None:
    assert read_pieces(write(PIECE + TRAINER + NORMALIZER)) == [Piece("a", -1.0, Kind.NORMAL)]


def test_unknown_fields_are_passed_over(write: Callable[[bytes], Path]) -> None:
    more = _field(200, 7) + _field(201, b"later") + _field(202, 0.5) + _varint(203 << 3 | 1) + b"12345678"
    assert read_pieces(write(more + PIECE + more + TRAINER + NORMALIZER)) == [Piece("a", -1.0, Kind.NORMAL)]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "it has no pieces"),
        (TRAINER + NORMALIZER, "it has no pieces"),
        (PIECE, "is no BPE model and has no bytes for rare characters and puts a space before the text and removes"),
        (PIECE + _field(2, _field(3, 1) + _field(35, 1)) + NORMALIZER, "is no BPE model"),
        (PIECE + TRAINER + _field(3, _field(2, b"map") + _field(3, 0) + _field(4, 0)), "changes characters"),
        (PIECE + TRAINER + NORMALIZER + _field(3, _field(5, 0)), "keeps spaces as they are"),
        (_field(1, _field(1, b"\xff")) + TRAINER + NORMALIZER, "utf-8"),
        (_field(1, _field(1, b"a") + _field(2, b"toolong")) + TRAINER + NORMALIZER, "a score is not a float"),
        (_field(1, _field(1, b"a") + _field(3, 9)) + TRAINER + NORMALIZER, "9 is not a valid Kind"),
        (_field(1, _field(1, 5)) + TRAINER + NORMALIZER, "a number stands where a text should"),
        (_field(1, 5) + TRAINER + NORMALIZER, "a number stands where a text should"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a", "ends behind its message"),
        (b"\x0a" + b"\xff" * 20, "a number does not end"),
        (b"\x0b", "wire type 3"),
        (PIECE + TRAINER + NORMALIZER[:-1], "cut or no SentencePiece model"),
        (b"<html>404</html>", "cut or no SentencePiece model"),
    ],
)
def test_other_files_are_refused(content: bytes, part: str, write: Callable[[bytes], Path]) -> None:
    with pytest.raises(UserError, match=part):
        read_pieces(write(content))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tokenizer\.model does not exist"):
        read_pieces(tmp_path / TOKENIZER_MODEL)


def test_a_vocabulary_without_an_unknown_piece_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one piece for what is unknown, and this one 0"):
        write_pieces(tmp_path / TOKENIZER_MODEL, [Piece("a", 0.0, Kind.NORMAL)])


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_a_sentence(data: st.DataObject, bytes_tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = _written(bytes_tokenizer, tmp_path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        pieces = read_pieces(path)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert all(isinstance(piece.kind, Kind) for piece in pieces)
