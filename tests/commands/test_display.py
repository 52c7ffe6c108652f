"""How a suggestion looks."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from codegem.assist.completion import Completion, Timings
from codegem.assist.cursor import Document
from codegem.commands import display
from codegem.data.tracing.index import Copy
from codegem.generate import StopReason


def document(prefix: str, suffix: str) -> Document:
    line = prefix.count("\n") + 1
    return Document(Path("a.py"), "a.py", prefix, suffix, line, len(prefix.rpartition("\n")[2]) + 1)


def done(text: str) -> Completion:
    return Completion(text, StopReason.STOP, 7, Timings(0.25, 0.5))


def show(prefix: str, suffix: str, text: str, style: display.Style = display.PLAIN) -> str:
    return display.show(document(prefix, suffix), done(text), model="nano", parameters=9_700_000, style=style)


def test_plain_text_marks_the_suggestion_in_its_place():
    assert show("import os\n\ndef f(a):\n    return ", "\n\nprint(f(1))\n", "a +\\\n        1") == (
        "a.py:4:12\n"
        "\n"
        "1 | import os\n"
        "2 |\n"
        "3 | def f(a):\n"
        "4 |     return {+a +\\+}\n"
        "5 | {+        1+}\n"
        "6 |\n"
        "7 | print(f(1))\n"
        "8 |\n"
        "\n"
        "nano, 9.7 M parameters; 7 tokens; first after 0.25 s; all in 0.50 s; ended by stop\n"
    )


def test_only_lines_near_the_cursor_are_shown():
    lines = "".join(f"line {i}\n" for i in range(1, 51))
    rows = show(lines, lines, "x").splitlines()
    assert rows[2] == "45 | line 45"
    assert rows[-3] == "57 | line 7"


def test_inside_a_line_the_rest_of_the_line_follows():
    assert "1 | f({+a, b+})" in show("f(", ")", "a, b").splitlines()


def test_colours_in_a_terminal():
    text = show("f(", ")", "a", display.COLOUR)
    assert "\x1b[1;32ma\x1b[0m" in text
    assert "{+" not in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_owner_wants_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert display.style_for(Terminal()) is display.COLOUR
    assert display.style_for(io.StringIO()) is display.PLAIN
    monkeypatch.setenv("NO_COLOR", "1")
    assert display.style_for(Terminal()) is display.PLAIN


def test_nothing_to_suggest_is_said():
    assert "no suggestion (7 tokens)" in show("a", "b", "")


def test_no_text_can_command_the_terminal():
    """Control characters of the file, the model and the model's name become visible."""
    text = show("\x1b]0;x\x07\n", "\x9b2J\r", "\x1b[2J")
    assert not any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in text)


def test_the_record_of_a_completion():
    assert display.record(document("a\nbc", "\n"), done("x"), model="nano") == {
        "text": "x",
        "stop_reason": "stop",
        "tokens": 7,
        "timings": {"first_token": 0.25, "total": 0.5},
        "model": "nano",
        "file": "a.py",
        "line": 2,
        "column": 3,
    }


def test_a_line_for_each_copy():
    copy = Copy(0, 9, 62, "ledger 1.0", "src/a\x1b.py", None, "python", 7, 9)
    copied = replace(done("a"), copies=(copy,), stop_reason=StopReason.COPIED)
    shown = display.show(document("f(", ")"), copied, model="nano", parameters=9_700_000, style=display.PLAIN)
    assert shown.splitlines()[-1] == "62 tokens stand in ledger 1.0, src/a␛.py:7 (no licence)"
    assert "ended by copied" in shown
    told = display.record(document("f(", ")"), copied, model="nano", is_traced=True)["copies"]
    assert (told[0]["tokens"], told[0]["licence"]) == (62, None)
    assert display.record(document("f(", ")"), done("a"), model="nano", is_traced=True)["copies"] == []
    assert "copies" not in display.record(document("f(", ")"), done("a"), model="nano")
