"""A vocabulary as SentencePiece and GGUF keep it: pieces with scores, and no list of merges.

Both formats hold for each id a text in which "▁" stands for a space, a score and a kind. Their encoders join
whichever neighbours make the piece with the highest score. A `tokenizer.json` lists the merges instead: here they
are every way to cut a piece in two other pieces, in the order of the scores. That is how the `tokenizer.json` of
Gemma came from its SentencePiece file, merge for merge.

Sources: Kudo and Richardson, SentencePiece (arXiv 1808.06226), and its `sentencepiece_model.proto`.
"""

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from codegem.errors import UserError
from codegem.text.tokenizer import BYTE, CONTROL, SPACE, Tokenizer

# Gemma's are 31 and 1.4 million; a file with more would keep a machine busy and is no vocabulary.
LONGEST_PIECE = 256
MOST_CHARACTERS = 4_000_000
# The only byte piece that some files of Gemma call by its character.
_TAB, _TAB_BYTE = "\t", "<0x09>"


class Kind(IntEnum):
    """What a piece is, by the numbers that SentencePiece and GGUF share."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


class Piece(NamedTuple):
    """One entry of a vocabulary; its place in the list is its id.

    Attributes:
        text: with "▁" for each space.
        score: the highest is joined first.
        kind: user-defined pieces are found in the text before anything is joined, the longest first.
    """

    text: str
    score: float
    kind: Kind


def from_tokenizer(tokenizer: Tokenizer) -> list[Piece]:
    """The pieces of a tokenizer, one for each id; ids without a piece get an unused one.

    What pieces can't say is lost: rules that cut a text into words, and merges that were left out. `is_lossless`
    tells whether anything was.

    Raises:
        UserError: two pieces differ only in "▁" for a space.
    """
    definition = tokenizer.definition
    vocab: dict[str, int] = definition["model"]["vocab"]
    added = {token["content"]: token["id"] for token in definition["added_tokens"]}
    matched = {token["id"] for token in definition["added_tokens"] if not token["special"]}
    scores = _scores(definition["model"])
    pieces = [Piece(f"[unused {token}]", -1.0 - len(scores), Kind.UNUSED) for token in range(tokenizer.vocab_size)]
    for text, token in {**vocab, **added}.items():
        kind = _kind(text, token in matched, definition["model"].get("unk_token"))
        pieces[token] = Piece(text.replace(" ", SPACE), scores.get(text, -float(len(scores))), kind)
    _name_the_tab_byte(pieces)
    if len({piece.text for piece in pieces}) < len(pieces):
        raise UserError(
            f'This vocabulary has both " " and "{SPACE}" in otherwise equal pieces, which formats with pieces '
            "can't tell apart; keep the model in Hugging Face's layout."
        )
    return pieces


def to_tokenizer(pieces: Sequence[Piece]) -> Tokenizer:
    """The tokenizer that pieces describe.

    Raises:
        UserError: a piece is too long or there twice, a score is not a number, a byte or a special token is absent.
    """
    return Tokenizer(_definition(pieces))


def is_lossless(tokenizer: Tokenizer, pieces: Sequence[Piece]) -> bool:
    """Whether `pieces` say all that decides the ids of `tokenizer`."""
    return _rules(_definition(pieces)) == _rules(tokenizer.definition)


def _definition(pieces: Sequence[Piece]) -> dict[str, Any]:
    """The `tokenizer.json` of pieces."""
    _check(pieces)
    names = [piece.text for piece in pieces]
    if _TAB not in names and _TAB_BYTE in names:
        names[names.index(_TAB_BYTE)] = _TAB  # so that runs of tabs can be joined from it
    vocab = {name: token for token, name in enumerate(names)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": True, "special": False}
    added = [
        {"id": token, "content": name, **flags}
        for token, name in enumerate(names)
        if pieces[token].kind == Kind.USER_DEFINED and not CONTROL.fullmatch(name)
    ]
    space = {"type": "Replace", "pattern": {"String": SPACE}, "content": " "}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": SPACE},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [space, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": next((piece.text for piece in pieces if piece.kind == Kind.UNKNOWN), None),
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "vocab": vocab,
            "merges": _merges(pieces, vocab),
        },
    }


def _merges(pieces: Sequence[Piece], vocab: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every cut of a piece in two, the highest score first; the cuts of one piece in the order of the ids."""
    joinable = [name for name, token in vocab.items() if pieces[token].kind == Kind.NORMAL and len(name) > 1]
    joinable.sort(key=lambda name: -pieces[vocab[name]].score)  # stable: ties stay in the order of the ids
    merges = []
    for name in joinable:
        cuts = ((name[:at], name[at:]) for at in range(1, len(name)))
        known = [(left, right) for left, right in cuts if left in vocab and right in vocab]
        merges += sorted(known, key=lambda cut: (vocab[cut[0]], vocab[cut[1]]))
    return merges


