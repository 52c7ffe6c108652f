"""Where an answer stands in a corpus."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegem.assist.attribution import copies_in, open_index, refuse_limit_elsewhere, sentence
from codegem.assist.completion import Settings, complete
from codegem.assist.context import Window
from codegem.data.tracing.index import TraceIndex
from codegem.data.tracing.tokens import spans
from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, Infill, StopReason
from codegem.text.chat import Turn
from codegem.text.tokenizer import ByteTokenizer

CODE = """\
class Ledger:
    def balance(self, account):
        entries = [entry for entry in self.entries if entry.account == account]
        return sum(entry.amount for entry in entries if not entry.is_void)

    def close(self, year):
        self.closed_years.append(year)
        self.journal.write(f"closed {year} with {len(self.entries)} entries")
"""


@pytest.fixture(scope="module")
def folder(index_of: Callable[..., Path]) -> Path:
    return index_of(CODE)


@pytest.fixture(scope="module")
def index(folder: Path) -> TraceIndex:
    return TraceIndex.open(folder)


def test_a_copy_in_an_answer(index: TraceIndex) -> None:
    text = "# mine\n" + CODE[40:230] + "\nx = 1\n"
    (copy,) = copies_in(text, index)
    assert text[copy.start : copy.end].strip() == CODE[40:230].strip()
    assert (copy.path, copy.licence, copy.line) == ("file_0.py", "MIT", 2)


def test_of_a_run_that_begins_before_the_cursor_the_answers_part_counts(index: TraceIndex) -> None:
    at = CODE.index("return sum")
    answer = CODE[at : at + 50] + "\nother = 2"
    for prompt in (CODE[:at], Infill(CODE[:at], "\n"), Infill("import sys\n" * 90 + CODE[at - 120 : at])):
        (copy,) = copies_in(answer, index, prompt)
        assert (copy.start, copy.end) == (0, 50)
        assert copy.tokens == len(spans(CODE[at : at + 50])) < index.least
    assert copies_in(answer, index) == ()  # too short for a copy by itself


def test_of_a_short_part_only_where_the_answer_is_nothing_else(index: TraceIndex) -> None:
    at = CODE.index("return sum")
    assert [copy.tokens for copy in copies_in("return sum(\n", index, CODE[:at])] == [3]
    assert copies_in("return sum(other)", index, CODE[:at]) == ()


def test_what_the_prompt_alone_repeats_is_not_told_of(index: TraceIndex) -> None:
    assert copies_in("other = 2", index, CODE) == ()
    assert copies_in(" \n", index, CODE) == () == copies_in("", index, CODE)


def test_an_answer_in_a_conversation_begins_anew(index: TraceIndex) -> None:
    at = CODE.index("return sum")
    asked = Conversation((Turn("user", CODE[:at]),))
    assert copies_in(CODE[at : at + 30], index, asked) == ()
    assert copies_in(CODE, index, asked)


def test_a_sentence_for_a_person(index: TraceIndex) -> None:
    (copy,) = copies_in(CODE, index)
    assert sentence(copy) == f"{len(spans(CODE))} tokens stand in ledger 1.0, file_0.py:1 (MIT)"


def test_a_suggestion_tells_of_its_copies(index: TraceIndex) -> None:
    class Parrot:
        name = "parrot"

        def generate(self, requests):
            yield Chunk(0, CODE[30:170], 99)
            yield Chunk(0, "", 0, StopReason.COPIED)

    window, settings = Window(ByteTokenizer(), 2048), Settings(lines="many")
    done = complete(Parrot(), window, Infill(CODE[:30], "", "a.py"), settings, index=index)
    assert done.text and done.stop_reason is StopReason.COPIED
    assert CODE[30:170].startswith(done.text + "\n")  # the line that was cut off is left out
    assert [copy.tokens for copy in done.copies] == [len(spans(done.text))]
    assert complete(Parrot(), window, Infill(CODE[:30], "", "a.py"), settings).copies == ()


def test_an_index_and_a_limit(folder: Path, index: TraceIndex) -> None:
    assert open_index(None) == (None, None)
    opened, none = open_index(folder)
    assert opened and opened.identity == index.identity and none is None
    _, limit = open_index(index, 50)
    assert limit and limit.most == 50 and limit.index is index


def test_mistakes(tmp_path: Path, index: TraceIndex) -> None:
    with pytest.raises(UserError, match="A longest copy of 50 tokens needs an index"):
        open_index(None, 50)
    with pytest.raises(UserError, match="holds no index"):
        open_index(tmp_path)
    with pytest.raises(UserError, match="at least 20"):
        open_index(index, 3)
    with pytest.raises(UserError, match="start that server with --longest-copy"):
        refuse_limit_elsewhere(50, "http://127.0.0.1:8012/v1")
    refuse_limit_elsewhere(None, "http://127.0.0.1:8012/v1")
