"""Cutting what the editor knows to what the model can read.

What is cut off moves in steps and not with every character: while a person types, a prompt then begins with the same
tokens, and keys and values of the request before serve the next one.
"""

from dataclasses import dataclass, replace

from codegem.errors import UserError
from codegem.generate import Infill
from codegem.text import fim
from codegem.text.remembered import Remembering, remembering
from codegem.text.tokenizer import Tokenizer

# No token of real code is longer on average, so text beyond this many characters a token need not be encoded.
_CHARACTERS_A_TOKEN = 32
_MOSTLY = 8  # nor are many, so that so much is looked at first
_STEPS = 16  # of a room, in which it is shared out
_TOKENS_A_LINE = 10  # of code, about
# The share of a window that other files may take from the file itself, from this length on (docs/ASSIST.md, "Context").
_SHARES = ((1024, 0.25), (0, 0.0))


@dataclass(frozen=True)
class Window:
    """How much a model reads.

    Attributes:
        tokenizer: of the model, or one that counts about as many tokens.
        length: of prompt and answer together, in tokens.
        share: how much of the window other files may take from the file itself; None takes what was measured to be
            best for a window of this length.
    """

    tokenizer: Tokenizer
    length: int
    share: float | None = None

    @property
    def budget(self) -> int:
        """Tokens that other files may always have, however long the file is.

        >>> from codegem.text.tokenizer import ByteTokenizer
        >>> Window(ByteTokenizer(), 8192).budget, Window(ByteTokenizer(), 320).budget
        (2048, 0)
        """
        share = next(share for least, share in _SHARES if self.length >= least) if self.share is None else self.share
        return int(self.length * share)

    @property
    def _encoder(self) -> Remembering:
        return remembering(self.tokenizer)

    def fit(self, infill: Infill, max_tokens: int) -> Infill:
        """The part of `infill` nearest to the cursor that leaves room for an answer.

        Other files have their budget, and what the file leaves. Of the file's room its suffix may take a quarter, or
        what the prefix leaves; prefix and suffix are cut at their far ends, between lines where that is possible. Of
        the other files the nearest, the last, come first; of one that does not fit whole the first lines are kept, and
        the next that fits may stand before it.

        Raises:
            UserError: no room is left for any code.
        """
        room = self._room(max_tokens, len(fim.prompt("", "", self.tokenizer, path=infill.path)), "code")
        before, after = self._count(infill.prefix, room), self._count(infill.suffix, room)
        wanted = self._size(infill.context, room)
        left = max(0, room - before - after)
        if wanted > left:
            wanted = min(wanted, max(self.budget, _step(left, room)))
        context, taken = self._nearest(infill.context, min(wanted, room - 1))
        room -= taken
        if before + after > room:
            suffix, after = self._head(infill.suffix, after, max(room // 4, _step(room - before, room)))
        else:
            suffix = infill.suffix
        prefix, before = self._tail(infill.prefix, before, room - after, every=max(1, room // _TOKENS_A_LINE // 32))
        return replace(infill, prefix=prefix, suffix=suffix, context=context)

    def fit_text(self, text: str, max_tokens: int) -> str:
        """The end of a text to be continued that leaves room for an answer, from the beginning of a line if it can.

        Raises:
            UserError: no room is left.
        """
        room = self._room(max_tokens, 1, "it")  # <bos>
        return self._tail(text, self._count(text, room), room)[0]

    def count(self, path: str, text: str) -> int:
        """Tokens that another file takes in a prompt."""
        return self._encoder.count(path + "\n") + self._encoder.count(text) + 1

    def start_of(self, text: str, room: int) -> str:
        """The most of a text's first lines that take at most `room` tokens; "" where no whole line does."""
        if room < 1:
            return ""
        kept, _ = self._head(text, self._count(text, room), room)
        return kept if len(kept) == len(text) or kept.endswith("\n") else ""

    def _room(self, max_tokens: int, taken: int, what: str) -> int:
        room = self.length - max_tokens - taken
        if room < 1:
            raise UserError(
                f"{max_tokens} tokens are asked for and the model takes {self.length}, prompt included; "
                f"that leaves no room for {what}. Ask for fewer."
            )
        return room

    def _size(self, context: tuple[tuple[str, str], ...], room: int) -> int:
        """Tokens of other files; some number above `room` if they are more."""
        size = 0
        for path, text in reversed(context):
            size += self._count(path + "\n", room) + self._count(text, room) + 1
            if size > room:
                break
        return size

    def _nearest(self, context: tuple[tuple[str, str], ...], room: int) -> tuple[tuple[tuple[str, str], ...], int]:
        """Of other files what fits, and its tokens."""
        kept, taken = [], 0
        for path, text in reversed(context):
            head = self._count(path + "\n", room) + 1
            size = self._count(text, room)
            if taken + head + size > room:
                text = self.start_of(text, room - taken - head)
                size = self._count(text, room)
            if text:
                kept.append((path, text))
                taken += head + size
        return tuple(reversed(kept)), taken

    def _count(self, text: str, room: int) -> int:
        """Tokens of `text`; some number above `room` if it is far longer than that."""
        if len(text) > _CHARACTERS_A_TOKEN * (room + 1):
            return room + 1
        return self._encoder.count(text)

    def _tail(self, text: str, size: int, room: int, every: int = 1) -> tuple[str, int]:
        """The longest end of a text of `size` tokens within `room` that begins a line, and its tokens.

        Any end, if a line is longer.

        Args:
            every: it begins with a line whose number is a multiple of this, if that costs few lines: typing more then
                changes nothing at the beginning for some time.
        """
        if size <= room:
            return text, size
        tokens = self._encoder.encode(text[-_MOSTLY * room :]) if room > 0 else []
        if len(tokens) < room:
            tokens = self._encoder.encode(text[-_CHARACTERS_A_TOKEN * room :]) if room > 0 else []
        allowed = room
        while True:
            kept = self.tokenizer.decode(tokens[-allowed:]).lstrip("\ufffd") if tokens and allowed > 0 else ""
            if not text[: len(text) - len(kept)].endswith("\n"):
                kept = kept.partition("\n")[2] or kept
            if every > 1:
                kept = _from_line(text, kept, every)
            size = self._count(kept, room)
            if size <= room or allowed < 2:
                return (kept, size) if size <= room else ("", 0)
            allowed -= 1  # cut where a token began, it may be more tokens than it was

    def _head(self, text: str, size: int, room: int) -> tuple[str, int]:
        """The longest beginning of a text of `size` tokens within `room` that ends a line, and its tokens.

        Any beginning, if a line is longer.
        """
        if size <= room:
            return text, size
        tokens = self._encoder.encode(text[: _MOSTLY * room])
        if len(tokens) < room:
            tokens = self._encoder.encode(text[: _CHARACTERS_A_TOKEN * room])
        allowed = room
        while True:
            kept = self.tokenizer.decode(tokens[:allowed]).rstrip("\ufffd")
            lines, line_break, _ = kept.rpartition("\n")
            kept = lines + line_break if line_break else kept
            size = self._count(kept, room)
            if size <= room or allowed < 1:
                return kept, size
            allowed -= 1


def _step(size: int, room: int) -> int:
    """A size rounded down, to a part of the room."""
    step = max(1, room // _STEPS)
    return max(0, size) // step * step


def _from_line(text: str, kept: str, every: int) -> str:
    """An end of a text from its first line whose number is a multiple of `every`; from where it began without one."""
    skipped = -text.count("\n", 0, len(text) - len(kept)) % every
    for _ in range(skipped):
        _, found, rest = kept.partition("\n")
        if not found:
            return kept
        kept = rest
    return kept
