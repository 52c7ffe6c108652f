from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.repository.benchmark import RepositoryBenchmark
from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.places import KINDS, Kind, all_places
from codegem.evaluation.task import Judgement, Verdict
from codegem.generate import Infill


def load(repository: Path) -> RepositoryBenchmark:
    return RepositoryBenchmark.load([repository], count=3)


def whole(repository: Path, kind: Kind) -> RepositoryBenchmark:
    """Every place of a kind."""
    files = Files([repository])
    return RepositoryBenchmark(files, all_places(files, kind))


def judged(benchmark: RepositoryBenchmark, task: str, text: str) -> Judgement:
    (problem,) = [problem for problem in benchmark.problems if problem.task_id == task]
    return benchmark.judge([(problem, benchmark.completion(problem, text))])[0]


def test_each_place_is_asked_for_without_and_with_other_files(repository: Path) -> None:
    benchmark = load(repository)
    groups = [problem.group for problem in benchmark.problems]
    assert list(dict.fromkeys(groups)) == [
        *("lines", "blocks", "calls"),
        *("lines + other files", "blocks + other files", "calls + other files"),
    ]
    assert len({problem.task_id for problem in benchmark.problems}) == 18
    alone = [problem for problem in benchmark.problems if problem.group == "calls"]
    beside = [problem for problem in benchmark.problems if problem.group == "calls + other files"]
    for one, other in zip(alone, beside, strict=True):
        assert isinstance(one.prompt, Infill) and isinstance(other.prompt, Infill)
        assert (one.prompt.prefix, one.prompt.suffix) == (other.prompt.prefix, other.prompt.suffix)
        assert one.prompt.context == () and other.prompt.context


def test_what_stood_there_passes(repository: Path) -> None:
    benchmark = load(repository)
    answers = [(problem, benchmark.completion(problem, problem.details.middle + " ")) for problem in benchmark.problems]
    for found in benchmark.judge(answers):
        assert found == Judgement(Verdict.PASSED, "", {"edit_similarity": 1.0, "valid_syntax": 1.0})


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("return amount", Verdict.PASSED),
        ("return amount  \nmore", Verdict.PASSED),
        (" return amount", Verdict.FAILED),
        ("return amount.cents", Verdict.FAILED),
        ("", Verdict.FAILED),
    ],
)
def test_lines(repository: Path, answer: str, verdict: Verdict) -> None:
    benchmark = whole(repository, "lines")
    found = judged(benchmark, "lines/shop/shop.py:9", answer)
    assert found.verdict is verdict
    assert ("expected 'return amount', not" in found.reason) is (verdict is Verdict.FAILED)


def test_a_block_counts_whole(repository: Path) -> None:
    benchmark = whole(repository, "blocks")
    task, right = "blocks/shop/shop.py:7:9", "amount = amount.plus(price)\n        amount = rounded(amount)"
    assert judged(benchmark, task, right + "\n").verdict is Verdict.PASSED
    assert judged(benchmark, task, "amount = amount.plus(price)").verdict is Verdict.FAILED


def test_how_like_and_whether_it_parses(repository: Path) -> None:
    benchmark = whole(repository, "lines")
    near = judged(benchmark, "lines/shop/shop.py:9", "return amounts")
    broken = judged(benchmark, "lines/shop/shop.py:9", "return (amount")
    assert near.measures == {"edit_similarity": pytest.approx(2 * 13 / 27), "valid_syntax": 1.0}
    assert broken.measures["valid_syntax"] == 0.0


def test_a_file_that_does_not_parse_says_nothing_about_syntax(repository: Path) -> None:
    text = "def total(:\n    return amount\n    # and enough text to be kept by filters\n"
    (repository / "shop.py").write_text(text, "utf-8")
    benchmark = whole(repository, "lines")
    assert "valid_syntax" not in judged(benchmark, "lines/shop/shop.py:2", "return amount").measures


def test_text_that_is_no_unicode(repository: Path) -> None:
    benchmark = whole(repository, "lines")
    assert judged(benchmark, "lines/shop/shop.py:9", "return '\ud800'").verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("kinds", "count", "told"), [(["blocks", "calls"], 5, "no blocks or calls"), (KINDS, 0, "at least 1")]
)
def test_nothing_to_fill(tmp_path: Path, kinds: list[Kind], count: int, told: str) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "flat"\nlicense = "MIT"\n', "utf-8")
    (folder / "a.py").write_text("first = 'enough text to be kept by the filters'\nsecond = 2\n" * 3, "utf-8")
    with pytest.raises(UserError, match=told):
        RepositoryBenchmark.load([folder], kinds=kinds, count=count)
