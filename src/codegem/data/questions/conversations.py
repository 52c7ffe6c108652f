"""What travels through the making of question-and-answer data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pair:
    """A question and its answer.

    Attributes:
        source: the collection it is of, such as "gsm8k".
        name: its place in the collection, such as "train.jsonl:12".
    """

    source: str
    name: str
    question: str
    answer: str


@dataclass(frozen=True)
class Refused:
    """A question that is not learned from, and why; as a row of `rejected.parquet`."""

    source: str
    name: str
    stage: str
    reason: str
    detail: str = ""
    size: int = 0
