"""Cutting what the editor knows to what the model can read."""

from dataclasses import dataclass, replace

from codegem.errors import UserError
from codegem.generate import Infill
from codegem.text import fim
from codegem.text.tokenizer import Tokenizer

# No token of real code is longer on average, so text beyond this many characters a token need not be encoded.
_CHARACTERS_A_TOKEN = 32


@dataclass(frozen=True)
class Window:
    """How much a model reads.

    Attributes:
        tokenizer: of the model, or one that counts about as many tokens.
        length: of prompt and answer together, in tokens.
    """

    tokenizer: Tokenizer
    length: int

    def fit(self, infill: Infill, max_tokens: int) -> Infill:
        """The part of `infill` nearest to the cursor that leaves room for an answer.

        The file itself comes first: its suffix may take a quarter of the room, or what the prefix leaves;
        prefix and suffix are cut at their far ends, between lines where that is possible. Then come other
        files, the nearest first; one that does not fit whole is left out.

        Raises:
            UserError: no room is left for any code.
        """
        room = self.length - max_tokens - len(fim.prompt("", "", self.tokenizer, path=infill.path))
        if room < 1:
            raise UserError(
                f"{max_tokens} tokens are asked for and the model takes {self.length}, prompt included; "
                "that leaves no room for code. Ask for fewer."
            )
        before, after = self._count(infill.prefix, room), self._count(infill.suffix, room)
        suffix, after = self._head(infill.suffix, after, max(room // 4, room - before))
        prefix, before = self._tail(infill.prefix, before, room - after)
        room -= before + after
        return replace(infill, prefix=prefix, suffix=suffix, context=self._nearest(infill.context, room))

    def fit_text(self, text: str, max_tokens: int) -> str:
        """The end of a text to be continued that leaves room for an answer, from the beginning of a line if it can.

        Raises:
            UserError: no room is left.
        """
        room = self.length - max_tokens - 1  # <bos>
        if room < 1:
            raise UserError(
                f"{max_tokens} tokens are asked for and the model takes {self.length}, prompt included; "
                "that leaves no room for it. Ask for fewer."
            )
        kept, size = self._tail(text, self._count(text, room), room)
        allowed = room
        while size > room and allowed > 1:  # cut where a token began, it may be more tokens than it was
            allowed -= 1
            kept, size = self._tail(text, room + 1, allowed)
        return kept

    def _nearest(self, context: tuple[tuple[str, str], ...], room: int) -> tuple[tuple[str, str], ...]:
        kept = []
        for path, text in reversed(context):
            size = self._count(path + "\n", room) + self._count(text, room) + 1
            if size <= room:
                kept.append((path, text))
                room -= size
        return tuple(reversed(kept))

    def _count(self, text: str, room: int) -> int:
        """Tokens of `text`; some number above `room` if it is far longer than that."""
        if len(text) > _CHARACTERS_A_TOKEN * (room + 1):
            return room + 1
        return len(self.tokenizer.encode(text))

    def _tail(self, text: str, size: int, room: int) -> tuple[str, int]:
        """The longest end of a text of `size` tokens within `room` that begins a line, and its tokens.

        Any end, if a line is longer.
        """
        if size <= room:
            return text, size
        text = text[-_CHARACTERS_A_TOKEN * room :] if room > 0 else ""
        kept = self.tokenizer.decode(self.tokenizer.encode(text)[-room:]).lstrip("\ufffd") if text else ""
        if not text[: len(text) - len(kept)].endswith("\n"):
            kept = kept.partition("\n")[2] or kept
        return kept, self._count(kept, room)

    def _head(self, text: str, size: int, room: int) -> tuple[str, int]:
        """The longest beginning of a text of `size` tokens within `room` that ends a line, and its tokens.

        Any beginning, if a line is longer.
        """
        if size <= room:
            return text, size
        text = text[: _CHARACTERS_A_TOKEN * room]
        kept = self.tokenizer.decode(self.tokenizer.encode(text)[:room]).rstrip("\ufffd")
        lines, line_break, _ = kept.rpartition("\n")
        kept = lines + line_break if line_break else kept
        return kept, self._count(kept, room)
