"""A whole card, of toy benchmarks: what is run, what is written, what goes on."""

import json
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from codegem.errors import SourceError, UserError
from codegem.evaluation import benchmarks, card
from codegem.evaluation.card import BENCHMARKS, Card
from codegem.evaluation.card_markdown import markdown
from codegem.evaluation.findings import Figure, Findings
from codegem.evaluation.policy import Limit, Policy
from codegem.evaluation.report import Row
from codegem.evaluation.scoring import estimate
from codegem.evaluation.task import Benchmark, DataFile, Judgement, Problem, Verdict
from codegem.generate import Chunk, Infill, Request, StopReason

EVIL = "</pre><script>alert('x')</script>&amp;<img src=x onerror=y>|`a`|**b**\u202e\x1b[31m\ud800"


@dataclass
class Source:
    """Writes nonsense; after `dies_after` answers it is gone."""

    name: str = "toy"
    dies_after: int = 1 << 30
    gone: bool = True
    asked: list[Request] = field(default_factory=list)

    def generate(self, requests: Sequence[Request]) -> Generator[Chunk]:
        for index, request in enumerate(requests):
            if len(self.asked) >= self.dies_after:
                raise SourceError("The server is gone.", {}, gone=self.gone)
            self.asked.append(request)
            yield Chunk(index, EVIL, 3, StopReason.STOP)


@dataclass(frozen=True)
class Toy:
    """Two problems a group: one is passed, the other fails; Kotlin can't be judged."""

    name: str
    problems: Sequence[Problem]
    protocol: str = "Toys are judged."
    data: tuple[DataFile, ...] = (DataFile("toy.jsonl", "ab" * 32, 2),)

    def completion(self, problem: Problem, text: str) -> str:
        return text.replace("\ud800", "")

    def judge(self, answers: Sequence[tuple[Problem, str]]) -> Sequence[Judgement]:
        return [
            Judgement(Verdict.PASSED)
            if problem.task_id.endswith("0")
            else Judgement(Verdict.FAILED, f"got {EVIL[:-1]}")
            for problem, _ in answers
        ]

    def batch(self, group: str) -> int:
        return 1

    def missing(self, group: str) -> str:
        return "no kotlinc: install it" if group == "kotlin" else ""

    def tools(self) -> Mapping[str, str]:
        return {"toy": "1.0"}


def toy(name: str, data: Path | None = None) -> Benchmark:
    problems = []
    for group in benchmarks.parts(name) or ("",):
        for number in range(2):
            prompt = Infill("before\n" * 50, "after\n" * 50) if name == "infilling" else "prompt\n" * 50
            problems.append(Problem(f"{name}/{group}/{number}", prompt, (), 16, group))
    return Toy(name, problems)


def test_everything_is_run_and_written(tmp_path: Path) -> None:
    source, told = Source(), list[str]()
    made = card.run(source, tmp_path, load=toy, progress=lambda stage, *_: told.append(stage))
    assert [section.benchmark for section in made.sections] == list(BENCHMARKS)
    assert len(source.asked) == 2 * (1 + 1 + 4 + 8 + 8)
    assert {path.name for path in tmp_path.iterdir()} == {*BENCHMARKS, "report.json", "card.md", "card.html"}
    assert len({stage for stage in told if "humaneval" in stage}) >= 2
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert written["model"] == "toy" and len(written["table"]) == 22
    first = written["table"][0]
    assert (first["counted"], first["pass_at"]["1"]["value"], first["published"]["CodeGemma 2B"]) == (2, 0.5, 31.1)
    (kotlin,) = (row for row in written["table"] if (row["benchmark"], row["group"]) == ("bc-mbpp", "kotlin"))
    assert kotlin["counted"] == 0 and "no kotlinc" in kotlin["notes"][0]
    assert written["benchmarks"][0]["report"]["data"][0]["sha256"] == "ab" * 32


def test_it_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        card.run(Source(dies_after=6), tmp_path, load=toy)
    before = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert [section["absent"] for section in before["benchmarks"]] == ["", "", "", card.LATER, card.LATER]
    rest = Source()
    made = card.run(rest, tmp_path, load=toy)
    assert len(rest.asked) == 44 - 6
    assert all(section.report for section in made.sections)


def test_a_benchmark_that_the_server_refuses_is_no_end(tmp_path: Path) -> None:
    """Its prompts may be too long for the model, and those of others not."""
    made = card.run(Source(dies_after=2, gone=False), tmp_path, load=toy)
    assert [bool(section.report) for section in made.sections] == [True, False, False, False, False]
    assert made.sections[1].absent == "The server is gone."


def test_data_that_is_not_at_hand_is_said(tmp_path: Path) -> None:
    def load(name: str, data: Path | None) -> Benchmark:
        if name != "mbpp":
            raise UserError(f"{name} is not at hand; give --data.")
        return toy(name)

    made = card.run(Source(), tmp_path, load=load)
    told = [line for line in card.lines(made) if line.row is None]
    assert len(told) == 1 + 4 + 8 + 8
    assert card.notes(told[0]) == ["Not run: humaneval is not at hand; give --data."]
    assert "- HumanEval: Not run: humaneval is not at hand" in (tmp_path / "card.md").read_text("utf-8")


def test_no_data_at_all_is_an_error(tmp_path: Path) -> None:
    def load(name: str, data: Path | None) -> Benchmark:
        raise UserError(f"no {name}.")

    with pytest.raises(UserError, match=r"No benchmark could be run: no humaneval\. no mbpp"):
        card.run(Source(), tmp_path / "new", load=load)


