"""Exercises from a model: a scripted one here, whose answers are judged by running them for real."""

import json
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from codegem.data.questions import exercise_judge
from codegem.data.questions.conversations import Pair, Refused
from codegem.data.questions.exercise_text import ask
from codegem.data.questions.oss_instruct import OssRules, Snippet, draw_snippets, make_exercises
from codegem.data.records import Document
from codegem.errors import UserError
from codegem.generate import Chunk, Request, StopReason
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchains import find

PROBLEM = "Write a function add(a, b) that returns the sum of two numbers."
GOOD = "def add(a, b):\n    return a + b\n"
TESTS = "assert add(1, 2) == 3\n"


def answer(solution: str = GOOD, tests: str = TESTS, problem: str = PROBLEM) -> str:
    return f"{problem}\n[Solution]\n```python\n{solution}```\n[Tests]\n```python\n{tests}```\n"


class Scripted:
    """A model that says one thing after another, and remembers what it was asked."""

    def __init__(self, answers: Sequence[str | tuple[str, StopReason]], stop_after: int | None = None):
        self.name = "scripted"
        self.asked: list[Request] = []
        self._answers, self._left = list(answers), stop_after

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        for index, request in enumerate(requests):
            if self._left == 0:
                raise KeyboardInterrupt
            self._left = None if self._left is None else self._left - 1
            self.asked.append(request)
            text = self._answers.pop(0)
            text, reason = (text, StopReason.STOP) if isinstance(text, str) else text
            yield Chunk(index, text[:5])
            yield Chunk(index, text[5:], 1, reason)


def snippets(count: int, language: str = "python") -> list[Snippet]:
    return [Snippet(f"repo/a.py:{number}", language, f"x = {number}") for number in range(count)]


def outcome(text: str | tuple[str, StopReason], tmp_path: Path, rules: OssRules | None = None) -> Pair | Refused:
    (found,) = make_exercises(Scripted([text]), snippets(1), rules or OssRules(pairs=1), tmp_path / "work" / "a.jsonl")
    return found


@pytest.fixture(scope="module")
def sandbox() -> None:
    """Programs can be run here."""
    try:
        run(["/usr/bin/env", "true"])
    except (UserError, SandboxError) as error:
        pytest.skip(str(error))


def test_a_good_exercise_is_kept(sandbox: None, tmp_path: Path):
    found = outcome(answer(), tmp_path)
    assert found == Pair("oss-instruct", "repo/a.py:0#0", PROBLEM, f"```python\n{GOOD.strip()}\n```")


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("def f(): pass", "not of the form", "def f"),
        (("Write a function that", StopReason.LENGTH), "cut off", "Write"),
        (answer(problem="Add."), "problem too short", "1 words"),
        (answer(solution="def add(a, b:\n    return\n"), "does not parse", "solution"),
        (answer(tests="assert add(1, 2 == 3\n"), "does not parse", "tests"),
        (answer(tests="print(add(1, 2))\n"), "tests that check nothing", ""),
        (answer(solution="def add(a, b):\n    return a - b\n"), "fails its tests", "AssertionError"),
        (answer(tests="assert sub(1, 2) == 3\n"), "fails its tests", "NameError"),
        (answer(tests="assert 1 + 1 == 2\n"), "tests that pass without the solution", ""),
        (answer(solution=GOOD + "raise SystemExit(0)\n"), "fails its tests", "it ended early"),
        (answer(solution=GOOD + "import os\nos._exit(0)\n"), "fails its tests", "it ended early"),
        (
            answer(solution=GOOD + "import socket\nsocket.create_connection(('127.0.0.1', 9))\n"),
            "fails its tests",
            "Err",
        ),
        (answer(solution=GOOD + "while True: pass\n"), "tests out of time", ""),
        (answer(solution=GOOD + "while True: print('x' * 9999)\n"), "tests over the output limit", ""),
    ],
)
def test_a_bad_exercise_is_refused_with_its_reason(
    sandbox: None, text: str | tuple[str, StopReason], reason: str, detail: str, tmp_path: Path
):
    found = outcome(text, tmp_path, OssRules(pairs=1, limits=SandboxLimits(seconds=1.0)))
    assert isinstance(found, Refused) and found.stage == "tests"
    assert found.reason == reason and detail in found.detail, found
    assert found.size == len(text if isinstance(text, str) else text[0])


def test_javascript_is_run_too(sandbox: None, tmp_path: Path):
    if find("javascript") is None:
        pytest.skip("no node in /usr/bin or /usr/local/bin")
    text = (
        f"{PROBLEM}\n[Solution]\nfunction add(a, b) {{ return a + b; }}\n"
        "[Tests]\nconst assert = require('assert');\nassert.strictEqual(add(1, 2), {});\n"
    )
    model = Scripted([text.replace("{}", "3"), text.replace("{}", "4")])
    kept, refused = make_exercises(model, snippets(2, "javascript"), OssRules(pairs=2), tmp_path / "a.jsonl")
    assert isinstance(kept, Pair) and kept.answer.startswith("```javascript\nfunction add")
    assert isinstance(refused, Refused) and refused.reason == "fails its tests"


