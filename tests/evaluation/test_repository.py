import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.repository import Problem, evaluate, find_problems, is_exact, summary
from codegem.generate import Chunk, Infill, Request, StopReason


class Echo:
    """A source that answers every hole with a fixed text."""

    name = "echo"

    def __init__(self, answers: Sequence[str], reason: StopReason = StopReason.STOP):
        self.answers, self.reason = answers, reason
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Chunk]:
        self.asked = list(requests)
        for index, answer in enumerate(self.answers):
            yield Chunk(index, answer, 3, self.reason)


PROBLEMS = [
    Problem("r/a.py:1", "a.py", "x = ", "1 + 2", "\n"),
    Problem("r/a.py:2", "a.py", "y = ", "f(x)", "\nz = 3\n"),
]


def whole(infill: Infill, max_tokens: int) -> Infill:
    return infill


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nlicense = "MIT"\n', "utf-8")
    lines = [f"def price_{n}(item):\n    # a comment\n    return item.cost * {n}\n\n" for n in range(9)]
    (folder / "prices.py").write_text("\n".join(lines), "utf-8")
    return folder


def test_a_problem_is_a_line_of_its_file(repository: Path) -> None:
    text = (repository / "prices.py").read_text("utf-8")
    problems = find_problems([repository], 20, seed=1)
    assert len({problem.task_id for problem in problems}) == 20
    for problem in problems:
        assert problem.prefix + problem.middle + problem.suffix == text
        assert problem.middle.strip() and "\n" not in problem.middle and not problem.middle[0].isspace()
        assert problem.suffix.startswith("\n")
        assert problem.task_id == f"shop/prices.py:{problem.prefix.count(chr(10)) + 1}"


def test_the_seed_decides(repository: Path) -> None:
    assert find_problems([repository], 5, 1) == find_problems([repository], 5, 1) != find_problems([repository], 5, 2)


def test_too_many_places(repository: Path) -> None:
    with pytest.raises(UserError, match="have 27 lines of code; ask for fewer"):
        find_problems([repository], 28, 0)


def test_report_and_files(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = Echo(["1 + 2  \nmore", "g(x)"])
    report = evaluate(source, PROBLEMS, whole, out=tmp_path / "out", progress=lambda *at: seen.append(at))
    assert (report.problems, report.files, report.exact_match, report.stopped_by_itself) == (2, 1, 0.5, 1.0)
    assert seen == [(1, 2), (2, 2)]
    assert [request.temperature for request in source.asked] == [0.0, 0.0]
    verdicts = [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text("utf-8").splitlines()]
    assert [(row["task_id"], row["verdict"]) for row in verdicts] == [("r/a.py:1", "passed"), ("r/a.py:2", "failed")]
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["exact_match"] == 0.5
    assert "50.0%" in summary(report)


def test_an_answer_that_ran_to_the_limit_did_not_stop_by_itself() -> None:
    report = evaluate(Echo(["1 + 2", "f(x)"], StopReason.LENGTH), PROBLEMS, whole)
    assert (report.exact_match, report.stopped_by_itself) == (1.0, 0.0)


def test_the_hole_is_cut_by_the_caller() -> None:
    source = Echo(["", ""])
    evaluate(source, PROBLEMS, lambda infill, max_tokens: Infill("cut", "", infill.path))
    assert [request.prompt for request in source.asked] == [Infill("cut", "", "a.py")] * 2


@pytest.mark.parametrize(
    ("answer", "middle", "exact"),
    [
        ("a", "a", True),
        ("a ", "a", True),
        ("a\nb", "a", True),
        (" a", "a", False),
        ("", "a", False),
        ("ab", "a", False),
    ],
)
def test_exact(answer: str, middle: str, exact: bool) -> None:
    assert is_exact(answer, middle) is exact
