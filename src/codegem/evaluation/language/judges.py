"""What becomes of answers that a model wrote: `mathematics` says what is right."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from codegem.evaluation.language.rows import Row


@dataclass(frozen=True)
class Judged:
    """What became of the answers to a task.

    Attributes:
        metrics: of each answer, by name; empty where nothing could be said of it.
        reasons: why not, one for each such answer.
    """

    metrics: Sequence[dict[str, float]]
    reasons: Sequence[str] = field(default=())


def judge(task: str, texts: Sequence[str], asked: Sequence[Row]) -> Judged:
    """Judge all answers to a task at once.

    Args:
        task: one of `tasks.TASKS` whose answers are written.
        asked: the row of each text.
    """
    if task == "math":
        from codegem.evaluation.mathematics import competition

        scored = competition.score(texts, [row["solution"] for row in asked])
        return Judged([dict(one.metrics) for one in scored], [one.reason for one in scored if not one.metrics])
    if task == "gsm8k":
        from codegem.evaluation.mathematics import gsm8k

        return Judged([dict(gsm8k.score(text, row["answer"])) for text, row in zip(texts, asked, strict=True)])
    from codegem.evaluation.mathematics import trivia

    return Judged([dict(trivia.score(text, row["answer"]["aliases"])) for text, row in zip(texts, asked, strict=True)])
