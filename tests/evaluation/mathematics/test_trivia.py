"""Spellings of short answers."""

import gzip
import json
from pathlib import Path

import pytest

from codegem.evaluation.mathematics.trivia import score

ALIASES = ["The Beatles", "Beatles", "Fab Four", "Paul, John, George & Ringo", "ＴＨＥ"]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (" The Beatles", 1),
        ("beatles\nQuestion: who else?", 1),
        ("the  BEATLES!", 1),
        ("Fab-Four. They were four", 1),
        ("fab_four, of course", 1),
        ("\n The Beatles", 1),
        ("Beatle", 0),
        ("The Beatles band", 0),
        ("Rolling Stones", 0),
        ("", 0),
        ("...", 0),
        ("the", 0),
    ],
)
def test_spellings(text: str, right: int) -> None:
    assert score(text, ALIASES) == {"exact": right}


def test_every_answer_of_the_data(shared_data: Path) -> None:
    """Each spelling is right that has none of the marks that end an answer; another question's is wrong."""
    with gzip.open(shared_data / "triviaqa" / "triviaqa_sub1000_flashrag.jsonl.gz") as file:
        known = [json.loads(line)["golden_answers"] for line in file][::4]
    spellings = [(place, text) for place, row in enumerate(known) for text in row if text.strip(" .,\n")]
    wrong = [
        text for place, text in spellings if not set(text) & set(".,\n") and not score(text, known[place])["exact"]
    ]
    assert len(spellings) > 2_000 and len(wrong) < 5  # of marks alone, and "The The"
    confused = sum(score(row[0], other)["exact"] for row, other in zip(known, [*known[1:], known[0]], strict=True))
    assert confused == 0