def _scores(model: Mapping[str, Any]) -> dict[str, float]:
    """0 for what is joined first, then -1, -2, …; each piece counts where its first merge stands."""
    scores: dict[str, float] = {}
    for merge in model["merges"]:
        scores.setdefault("".join(_pair(merge)), -float(len(scores)))
    return scores


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    """A merge, which older files write as "left right"."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _kind(text: str, matched: bool, unknown: str | None) -> Kind:
    if text == unknown:
        return Kind.UNKNOWN
    if BYTE.fullmatch(text):
        return Kind.BYTE
    if CONTROL.fullmatch(text):
        return Kind.CONTROL
    return Kind.USER_DEFINED if matched else Kind.NORMAL


def _name_the_tab_byte(pieces: list[Piece]) -> None:
    """Give the tab its name as a byte where it has only the one: SentencePiece insists on all 256."""
    texts = {piece.text: token for token, piece in enumerate(pieces)}
    if _TAB_BYTE not in texts and _TAB in texts:
        pieces[texts[_TAB]] = Piece(_TAB_BYTE, 0.0, Kind.BYTE)


def _check(pieces: Sequence[Piece]) -> None:
    seen: set[str] = set()
    characters = 0
    for token, piece in enumerate(pieces):
        if piece.text in seen:
            raise UserError(f"The vocabulary has the piece {piece.text!r:.80} twice; get the file again.")
        if not piece.text or len(piece.text) > LONGEST_PIECE or not math.isfinite(piece.score):
            raise UserError(
                f"The vocabulary's piece {token} has {len(piece.text)} characters and the score {piece.score}; pieces "
                f"have 1 to {LONGEST_PIECE} and a finite score, so get the file again."
            )
        seen.add(piece.text)
        characters += len(piece.text)
    if characters > MOST_CHARACTERS:
        raise UserError(
            f"The vocabulary's pieces have {characters:,} characters together, more than {MOST_CHARACTERS:,}; "
            "this is no vocabulary of a Gemma model."
        )
    absent = {f"<0x{byte:02X}>" for byte in range(256)} - seen
    if absent - {_TAB_BYTE} or (absent and _TAB not in seen):
        raise UserError(f"The vocabulary has no piece {min(absent)}; a vocabulary of Gemma has all 256 bytes.")


def _rules(definition: Mapping[str, Any]) -> tuple[Any, ...]:
    """What decides the ids, in one form for all versions of the file format."""
    model = definition["model"]
    # Whether a token is sought before or after spaces become "▁" matters only if it holds one of the two.
    added = {
        (token["id"], token["content"], token["normalized"] and (SPACE in token["content"] or " " in token["content"]))
        for token in definition["added_tokens"]
        if not token["special"]
    }
    return (
        dict(model["vocab"]),
        [_pair(merge) for merge in model["merges"]],
        added,
        definition["normalizer"],
        definition["pre_tokenizer"],
        [bool(model.get(flag)) for flag in ("byte_fallback", "ignore_merges", "dropout")],
    )
