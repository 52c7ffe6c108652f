"""SentencePiece vocabularies, the `tokenizer.model` of Google's releases: pieces to protobuf and back.

A file is one message `ModelProto` of SentencePiece's `sentencepiece_model.proto`. Of it are needed the pieces, what
kind of model they are for, and how text is changed before they are looked for. The wire format is a row of
(field number, wire type, value) and is read here with its bounds checked, since the files come from elsewhere.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from codegem.checkpoints.pieces import Kind, Piece
from codegem.errors import UserError

TOKENIZER_MODEL = "tokenizer.model"
_LARGEST = 64 << 20  # bytes; Gemma's is 4.2 MB
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10

# Field numbers of sentencepiece_model.proto.
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _KIND = 1, 2, 3
_MODEL_TYPE, _VOCAB_SIZE, _BYTE_FALLBACK, _UNK_ID, _BOS_ID, _EOS_ID, _PAD_ID = 3, 4, 35, 40, 41, 42, 43
_UNK_PIECE, _BOS_PIECE, _EOS_PIECE, _PAD_PIECE = 45, 46, 47, 48
_NAME, _CHARACTER_MAP, _DUMMY_PREFIX, _REMOVE_SPACES, _ESCAPE_SPACES = 1, 2, 3, 4, 5
_BPE = 2


def read_pieces(path: Path) -> list[Piece]:
    """The pieces of a `tokenizer.model`; the index is the id.

    Raises:
        UserError: the file is absent, cut, no SentencePiece model, or its ids would not be what Gemma's rules give:
            another algorithm than BPE, text that is changed, a space put before it.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} has {path.stat().st_size:,} bytes; no vocabulary has more than {_LARGEST:,}.")
        return _pieces(path, path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; Kaggle's releases have their vocabulary there.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is cut or no SentencePiece model ({error}); download it again.") from None


def write_pieces(path: Path, pieces: Sequence[Piece]) -> None:
    """Write a `tokenizer.model` that leaves text as it is: no normalization, no space put before it.

    Raises:
        UserError: there is not exactly one piece of kind UNKNOWN, which SentencePiece insists on.
    """
    unknown = [token for token, piece in enumerate(pieces) if piece.kind == Kind.UNKNOWN]
    if len(unknown) != 1:
        raise UserError(f"A SentencePiece vocabulary has one piece for what is unknown, and this one {len(unknown)}.")
    body = b"".join(_bytes_field(_PIECES, _piece_message(piece)) for piece in pieces)
    path.write_bytes(
        body
        + _bytes_field(_TRAINER, _trainer_message(pieces, unknown[0]))
        + _bytes_field(_NORMALIZER, _normalizer_message())
    )


def _pieces(path: Path, content: bytes) -> list[Piece]:
    pieces, trainer, normalizer = [], b"", b""
    for number, value in _fields(content):
        if number == _PIECES:
            pieces.append(_piece(_message(value)))
        elif number == _TRAINER:
            trainer += _message(value)  # as protobuf has it, parts of one message follow each other
        elif number == _NORMALIZER:
            normalizer += _message(value)
    if not pieces:
        raise ValueError("it has no pieces")
    _refuse_other_rules(path, dict(_fields(trainer)), dict(_fields(normalizer)))
    return pieces


def _piece(content: bytes) -> Piece:
    fields = dict(_fields(content))
    score = fields.get(_SCORE, b"\0\0\0\0")
    if not isinstance(score, bytes) or len(score) != 4:
        raise ValueError("a score is not a float")
    kind = fields.get(_KIND, Kind.NORMAL)
    return Piece(_message(fields.get(_TEXT, b"")).decode(), struct.unpack("<f", score)[0], Kind(kind))  # type: ignore[arg-type]


def _refuse_other_rules(path: Path, trainer: dict[int, int | bytes], normalizer: dict[int, int | bytes]) -> None:
    """Raise unless the pieces mean what `pieces.to_tokenizer` makes of them. Absent fields have SentencePiece's
    defaults: unigram, a space before the text, runs of spaces made one."""
    faults = {
        "is no BPE model": trainer.get(_MODEL_TYPE, 1) != _BPE,
        "has no bytes for rare characters": not trainer.get(_BYTE_FALLBACK, 0),
        "changes characters": bool(normalizer.get(_CHARACTER_MAP)),
        "puts a space before the text": bool(normalizer.get(_DUMMY_PREFIX, 1)),
        "removes spaces": bool(normalizer.get(_REMOVE_SPACES, 1)),
        "keeps spaces as they are": not normalizer.get(_ESCAPE_SPACES, 1),
    }
    found = [fault for fault, there in faults.items() if there]
    if found:
        raise UserError(f"{path} {' and '.join(found)}, unlike Gemma's vocabularies; use the one of a Gemma model.")


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message: a number for varints, bytes for all else."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(content, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(content, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"a field has the wire type {wire}")
        if number == 0 or size > len(content) - at:
            raise ValueError(f"field {number} of {size:,} bytes ends behind its message")
        yield number, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(content[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    raise ValueError("a number does not end")


def _message(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a number stands where a text should")
    return value


def _piece_message(piece: Piece) -> bytes:
    text = _bytes_field(_TEXT, piece.text.encode())
    kind = b"" if piece.kind == Kind.NORMAL else _number_field(_KIND, piece.kind)
    return text + _number(_SCORE << 3 | _FIXED32) + struct.pack("<f", piece.score) + kind


def _trainer_message(pieces: Sequence[Piece], unknown: int) -> bytes:
    ids = {piece.text: token for token, piece in enumerate(pieces)}
    absent = (1 << 64) - 1  # -1 as a varint
    message = _number_field(_MODEL_TYPE, _BPE) + _number_field(_VOCAB_SIZE, len(pieces))
    message += _number_field(_BYTE_FALLBACK, 1) + _number_field(_UNK_ID, unknown)
    message += _bytes_field(_UNK_PIECE, pieces[unknown].text.encode())
    control = ((_BOS_ID, _BOS_PIECE, "<bos>"), (_EOS_ID, _EOS_PIECE, "<eos>"), (_PAD_ID, _PAD_PIECE, "<pad>"))
    for number, name_number, name in control:
        message += _number_field(number, ids.get(name, absent)) + _bytes_field(name_number, name.encode())
    return message


def _normalizer_message() -> bytes:
    kept = _number_field(_DUMMY_PREFIX, 0) + _number_field(_REMOVE_SPACES, 0) + _number_field(_ESCAPE_SPACES, 1)
    return _bytes_field(_NAME, b"identity") + kept


def _number(value: int) -> bytes:
    """A varint: seven bits a byte, the lowest first."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _number_field(number: int, value: int) -> bytes:
    return _number(number << 3 | _VARINT) + _number(value)


def _bytes_field(number: int, value: bytes) -> bytes:
    return _number(number << 3 | _BYTES) + _number(len(value)) + value
