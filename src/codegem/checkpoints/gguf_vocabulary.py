"""The vocabulary in the keys of a GGUF file, as llama.cpp reads it, and back.

`tokenizer.ggml.model` is "llama": pieces with scores, as SentencePiece has them (`pieces`), but with plain spaces in
user-defined pieces, because llama.cpp seeks those in the text as it is. A tokenizer.json that says more than pieces
can stands beside them, under the key that the format has for it.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from codegem.checkpoints.huggingface_config import CHAT_TEMPLATE
from codegem.checkpoints.pieces import Kind, Piece, from_tokenizer, is_lossless, to_tokenizer
from codegem.text.tokenizer import CONTROL, NAMES, SPACE, Tokenizer

_GGML = "tokenizer.ggml."
_JSON = "tokenizer.huggingface.json"
# Where the ids of special tokens stand. The later names of a field are those of llama.cpp before October 2024.
_IDS = {
    "bos": ("bos_token_id",),
    "eos": ("eos_token_id",),
    "unk": ("unknown_token_id",),
    "pad": ("padding_token_id",),
    "end_of_turn": ("eot_token_id",),
    "fim_prefix": ("fim_pre_token_id", "prefix_token_id"),
    "fim_suffix": ("fim_suf_token_id", "suffix_token_id"),
    "fim_middle": ("fim_mid_token_id", "middle_token_id"),
    "file_separator": ("fim_sep_token_id",),
}
_LONGEST_JSON = 40 << 20  # characters; Gemma's tokenizer.json has 18 million
_FIM = ("fim_prefix", "fim_suffix", "fim_middle", "file_separator")


def read_vocabulary(keys: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer that a file's keys describe.

    Raises:
        ValueError: a key is absent or of the wrong type, or two keys disagree.
        UserError: what they say is no vocabulary of Gemma.
    """
    model = keys.get(f"{_GGML}model")
    if model != "llama":
        raise ValueError(f'its tokenizer is {model!r:.40}, and Gemma\'s is "llama"')
    pieces = _pieces(keys)
    return _from_json(keys[_JSON], pieces) if _JSON in keys else to_tokenizer(_with_fim_names(pieces, keys))


def vocabulary_keys(tokenizer: Tokenizer, size: int, *, chats: bool = False) -> dict[str, Any]:
    """The keys that describe a tokenizer; ids from its own number up to `size` are unused pieces.

    Args:
        chats: whether the model was tuned to, which its chat template says.

    Raises:
        UserError: pieces can't describe it.
    """
    pieces = from_tokenizer(tokenizer)
    padding = [Piece(f"[PAD{token}]", -1.0 - len(pieces), Kind.UNUSED) for token in range(len(pieces), size)]
    special = tokenizer.special
    more = not is_lossless(tokenizer, pieces)
    exact = {_JSON: json.dumps(dict(tokenizer.definition), ensure_ascii=False)} if more else {}
    ids = {f"{_GGML}{key}": getattr(special, name) for name, names in _IDS.items() for key in names}
    return {
        f"{_GGML}model": "llama",
        f"{_GGML}pre": "default",
        f"{_GGML}tokens": [_text(piece) for piece in pieces + padding],
        f"{_GGML}scores": np.array([piece.score for piece in pieces + padding], np.float32),
        f"{_GGML}token_type": np.array([piece.kind for piece in pieces + padding], np.int32),
        **ids,
        f"{_GGML}add_bos_token": True,
        f"{_GGML}add_eos_token": False,
        f"{_GGML}add_space_prefix": False,
        **({"tokenizer.chat_template": CHAT_TEMPLATE} if chats else {}),
        **exact,
    }


def _from_json(text: Any, pieces: list[Piece]) -> Tokenizer:
    """The tokenizer of the file's tokenizer.json, if that and the pieces have the same special tokens."""
    if not isinstance(text, str) or len(text) > _LONGEST_JSON:
        raise ValueError(f"its tokenizer.json is no text of at most {_LONGEST_JSON} characters")
    try:
        tokenizer = Tokenizer(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"its tokenizer.json can't be read: {error!r:.200}") from None
    fits = tokenizer.vocab_size <= len(pieces)
    if not fits or any(pieces[getattr(tokenizer.special, name)].text not in names for name, names in NAMES.items()):
        raise ValueError("its tokenizer.json and its list of tokens disagree")
    return tokenizer


def _text(piece: Piece) -> str:
    return piece.text.replace(SPACE, " ") if piece.kind == Kind.USER_DEFINED else piece.text


def _pieces(keys: Mapping[str, Any]) -> list[Piece]:
    texts = keys.get(f"{_GGML}tokens")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("it has no list of tokens")
    scores, kinds = _numbers(keys, "scores", "f", len(texts)), _numbers(keys, "token_type", "iu", len(texts))
    unknown = set(np.unique(kinds).tolist()) - set(Kind)
    if unknown:
        raise ValueError(f"a token is of the unknown type {min(unknown)}")
    return [
        Piece(text.replace(" ", SPACE) if kind == Kind.USER_DEFINED else text, score, Kind(kind))
        for text, score, kind in zip(texts, scores.tolist(), kinds.tolist(), strict=True)
    ]


def _numbers(keys: Mapping[str, Any], name: str, kind: str, count: int) -> np.ndarray:
    found = keys.get(f"{_GGML}{name}")
    if not isinstance(found, np.ndarray) or found.dtype.kind not in kind or len(found) != count:
        raise ValueError(f"its {name} are not one number for each of {count} tokens")
    return found


def _with_fim_names(pieces: list[Piece], keys: Mapping[str, Any]) -> list[Piece]:
    """Pieces whose fill-in-the-middle tokens have CodeGemma's names, where keys say which they are."""
    texts = {piece.text for piece in pieces}
    for field in _FIM:
        found = [keys[f"{_GGML}{key}"] for key in _IDS[field] if f"{_GGML}{key}" in keys]
        name = NAMES[field][0]
        if not found or name in texts:
            continue
        token = found[0]
        if type(token) is not int or not 0 <= token < len(pieces) or not _may_be_special(pieces[token]):
            raise ValueError(f"its token {token!r:.40} can't be {name}")
        pieces[token] = pieces[token]._replace(text=name, kind=Kind.CONTROL)
    return pieces


def _may_be_special(piece: Piece) -> bool:
    """Not an ordinary piece or a byte, and not a run of white space."""
    named = piece.kind == Kind.USER_DEFINED and not piece.text.replace(SPACE, " ").isspace()
    return named or piece.kind in (Kind.CONTROL, Kind.UNUSED) or CONTROL.fullmatch(piece.text) is not None
