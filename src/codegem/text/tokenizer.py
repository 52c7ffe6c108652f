"""Text to token ids and back, for the released Gemma vocabulary and for our own.

Ordinary text can never produce a special token: the literal `<|fim_prefix|>` in somebody's source
code is encoded as characters. Special tokens enter a sequence by id only, through `text.fim` and
`text.chat`.
"""

import codecs
import ctypes
import gc
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import tokenizers
import tokenizers.models

from codegem.errors import UserError


@dataclass(frozen=True)
class SpecialTokens:
    """Ids of the tokens that structure a sequence."""

    pad: int
    eos: int
    bos: int
    unk: int
    fim_prefix: int
    fim_middle: int
    fim_suffix: int
    file_separator: int
    start_of_turn: int
    end_of_turn: int


# The names a vocabulary may use for each field. Plain Gemma files still call CodeGemma's four
# fill-in-the-middle tokens <unused60> to <unused63>.
NAMES: dict[str, tuple[str, ...]] = {
    "pad": ("<pad>",),
    "eos": ("<eos>",),
    "bos": ("<bos>",),
    "unk": ("<unk>",),
    "fim_prefix": ("<|fim_prefix|>", "<unused60>"),
    "fim_middle": ("<|fim_middle|>", "<unused61>"),
    "fim_suffix": ("<|fim_suffix|>", "<unused62>"),
    "file_separator": ("<|file_separator|>", "<unused63>"),
    "start_of_turn": ("<start_of_turn>",),
    "end_of_turn": ("<end_of_turn>",),
}
CONTROL = re.compile(r"<(pad|eos|bos|unk|mask|\|[a-z_]+\||unused\d+|(start|end)_of_turn)>|\[@BOS@\]")
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
SPACE = "▁"  # SentencePiece's mark for a space
_LARGEST_ID = (1 << 22) - 1  # Gemma has 256,000


