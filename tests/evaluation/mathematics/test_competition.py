"""Answers to MATH: where they stand in a text, and how they are scored."""

import json
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.mathematics import competition
from codegem.evaluation.mathematics.competition import Scored, flexible, read, score, strict
from codegem.evaluation.mathematics.symbolic import Comparison

ROW = {"problem": "What is 1 + 1?", "level": "Level 1", "type": "Algebra", "solution": "It is $\\boxed{2}$."}


@pytest.mark.parametrize(
    ("text", "said", "last"),
    [
        ("So 2.\nFinal Answer: The final answer is $2$. I hope it is correct.", "2", "2"),
        ("Final Answer: The final answer is $2$. I hope it is correct.\n\nProblem:\nThe final answer is 3", "2", "2"),
        ("The final answer is 2.50", "2.50", "2.50"),
        ("The final answer is: $x = 3$ and $y = 4$.", "$x = 3$ and $y = 4$", "$x = 3$ and $y = 4$"),
        ("the final answer is $5$ apples. There are no more.", "5", "5"),
        ("The final answer is $\\frac{1}{2}.$", "\\frac{1}{2}.", "\\frac{1}{2}."),
        ("\\boxed{3}. The final answer is $4$", "4", "4"),
        ("thus \\boxed{x^{2}} and so on", None, "x^{2}"),
        ("thus $\\boxed{1}$, no, $\\boxed{\\frac{2}{3}}$", None, "\\frac{2}{3}"),
        ("thus $\\boxed 7$ it is", None, "7"),
        ("thus \\fbox{7}", None, "7"),
        ("thus $y = 3$ and so $x = 7$.", None, "x = 7"),
        ("thus \\boxed{7", None, "7"),
        ("10 of 1,250.5", None, "1,250.5"),
        ("it is even", None, None),
        ("", None, None),
    ],
)
def test_where_it_stands(text: str, said: str | None, last: str | None) -> None:
    assert (strict(text), flexible(text)) == (said, last)


def test_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    unknown = Comparison(None, "the sandbox failed")

    def compare(pairs: list[tuple[str, str]]) -> list[Comparison]:
        asked.extend(pairs)
        return [unknown if given == "4" else Comparison(given == expected) for given, expected in pairs]

    monkeypatch.setattr(competition, "answers_equal", compare)
    texts = ["\\boxed{2}", "The final answer is $3$.", "\\boxed{4}", "I don't know", "The final answer is 2."]
    found = score(texts, [f"so \\boxed{{{gold}}}" for gold in ("2", "3", "5", "6", "7")])
    assert found == [
        Scored({"strict": 0.0, "flexible": 1.0}),
        Scored({"strict": 1.0, "flexible": 1.0}),
        Scored({}, "the sandbox failed"),
        Scored({"strict": 0.0, "flexible": 0.0}),
        Scored({"strict": 0.0, "flexible": 0.0}),
    ]
    assert asked == [("2", "2"), ("3", "3"), ("3", "3"), ("4", "5"), ("2", "7"), ("2", "7")]


def test_the_published_layout(tmp_path: Path) -> None:
    for name in ("algebra/10.json", "algebra/9.json", "geometry/1.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps({**ROW, "problem": name}))
    rows, data = read(tmp_path)
    assert [row["problem"] for row in rows] == ["algebra/9.json", "algebra/10.json", "geometry/1.json"]
    assert data.records == 3 and read(tmp_path)[1] == data
    (tmp_path / "geometry/1.json").write_text(json.dumps(ROW))
    assert read(tmp_path)[1].sha256 != data.sha256


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps(ROW)[:40], "is not JSON; is the file cut short"),
        (json.dumps([ROW]), "is no object"),
        (json.dumps({**ROW, "solution": 5}), "'solution' is 5, not a text"),
        (json.dumps({**ROW, "solution": "it is 2"}), "has no .boxed answer"),
        (json.dumps({"problem": "What?"}), "'level' is missing"),
    ],
)
def test_a_damaged_file(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "algebra").mkdir()
    (tmp_path / "algebra/1.json").write_text(json.dumps(ROW))
    (tmp_path / "algebra/2.json").write_text(content)
    with pytest.raises(UserError, match=rf"2\.json.*{said}"):
        read(tmp_path)
    with pytest.raises(UserError, match=r"no files TYPE/NUMBER\.json"):
        read(tmp_path / "algebra")