def test_another_models_folder_is_refused(tmp_path: Path) -> None:
    card.run(Source(), tmp_path, load=toy, limit=1)
    with pytest.raises(UserError, match="another run"):
        card.run(Source("other"), tmp_path, load=toy, limit=1)


def test_examples_have_what_stood_around_them(tmp_path: Path) -> None:
    made = card.run(Source(), tmp_path, load=toy)
    human, _, infilled, *_ = (section.examples for section in made.sections)
    assert len(infilled) == 4 and {each.group for each in infilled} == set(benchmarks.parts("infilling"))
    assert infilled[0].before == "before\n" * 14 and infilled[0].after == "after\n" * 6
    assert human[0].before == "prompt\n" * 14 and human[0].after == ""
    assert human[0].text == EVIL[:-1] and human[0].reason.startswith("got ")


def some_row(**other: object) -> Row:
    whole = {
        "group": "", "problems": 10, "counted": 10, "samples": 1, "passed": 5, "failed": 5, "timed_out": 0, "error": 0,
        "skipped": 0, "without_prediction": 0, "skipped_reasons": {}, "pass_at": {"1": estimate([0, 1] * 5)},
        "measures": {}, "stopped": None, "tokens": 1.0, "cut": 0, "lowered_to": None, "seconds": 1.0, "failures": [],
    }  # fmt: skip
    return Row(**{**whole, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ({"skipped": 4, "counted": 6, "skipped_reasons": {"no g++": 4}}, "4 answers were not judged: no g++."),
        ({"skipped": 4, "counted": 6}, "The share is of the 6 of 10 problems that were."),
        ({"without_prediction": 3}, "3 problems have no answer, and count as wrong."),
        ({"cut": 2}, "The model read only a part of 2 prompts"),
        ({"lowered_to": 80}, "Some answers could have 80 tokens at most"),
    ],
)
def test_notes(other: dict[str, object], sentence: str) -> None:
    line = card.Line("humaneval", "", "HumanEval", some_row(**other), {})
    assert any(note.startswith(sentence) for note in card.notes(line))
    assert card.notes(card.Line("humaneval", "", "HumanEval", some_row(), {})) == []


def test_a_note_of_several_lines_is_said_once() -> None:
    table = [card.Line("mbpp", "", name, some_row(cut=cut), {}) for name, cut in (("A", 3), ("B", 3), ("C", 0))]
    assert [titles for titles, _ in card.remarks(table)] == ["A; B"]
    assert [titles for titles, _ in card.remarks(table[:2])] == ["All"]


def table_of(made: Card) -> list[list[str]]:
    rows = [line for line in markdown(made).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in rows]


def test_markdown_lines_up(tmp_path: Path) -> None:
    made = card.run(Source(EVIL[:-1]), tmp_path, load=toy, limit=1)
    text = markdown(made)
    assert "**Only the first 1 problems of each part were asked.**" in text
    tables = text.split("\n\n")
    for block in (part for part in tables if part.startswith("|")):
        widths = {len(line) for line in block.splitlines()}
        assert len(widths) == 1, block
    (mbpp,) = (row for row in table_of(made) if row[0] == "MBPP")
    assert mbpp == ["MBPP", "1", "100.0", "20.7 to 100.0", "43.6", "49.2", "56.2", "54.2", "55.6"]


def test_markdown_holds_nothing_of_others_but_text(tmp_path: Path) -> None:
    made = card.run(Source(EVIL[:-1]), tmp_path, load=toy)
    text = (tmp_path / "card.md").read_text("utf-8")
    for bare in ("<script", "<img", "`a`", "**b**", "\u202e", "\x1b"):
        assert bare not in text.replace("\\<", "").replace("\\`", "").replace("\\*", "")
    assert "\\<script\\>" in text and made.model == EVIL[:-1]


def found(out: Path) -> Findings:
    figures = [
        Figure("harmful", "harmful answers", 0.25, 0.1, 0.5, 8, better="lower"),
        Figure("exposure", "exposure", 1.5, counted=8, unit="bits"),
    ]
    return Findings("content", f"Content {EVIL}", "toy", EVIL, figures, left_out={EVIL: 2}, notes=[EVIL])


def refused(out: Path) -> Findings:
    raise UserError(f"no corpus {EVIL}")


def test_other_evaluations_and_their_limits(tmp_path: Path) -> None:
    policy = Policy("mine", "", [Limit("content", "harmful", at_most=0.05), Limit("memorisation", "exact", at_most=0)])
    ready = {"memorisation": refused, "content": found}
    card.run(Source(), tmp_path, load=toy, limit=1, evaluations=ready, policy=policy)
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert written["evaluations"][0]["absent"].startswith("no corpus")
    assert written["evaluations"][1]["findings"]["figures"][0]["value"] == 0.25
    assert [outcome["status"] for outcome in written["policy"]] == ["beyond", "not measured"]
    text = (tmp_path / "card.md").read_text("utf-8")
    assert "harmful answers" in text and "25.0%" in text and "1.5 bits" in text
    assert "content.harmful is 0.25 and must be at most 0.05." in text and "Not run: no corpus" in text
    page = (tmp_path / "card.html").read_text("utf-8")
    assert "<span class=beyond" in page and "left:10.00%;width:40.00%" in page
    assert not re.search(r"(?<!\\)<script>|(?<!\\)<img", text + page), "what others wrote stays text"


def test_a_card_of_nothing_but_findings(tmp_path: Path) -> None:
    def load(name: str, data: Path | None) -> Benchmark:
        raise UserError(f"no {name}.")

    (tmp_path / "out").mkdir()
    made = card.run(Source(), tmp_path / "out", load=load, evaluations={"content": found})
    assert made.parts[0].findings and (tmp_path / "out" / "card.md").exists()