def test_the_model_is_asked_as_the_rules_say(tmp_path: Path):
    rules = OssRules(pairs=2, max_tokens=99, temperature=0.3, top_p=0.5)
    model = Scripted(["no", "no"])
    list(make_exercises(model, snippets(2), rules, tmp_path / "a.jsonl"))
    first, second = model.asked
    assert (first.max_tokens, first.temperature, first.top_p, first.stop) == (99, 0.3, 0.5, ("[End]",))
    assert isinstance(first.prompt, str) and "x = 0" in first.prompt and "x = 1" in str(second.prompt)
    assert first.seed != second.seed


def test_a_run_that_was_stopped_goes_on_and_gives_the_same(sandbox: None, tmp_path: Path):
    answers = [answer(), "no", answer(problem=PROBLEM + " Again."), answer(tests="assert 0\n"), "no"]
    rules, pieces = OssRules(pairs=5), snippets(5)
    whole = list(make_exercises(Scripted(answers), pieces, rules, tmp_path / "whole.jsonl"))
    assert [type(found) for found in whole] == [Pair, Refused, Pair, Refused, Refused]
    for done in range(5):
        journal = tmp_path / f"{done}.jsonl"
        with pytest.raises(KeyboardInterrupt):
            list(make_exercises(Scripted(answers, stop_after=done), pieces, rules, journal))
        with journal.open("ab") as file:
            file.write(b'{"snippet": "torn')  # as a machine that lost its power leaves it
        rest = Scripted(answers[done:])
        assert list(make_exercises(rest, pieces, rules, journal)) == whole
        assert len(rest.asked) == 5 - done
        assert journal.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path: Path):
    journal = tmp_path / "a.jsonl"
    short = list(make_exercises(Scripted(["no", "nothing"]), snippets(2), OssRules(pairs=2), journal))
    model = Scripted(["never"])
    assert list(make_exercises(model, snippets(3), OssRules(pairs=3), journal))[:2] == short
    assert len(model.asked) == 1
    assert list(make_exercises(Scripted([]), snippets(1), OssRules(pairs=1), journal)) == short[:1]


@pytest.mark.parametrize("what", ["model", "seed", "rules", "code", "damage"])
def test_another_runs_journal_is_refused(what: str, tmp_path: Path):
    journal = tmp_path / "a.jsonl"
    list(make_exercises(Scripted(["no"]), snippets(1), OssRules(pairs=1), journal))
    model, pieces, rules, seed = Scripted(["no"]), snippets(1), OssRules(pairs=1), 0
    if what == "model":
        model.name = "another"
    elif what == "seed":
        seed = 1
    elif what == "rules":
        rules = OssRules(pairs=1, temperature=0.1)
    elif what == "code":
        pieces = [Snippet("repo/a.py:0", "python", "y = 2")]
    else:
        journal.write_text("[]\nnot JSON\n")
    with pytest.raises(UserError, match="is of another model"):
        list(make_exercises(model, pieces, rules, journal, seed=seed))


def test_a_sandbox_that_fails_judges_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fails(*arguments: object, **options: object) -> None:
        raise SandboxError("no namespaces")

    monkeypatch.setattr(exercise_judge, "run", fails)
    journal = tmp_path / "a.jsonl"
    with pytest.raises(UserError, match="nothing is judged wrong"):
        list(make_exercises(Scripted(["no", answer()]), snippets(2), OssRules(pairs=2), journal))
    assert [json.loads(line)["reason"] for line in journal.read_text().splitlines()[1:]] == ["not of the form"]


def document(path: str, text: str, language: str) -> Document:
    return Document("repo", path, text, language, None, "")


DOCUMENTS = [
    document("a.py", "\n\nimport os\n\n\ndef f(x):\n    return x\n" * 20, "python"),
    document("b.py", "   \n", "python"),
    document("c.md", "words\n", "markdown"),
    document("d.rs", "fn main() {}\n", "rust"),
]


def test_pieces_are_lines_of_code_that_can_be_run():
    rules = OssRules(pairs=200, max_lines=6, max_characters=40)
    pieces = draw_snippets(DOCUMENTS, rules, seed=1)
    assert pieces == draw_snippets(DOCUMENTS, rules, seed=1) != draw_snippets(DOCUMENTS, rules, seed=2)
    assert len(pieces) == 200 and {piece.language for piece in pieces} == {"python"}
    lines = DOCUMENTS[0].text.splitlines()
    for piece in pieces:
        start = int(piece.name.rpartition(":")[2]) - 1
        assert piece.text and "\n".join(lines[start:]).startswith(piece.text)
        assert piece.text.count("\n") < 6 and len(piece.text) <= 40
    assert draw_snippets(DOCUMENTS, OssRules(pairs=3, max_lines=6, max_characters=40), seed=1) == pieces[:3]


def test_pieces_are_cut_to_what_the_model_takes():
    room = len(ask("python", "")) + 30
    pieces = draw_snippets(DOCUMENTS, OssRules(pairs=50), 0, lambda prompt: len(prompt) <= room)
    assert all(len(piece.text) <= 30 for piece in pieces) and any(piece.text for piece in pieces)
    with pytest.raises(UserError, match="too short to ask it"):
        draw_snippets(DOCUMENTS, OssRules(pairs=1), 0, lambda prompt: False)


def test_without_code_that_can_be_run_it_says_so():
    with pytest.raises(UserError, match="None of the 2 files kept is in a language that can be run here"):
        draw_snippets(DOCUMENTS[2:], OssRules(pairs=1), 0)