class Encoder(Protocol):
    """What turns text into ids: a tokenizer, or what remembers the ids of one (`text.remembered`)."""

    @property
    def special(self) -> SpecialTokens:
        """Ids of the special tokens."""
        ...

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: no BOS, and never a special id."""
        ...


class Tokenizer:
    """A byte-fallback BPE vocabulary, read from the `tokenizer.json` of Hugging Face's `tokenizers`.

    >>> tokenizer = load_tokenizer(Path("model/"))              # doctest: +SKIP
    >>> tokenizer.decode(tokenizer.encode("x = <bos>"))         # doctest: +SKIP
    'x = <bos>'
    """

    def __init__(self, definition: dict):
        pieces = dict(definition["model"]["vocab"])
        pieces |= {token["content"]: token["id"] for token in definition["added_tokens"]}
        self.special = SpecialTokens(**{name: _find(name, pieces) for name in NAMES})
        named = _named(definition, self.special)
        # A large vocabulary with its merges is kept as text: as Python objects Gemma's takes ten times the memory.
        self._model = json.dumps(named.pop("model"), ensure_ascii=False)
        self._around = named
        self._tokenizer = _without_control_tokens(self._around, self._model)
        self._bytes = _piece_bytes(pieces, spaced=SPACE in json.dumps(named["normalizer"], ensure_ascii=False))

    @property
    def definition(self) -> Mapping[str, Any]:
        """The `tokenizer.json` that decides the ids, as values to read; made anew by every call."""
        return {**self._around, "model": json.loads(self._model)}

    @property
    def vocab_size(self) -> int:
        """Number of ids, special tokens included."""
        return len(self._bytes)

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: no BOS, and never a special id."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` for many texts, on all cores."""
        return [row.ids for row in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ids; special ids give nothing, bytes that are not UTF-8 give U+FFFD."""
        return b"".join(map(self.piece_bytes, ids)).decode("utf-8", errors="replace")

    def piece_bytes(self, token: int) -> bytes:
        """The bytes that one id stands for; empty for special and unknown ids."""
        return self._bytes[token] if 0 <= token < len(self._bytes) else b""

    def save(self, path: Path) -> None:
        """Write `tokenizer.json`: special tokens under CodeGemma's names, BOS put first by other programs."""
        around = {**self._around, "post_processor": _bos_first(self.special.bos)}
        path.write_text(_joined(around, self._model), encoding="utf-8")

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the definition: two tokenizers of one hash give the same ids."""
        return hashlib.sha256(json.dumps(self.definition, sort_keys=True).encode()).hexdigest()


class ByteTokenizer(Tokenizer):
    """One id a byte, for tests: special tokens 0 to 9 in the order of `SpecialTokens`, byte b is 10 + b."""

    def __init__(self):
        names = [aliases[0] for aliases in NAMES.values()] + [f"<0x{byte:02X}>" for byte in range(256)]
        vocab = {name: token for token, name in enumerate(names)}
        model = tokenizers.models.BPE(vocab, [], byte_fallback=True, unk_token="<unk>")
        super().__init__(json.loads(tokenizers.Tokenizer(model).to_str()))


class Detokenizer:
    """Text of a stream of ids: holds back bytes until they are whole characters.

    >>> stream = Detokenizer(ByteTokenizer())
    >>> [stream.push(10 + byte) for byte in "é!".encode()], stream.flush()
    (['', 'é', '!'], '')
    """

    def __init__(self, tokenizer: Tokenizer):
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> str:
        """The characters that are complete after this id."""
        return self._decoder.decode(self._tokenizer.piece_bytes(token))

    def flush(self) -> str:
        """What is left at the end: U+FFFD for an unfinished character."""
        return self._decoder.decode(b"", final=True)


def load_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`, or the one in a directory.

    Raises:
        UserError: it is absent, not JSON, not a BPE vocabulary, or lacks a special token.
    """
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        with _no_collections():
            return Tokenizer(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{file} does not exist; a model directory needs its tokenizer.json.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{file} is not a tokenizer.json that codegem can read ({error!r:.200}).") from None


@contextmanager
def _no_collections() -> Iterator[None]:
    """Without the cyclic collector, which goes through a million small lists of a large file again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        _trim()


def _trim() -> None:
    """Give memory that was freed back to the system: glibc keeps 360 MB of reading Gemma's vocabulary."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def _find(name: str, pieces: dict[str, int]) -> int:
    for alias in NAMES[name]:
        if alias in pieces:
            return pieces[alias]
    raise UserError(
        f"The tokenizer has no token {NAMES[name][0]}; CodeGemma's vocabulary, or one made by codegem, is needed."
    )


def _piece_bytes(pieces: dict[str, int], spaced: bool) -> list[bytes]:
    """The bytes of each id; a `spaced` vocabulary writes spaces as "▁"."""
    largest = max(pieces.values())
    if largest > _LARGEST_ID:  # a file may name any id, and the table has a row for each below it
        raise ValueError(f"a token has the id {largest}, and ids up to {_LARGEST_ID} are read")
    table = [b""] * (largest + 1)
    for piece, token in pieces.items():
        if match := BYTE.fullmatch(piece):
            table[token] = bytes([int(match[1], 16)])
        elif not CONTROL.fullmatch(piece):
            table[token] = (piece.replace(SPACE, " ") if spaced else piece).encode()
    return table


def _joined(around: dict, model: str) -> str:
    """The text of a `tokenizer.json` whose vocabulary and merges are text already."""
    return f'{json.dumps(around, ensure_ascii=False)[:-1]}, "model": {model}}}'


def _without_control_tokens(around: dict, model: str) -> tokenizers.Tokenizer:
    """The encoder for user text: added tokens such as runs of spaces stay, control tokens can't match."""
    added = [token for token in around["added_tokens"] if not CONTROL.fullmatch(token["content"])]
    try:
        return tokenizers.Tokenizer.from_str(_joined({**around, "added_tokens": added}, model))
    except Exception as error:  # the library raises bare Exception for every fault of a definition
        raise ValueError(str(error)) from None


def _named(definition: dict, special: SpecialTokens) -> dict:
    """What decides the ids, with special tokens registered under CodeGemma's own names."""
    names = {getattr(special, field): aliases[0] for field, aliases in NAMES.items()}
    vocab = {names.get(token, piece): token for piece, token in definition["model"]["vocab"].items()}
    others = [token for token in definition["added_tokens"] if token["id"] not in names]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    control = [{"id": token, "content": name, **flags} for token, name in names.items()]
    added = sorted(others + control, key=lambda token: token["id"])
    model = {**definition["model"], "vocab": vocab}
    around = {"post_processor": None, "truncation": None, "padding": None}
    return {**definition, **around, "added_tokens": added, "model": model}


def _bos_first(bos: int) -> dict:
    """The post-processor with which Transformers begins a sequence; codegem adds BOS by id."""
    start = {"SpecialToken": {"id": "<bos>", "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    special = {"<bos>": {"id": "<bos>", "ids": [bos], "tokens": ["<bos>"]}}
    return {
        "type": "TemplateProcessing",
        "single": [start, first],
        "pair": [start, first, second],
        "special_tokens": special,
    }


# Words take the one space before them; digits stand alone; white space never joins a word otherwise,
# so that a cursor after the indentation sees the pieces it saw in training.
WORDS = r" ?[\p{L}_]+|\p{N}| ?[^\s\p{L}\p{N}_]+|\s"
_RUNS = [" " * n for n in range(2, 33)] + ["\t" * n for n in range(2, 9)] + ["\n" * n for n in range(2, 4)]
_ALPHABET_LIMIT = 200  # rarer characters are spelled in bytes


def train_tokenizer(texts: Iterator[str], vocab_size: int) -> Tokenizer:
    """Train a byte-fallback BPE vocabulary: digits split, runs of spaces and tabs as pieces.

    Args:
        texts: the corpus; read once.
        vocab_size: number of ids wanted, special tokens, 256 bytes and runs included.

    Raises:
        UserError: `vocab_size` leaves no room for words.
    """
    from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

    control = [aliases[0] for aliases in NAMES.values()]
    fixed = control + [f"<0x{byte:02X}>" for byte in range(256)] + _RUNS
    smallest = len(fixed) + _ALPHABET_LIMIT
    if vocab_size < smallest:
        raise UserError(
            f"A vocabulary of {vocab_size} is too small: at least {smallest} are needed for bytes, runs and letters."
        )
    trained = tokenizers.Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    trained.pre_tokenizer = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")  # type: ignore[assignment]
    trained.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])  # type: ignore[assignment]
    corpus = list(texts)
    alphabet = _alphabet(corpus)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=fixed,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    trained.train_from_iterator(corpus, trainer)
    definition = json.loads(trained.to_str())
    # Bytes are ordinary pieces of the vocabulary, and runs are matched in text: neither is special.
    definition["added_tokens"] = [
        {**token, "special": token["content"] in control}
        for token in definition["added_tokens"]
        if not BYTE.fullmatch(token["content"])
    ]
    return Tokenizer(definition)


def _alphabet(texts: Sequence[str]) -> list[str]:
    """The commonest characters. The library, asked for as many, breaks ties at random.

    "▁" is left to its bytes: it stands for a space in SentencePiece, so no GGUF could hold both.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    del counts["▁"]
    return sorted(counts, key=lambda character: (-counts[character], character))[:_ALPHABET_LIMIT]
