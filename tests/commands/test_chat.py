"""`codegem chat`: in a terminal, by a pipe, and its commands."""

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import codegem
from codegem import cli
from codegem.assist.context import Window
from codegem.checkpoints import huggingface
from codegem.commands.chat_session import Session
from codegem.commands.chat_terminal import converse_in_terminal, read_question
from codegem.data.tracing.index import TraceIndex
from codegem.errors import UserError
from codegem.generate import Chunk, Conversation, StopReason
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer, Tokenizer

CONFIG = ModelConfig(1024, 2, 16, 2, 1, 8, 32, context_length=256)


class Talker:
    """Answers questions with one text after the other; holes with nothing."""

    name = "talker"
    reason = StopReason.STOP

    def __init__(self, *answers: str, interrupted: bool = False):
        self.asked: list[Conversation] = []
        self.temperatures: list[float] = []
        self._answers, self._interrupted = list(answers), interrupted

    def generate(self, requests):
        for index, request in enumerate(requests):
            text = ""
            if isinstance(request.prompt, Conversation):
                self.asked.append(request.prompt)
                self.temperatures.append(request.temperature)
                text = self._answers[min(len(self.asked), len(self._answers)) - 1]
            yield Chunk(index, text, 1)
            if self._interrupted:
                raise KeyboardInterrupt
            yield Chunk(index, "", 0, self.reason)


def make(talker: Talker, **options) -> tuple[Session, io.StringIO]:
    out = io.StringIO()
    window = Window(ByteTokenizer(), 8000)
    return Session("talker", talker, window, options.pop("can_chat", True), out=out, **options), out


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    file = tmp_path / "a.py"
    file.write_text("def f(x:\n    return x\n")
    return file


class TestQuestions:
    def test_where_an_answer_stands_is_told(self, index_of: Callable[..., Path]):
        code = "def closed(self, year):\n    self.closed_years.append(year, self.entries, self.journal, self.accounts)"
        talker = Talker(code)
        talker.reason = StopReason.COPIED
        session, out = make(talker, index=TraceIndex.open(index_of(code)))
        session.hear("Write it.")
        assert "more of it would repeat more of one source than is allowed" in out.getvalue()
        assert "tokens stand in ledger 1.0, file_0.py:1 (MIT)" in out.getvalue()

    def test_what_was_said_stays(self):
        talker = Talker("Because.", "So.")
        session, out = make(talker, system="Be brief.")
        session.hear("Why?")
        session.hear("How?")
        turns = [(turn.speaker, turn.text) for turn in talker.asked[1].turns]
        assert turns == [("user", "Be brief.\n\nWhy?"), ("model", "Because."), ("user", "How?")]
        session.hear("/clear")
        session.hear("Now?")
        assert [turn.text for turn in talker.asked[2].turns] == ["Be brief.\n\nNow?"]
        assert "Because.\n" in out.getvalue()

    def test_a_model_can_not_command_the_terminal(self):
        session, out = make(Talker("\x1b[2J\x1b]0;x\x07\x9b1m ok"))
        session.hear("Hi")
        assert not set("\x1b\x07\x9b") & set(out.getvalue()) and "ok" in out.getvalue()

    def test_ctrl_c_ends_the_answer(self):
        talker = Talker("A beginning", interrupted=True)
        session, out = make(talker)
        session.hear("Hi")
        assert "(stopped)" in out.getvalue()
        session.hear("And?")
        assert [turn.text for turn in talker.asked[1].turns] == ["Hi", "A beginning", "And?"]

    def test_files_are_brought_along(self, broken: Path):
        talker = Talker("Yes.")
        session, out = make(talker)
        session.hear(f"/file {broken}:2")
        session.hear("Why?")
        assert talker.asked[0].turns[0].text == "`a.py`, line 2\n```python\n    return x\n```\n\nWhy?"
        assert "`a.py`, line 2" in out.getvalue()

    def test_a_model_that_only_completes(self, broken: Path):
        session, _ = make(Talker(""), can_chat=False)
        for line in ("Why?", f"/explain {broken}", f"/test {broken}"):
            with pytest.raises(UserError, match="not to chat; load a model"):
                session.hear(line)

    def test_an_unknown_command_and_a_path(self):
        talker = Talker("It is a folder.")
        session, _ = make(talker)
        with pytest.raises(UserError, match=r"There is no command /nope; /help lists them"):
            session.hear("/nope x")
        session.hear("/usr/bin is what?")
        assert talker.asked


