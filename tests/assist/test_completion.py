"""Completion with a source that says what it is told."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from codegem.assist.completion import Settings, complete, plan
from codegem.assist.context import Window
from codegem.generate import Chunk, Infill, Request, StopReason
from codegem.text.tokenizer import ByteTokenizer

WINDOW = Window(ByteTokenizer(), 200)


@dataclass
class Script:
    """A source of given parts, one token each."""

    parts: tuple[str, ...]
    reason: StopReason = StopReason.STOP
    requests: list[Request] = field(default_factory=list)
    closed: bool = False
    name: str = "script"

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        self.requests += requests
        try:
            for part in self.parts:
                yield Chunk(0, part, 1)
            yield Chunk(0, "", 0, self.reason)
        finally:
            self.closed = True


def test_a_completion_says_what_how_and_how_long():
    source = Script(("retu", "rn a", "\n"))
    done = complete(source, WINDOW, Infill("def f(a):\n    ", "\n"))
    assert (done.text, done.stop_reason, done.tokens) == ("return a", StopReason.STOP, 3)
    assert done.timings.first_token is not None
    assert 0 <= done.timings.first_token <= done.timings.total


def test_settings_reach_the_source():
    source = Script(("x",), StopReason.LENGTH)
    done = complete(source, WINDOW, Infill("a.", ""), Settings(max_tokens=9, temperature=0.2, top_p=0.9, seed=5))
    assert source.requests == [Request(Infill("a.", ""), 9, (), 0.2, 0.9, 5)]
    assert done.stop_reason is StopReason.LENGTH


def test_in_the_middle_of_a_line_the_source_stops_at_its_end():
    source = Script(("b",))
    complete(source, WINDOW, Infill("f(a, ", " + c)\n"))
    assert source.requests[0].stop == ("\n",)


def test_a_path_takes_one_line():
    infill = Infill("a.", "", "a\r\nb.py", (("c\nd.py", "x"),))
    assert plan(infill, WINDOW).request.prompt == Infill("a.", "", "a b.py", (("c d.py", "x"),))


def test_the_word_at_the_cursor_is_written_anew():
    request = plan(Infill("x = self.na", "\n"), WINDOW).request
    assert (request.prompt, request.begin) == (Infill("x = self.", "\n"), "na")
    assert plan(Infill("x = self.", "\n"), WINDOW).request.begin == ""
    for settings in (Settings(heal=False), Settings(rules=False)):
        assert plan(Infill("x = self.na", "\n"), WINDOW, settings).request.prompt == Infill("x = self.na", "\n")


def test_without_rules_the_source_gets_the_code_as_it_is():
    infill = Infill("f(a,\r\n", " + b)\r\n", "a.py")
    request = plan(infill, WINDOW, Settings(rules=False)).request
    assert (request.prompt, request.stop) == (infill, ())


def test_windows_line_ends_are_kept_from_the_source_and_put_back():
    source = Script(("x\n", "    y"))
    done = complete(source, WINDOW, Infill("if a:\r\n    ", "\r\nz\r\n", "a.py"))
    assert source.requests[0].prompt == Infill("if a:\n    ", "\nz\n", "a.py")
    assert done.text == "x\r\n    y"


def test_the_source_is_closed_when_a_rule_has_the_last_word():
    source = Script(("return a\n", "\ndef g():\n", "    more"))
    done = complete(source, WINDOW, Infill("def f(a):\n    ", "", "a.py"))
    assert (done.text, done.stop_reason, done.tokens) == ("return a", StopReason.STOP, 2)
    assert source.closed


def test_code_is_cut_to_the_window():
    source = Script(("b",))
    complete(source, WINDOW, Infill("a" * 500, ""), Settings(max_tokens=100))
    assert isinstance(prompt := source.requests[0].prompt, Infill)
    assert 80 < len(prompt.prefix) <= 100


def test_text_is_heard_as_it_comes():
    heard: list[str] = []
    complete(Script(("a", "", "b  ")), WINDOW, Infill("", ""), on_text=heard.append)
    assert heard == ["a", "b"]


def test_returning_false_cancels_and_closes_the_source():
    source = Script(("a", "b", "c"))
    done = complete(source, WINDOW, Infill("", ""), on_text=lambda text: text != "b")
    assert (done.text, done.tokens, done.stop_reason) == ("ab", 2, StopReason.CANCELLED)
    assert source.closed


def test_no_token_has_no_first_time():
    done = complete(Script(()), WINDOW, Infill("", ""))
    assert (done.text, done.tokens, done.timings.first_token) == ("", 0, None)
