"""A suggestion while it is being written."""

import time
from collections.abc import Callable, Sequence

from codegem.assist.place import Place
from codegem.assist.rules import ALWAYS, RESPELLINGS, RULES
from codegem.assist.rules.rule import Rule
from codegem.generate import StopReason


class Draft:
    """A model's text in, what may be shown of it out, as soon as no rule can take it back.

    The parts that `push` and `finish` give are together `text`, and the same text however the model's is cut.

    Args:
        place: where the text goes, with "\\n" as line ends.
        rules: whether all rules hold; without them only the tokens of a prompt's grammar are kept out.
        line_end: what "\\n" becomes, in a file that has "\\r\\n".
        seconds: so long after its beginning the text ends with the last whole line, if there is one; None never.

    Attributes:
        place: as given.
        text: what was given out so far.
        wants_more: False once nothing that comes can be shown: the rest of the work may be cancelled.

    Example:
        >>> draft = Draft(Place("print(", ")\\n"))
        >>> [draft.push(part) for part in ("a", ")", "\\n")], draft.wants_more
        (['a', '', ''], False)
        >>> draft.finish(), draft.text
        ('', 'a')
    """

    def __init__(
        self,
        place: Place,
        *,
        rules: bool = True,
        line_end: str = "\n",
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.text = ""
        self.wants_more = True
        self.place, self._line_end = place, line_end
        self._respellings, self._rules = (RESPELLINGS, RULES) if rules else ((), ())
        self._made = ""
        self._clock = clock
        self._seconds = seconds
        self._since: float | None = None

    def push(self, text: str) -> str:
        """Take the next part of the model's text; gives what is now sure to be shown."""
        if not text or not self.wants_more:
            return ""
        self._made += text
        if self._is_late():
            self._made = self._made[: self._made.rindex("\n")]
            self.wants_more = False
            return ""
        sure = self._sure(self._made, ALWAYS)
        if self._respellings:
            sure = self._respelled(sure.rstrip(" \t\r"))
        return self._give(self._sure(sure, self._rules))

    def finish(self, reason: StopReason = StopReason.STOP) -> str:
        """The rest, when the model's text has ended or nobody waits for more of it.

        Of several lines, the one that was cut off by `max_tokens` or as a copy is left out.
        """
        self.wants_more = False
        text = self._kept(self._made, ALWAYS)
        if reason in (StopReason.LENGTH, StopReason.COPIED) and self._rules:
            lines = text.rpartition("\n")[0]
            text = lines if lines.strip() else text  # the last line was cut off somewhere
        return self._give(self._kept(self._respelled(text), self._rules))

    def _is_late(self) -> bool:
        if self._seconds is None:
            return False
        now = self._clock()
        self._since = now if self._since is None else self._since
        return "\n" in self._made and now - self._since > self._seconds

    def _sure(self, text: str, rules: Sequence[Rule]) -> str:
        for rule in rules:
            cut = rule(text, self.place)
            self.wants_more &= not cut.done
            text = text[: cut.sure]
        return text

    def _kept(self, text: str, rules: Sequence[Rule]) -> str:
        for rule in rules:
            text = text[: rule(text, self.place).keep]
        return text

    def _respelled(self, text: str) -> str:
        for respell in self._respellings:
            text = respell(text, self.place)
        return text

    def _give(self, text: str) -> str:
        text = text.replace("\n", self._line_end)
        part, self.text = text[len(self.text) :], text
        return part