class TestCommands:
    def test_explain(self, broken: Path):
        talker = Talker("It adds.")
        make(talker)[0].hear(f"/explain {broken}")
        question = talker.asked[0].turns[0].text
        assert "def f(x:" in question and "Explain this code" in question

    def test_fix_and_apply(self, broken: Path):
        session, out = make(Talker(""), can_chat=False)
        session.hear(f"/fix {broken}")
        assert "+def f(x):" in out.getvalue() and broken.read_text() == "def f(x:\n    return x\n"
        session.hear("/apply")
        assert broken.read_text() == "def f(x):\n    return x\n"
        with pytest.raises(UserError, match="Nothing is proposed"):
            session.hear("/apply")

    def test_a_file_that_changed_is_left(self, broken: Path):
        session, _ = make(Talker(""))
        session.hear(f"/fix {broken}")
        broken.write_text("something else")
        with pytest.raises(UserError, match="has changed since"):
            session.hear("/apply")
        assert broken.read_text() == "something else"

    def test_fix_without_a_syntax_error(self, tmp_path: Path):
        file = tmp_path / "a.py"
        file.write_text("x = 1\n")
        talker = Talker("It should be 2.")
        make(talker)[0].hear(f"/fix {file}")
        assert "does not do what it should" in talker.asked[0].turns[0].text
        with pytest.raises(UserError, match="has no syntax error that codegem knows of"):
            make(talker, can_chat=False)[0].hear(f"/fix {file}")

    def test_tests_are_asked_for_until_they_parse(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.chdir(tmp_path)
        Path("a.py").write_text("def f(): ...\n")
        good = "```python\ndef test_f():\n    assert f() is None\n```"
        talker = Talker("```python\ndef test_f(:\n```", good)
        session, out = make(talker)
        session.hear("/test a.py")
        assert "pytest" in talker.asked[0].turns[0].text
        assert "syntax error in line 1: def test_f(:" in talker.asked[1].turns[-1].text
        assert talker.temperatures == [0.0, 0.4] and "The tests parse." in out.getvalue()
        session.hear("/apply")
        assert Path("test_a.py").read_text() == "def test_f():\n    assert f() is None\n"

    def test_tests_that_never_parse_are_not_offered(self, tmp_path: Path):
        file = tmp_path / "a.py"
        file.write_text("x = 1\n")
        talker = Talker("```python\n(((\n```")
        session, out = make(talker)
        session.hear(f"/test {file}")
        assert len(talker.asked) == 3 and "do not parse" in out.getvalue()
        with pytest.raises(UserError, match="Nothing is proposed"):
            session.hear("/apply")

    def test_an_exercise(self, tmp_path: Path):
        file = tmp_path / "a.py"
        file.write_text("def f(items):\n    return sum(items) + 1\n")
        session, out = make(Talker(""), can_chat=False)
        session.hear(f"/exercise {file}")
        assert "# … your 1 line …" in out.getvalue() and "return sum" not in out.getvalue()
        session.hear("return (")
        session.hear("return 1")
        session.hear("/hint")
        session.hear("return sum( items )+1")
        heard = out.getvalue()
        assert "has a syntax error" in heard and "may be right as well" in heard and "Right" in heard
        assert session.exercise is None

    def test_save(self, tmp_path: Path):
        session, _ = make(Talker("Because."))
        session.hear("Why?")
        session.hear(f"/save {tmp_path / 'talk.md'}")
        assert (tmp_path / "talk.md").read_text() == "## You\n\nWhy?\n\n## talker\n\nBecause.\n"
        with pytest.raises(UserError, match="can't be written"):
            session.hear(f"/save {tmp_path / 'talk.md'}")


def lines_of(*lines: str | type[BaseException]) -> Callable[[str], str]:
    waiting: Iterator[str | type[BaseException]] = iter([*lines, EOFError])

    def read(prompt: str) -> str:
        line = next(waiting)
        if isinstance(line, str):
            return line
        raise line

    return read


class TestTerminal:
    def test_lines(self):
        read = lines_of("one", "two \\", "three", '"""', "four", "", "five", '"""')
        assert [read_question(read) for _ in range(4)] == ["one", "two \nthree", "four\n\nfive", None]

    def test_an_answer_to_an_exercise_ends_with_an_empty_line(self):
        read = lines_of("a", "  b", "", "/hint")
        assert [read_question(read, in_exercise=True) for _ in range(2)] == ["a\n  b", "/hint"]

    def test_it_goes_on_after_mistakes_and_ctrl_c(self):
        session, out = make(Talker("Because."))
        converse_in_terminal(session, lines_of("/nope", KeyboardInterrupt, "Why?", "/quit", "never"))
        heard = out.getvalue()
        assert "There is no command /nope" in heard and "Ctrl-D ends" in heard and "Because." in heard

    def test_a_model_that_only_completes_is_greeted_with_what_to_load(self):
        session, out = make(Talker(""), can_chat=False)
        converse_in_terminal(session, lines_of())
        assert "--model google/codegemma-7b-it" in out.getvalue() and "/fix" in out.getvalue()


@pytest.fixture(scope="module")
def tuned(
    tmp_path_factory: pytest.TempPathFactory, random_model: Callable[..., Transformer], bpe_tokenizer: Tokenizer
) -> Path:
    """A random model that says it was tuned to chat."""
    folder = tmp_path_factory.mktemp("tuned")
    huggingface.save(folder, random_model(CONFIG), bpe_tokenizer, dtype="float32", chats=True)
    return folder


class TestEndToEnd:
    def piped(self, monkeypatch: pytest.MonkeyPatch, text: str, *words: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return cli.main(["chat", *words])

    def test_a_question_by_a_pipe(self, tuned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
        question = ["--model", str(tuned), "--max-tokens", "5"]
        assert self.piped(monkeypatch, "Why?\n", *question) == 0
        first = capsys.readouterr().out
        assert self.piped(monkeypatch, "Why?\n", *question, "--json") == 0
        import json

        found = json.loads(capsys.readouterr().out)
        assert found["tokens"] <= 5 and found["stop_reason"] in ("stop", "length") and found["text"].strip() in first

    def test_nano_says_what_to_load(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
        assert self.piped(monkeypatch, "Why?\n") == 1
        assert "nano was trained to complete code and not to chat; load" in capsys.readouterr().err

    def test_nano_mends_a_file(self, broken: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
        assert self.piped(monkeypatch, f"/fix {broken}\n/apply\n") == 0
        assert "+def f(x):" in capsys.readouterr().out and broken.read_text() == "def f(x):\n    return x\n"

    def test_nothing_by_a_pipe(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
        assert self.piped(monkeypatch, " \n") == 1
        assert "holds no question" in capsys.readouterr().err

    def test_the_face(self, tuned: Path):
        model = codegem.load(tuned)
        assert model.can_chat
        heard: list[str] = []
        messages = [{"role": "user", "content": "Why?"}]
        answer = model.chat(messages, max_tokens=6, on_text=heard.append)
        assert answer.tokens <= 6 and answer.text == "".join(heard)
        assert model.chat(messages, max_tokens=6).text == answer.text
        stopped = model.chat(messages, max_tokens=6, on_text=lambda text: False)
        assert stopped.stop_reason is StopReason.CANCELLED

    def test_the_face_of_a_model_that_only_completes(self):
        nano = codegem.load("nano")
        with pytest.raises(UserError, match="not to chat"):
            nano.chat([{"role": "user", "content": "Why?"}])
