"""What is read of solutions of word problems, and what of it is right."""

import gzip
import json
from fractions import Fraction
from pathlib import Path

import pytest

from codegem.evaluation.mathematics.gsm8k import flexible, result, score, strict

GOLD = "6 * 3 = <<6*3=18>>18\n#### 18"


@pytest.mark.parametrize(
    ("text", "both"),
    [
        ("6 * 3 = 18\n#### 18", (1, 1)),
        ("So it is 18. The answer is 18.", (1, 1)),
        ("The answer is $18.00.", (1, 1)),
        ("The answer is: 18 apples, not 20", (1, 0)),
        ("the final answer is **18**", (1, 1)),
        ("The answer is \\$18", (1, 1)),
        ("He has 18", (0, 1)),
        ("= 18.", (0, 1)),
        ("10-28=-18", (0, 0)),
        ("The answer is 81.", (0, 0)),
        ("The answer is 180.", (0, 0)),
        ("The answer is 1.8.", (0, 0)),
        ("The answer is -18.", (0, 0)),
        ("The answer is 1,8,0", (0, 0)),
        ("#### 17\n18", (0, 1)),
        ("", (0, 0)),
        ("The answer is eighteen.", (0, 0)),
        ("9" * 6000, (0, 0)),
        ("#### " + "1,8" * 3000, (0, 0)),
    ],
)
def test_answers(text: str, both: tuple[int, int]) -> None:
    assert tuple(score(text, GOLD).values()) == both


def test_numbers() -> None:
    assert strict("#### 1,450,000") == Fraction(1_450_000) == flexible("about 1,450,000 in all")
    assert flexible("from 3 to .5") == Fraction(1, 2) and flexible("7-2") == 2 and flexible("(-3)") == -3
    assert result("no marks") is None and score("5", "no marks") == {"strict": 0.0, "flexible": 0.0}


def test_every_answer_of_the_data(shared_data: Path) -> None:
    """Its own text is right, and with one digit changed it is wrong."""
    with gzip.open(shared_data / "gsm8k" / "test.jsonl.gz") as file:
        answers = [json.loads(line)["answer"] for line in file]
    assert len(answers) == 1319
    for answer in answers:
        said = answer.rpartition("####")[2].strip()
        changed = f"{answer[:-1]}{(int(answer[-1]) + 1) % 10}"
        assert set(score(answer, answer).values()) == {1.0}
        assert set(score(f"The answer is ${said}.", answer).values()) == {1.0}
        assert set(score(changed, answer).values()) == {0.0}
