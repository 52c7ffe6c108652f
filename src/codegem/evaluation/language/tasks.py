"""The tasks as one table: how often a model is shown how it is done, how it is asked, and what counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PUBLISHED_SOURCE = "CodeGemma Team 2024, arXiv 2406.11409; the order of rows inferred, the harness not public"


@dataclass(frozen=True)
class LanguageTask:
    """A task.

    Attributes:
        shots: solved examples before the question.
        asked: how, in words for a report.
        metrics: of lm-eval's or of `mathematics`, the one that is usually quoted first.
        definition: lm-eval's own, below its folder of tasks; what is not in this table is as it says.
        generated: whether the model writes an answer; else the likelihood of given ones is compared.
        published: percent, of the first metric.
        told: what a reader must know of the data, whatever the run.
    """

    name: str
    title: str
    shots: int
    asked: str
    metrics: tuple[str, ...]
    definition: str
    generated: bool = False
    published: Mapping[str, float] = field(default_factory=dict)
    told: str = ""


_GSM8K = {"CodeGemma 7B": 44.2, "CodeGemma 7B-IT": 41.2, "CodeGemma 7B-IT 1.1": 47.3}
_MATH = {"CodeGemma 7B": 19.9, "CodeGemma 7B-IT": 20.9, "CodeGemma 7B-IT 1.1": 22.3}

TABLE = (
    LanguageTask(
        "boolq",
        "BoolQ",
        0,
        'passage, "Question: …?", "Answer:"; " no" or " yes"',
        ("acc",),
        "super_glue/boolq/default.yaml",
    ),
    LanguageTask(
        "piqa", "PIQA", 0, '"Question: …", "Answer:"; one of two solutions', ("acc", "acc_norm"), "piqa/piqa.yaml"
    ),
    LanguageTask(
        "triviaqa",
        "TriviaQA",
        5,
        '"Question: …?", "Answer:"; written up to a line break, a full stop or a comma',
        ("exact",),
        "triviaqa/default.yaml",
        generated=True,
        told="a subset of 1,000 of TriviaQA's 11,313 test questions; examples from another subset, of which the "
        "questions of this one were left out",
    ),
    LanguageTask(
        "arc-challenge",
        "ARC-Challenge",
        25,
        '"Question: …", "Answer:"; one of three to five answers',
        ("acc_norm", "acc"),
        "arc/arc_challenge.yaml",
        told="where the original of a question was not to be had, its choices are those of llm-foundry, always four "
        "(22 of 1,172)",
    ),
    LanguageTask(
        "hellaswag",
        "HellaSwag",
        0,
        'activity, ": ", context; one of four endings',
        ("acc_norm", "acc"),
        "hellaswag/hellaswag.yaml",
        told="brackets were taken out by the source of the data, by rules that differ a little from lm-eval's, and "
        "the second sentence of a context is not capitalised",
    ),
    LanguageTask(
        "mmlu",
        "MMLU",
        5,
        'a line about the subject, question, lettered choices, "Answer:"; " A" to " D"',
        ("acc",),
        "mmlu/default/_default_template_yaml",
        told="the mean over all questions (micro average) of 57 subjects",
    ),
    LanguageTask(
        "winogrande",
        "WinoGrande",
        0,
        "the sentence with each option in its blank; the text behind the blank is scored",
        ("acc",),
        "winogrande/default.yaml",
    ),
    LanguageTask(
        "gsm8k",
        "GSM8K",
        8,
        '"Q: …", "A:", with a chain of thought in eight fixed examples (arXiv 2201.11903)',
        ("strict", "flexible"),
        "gsm8k/gsm8k-cot.yaml",
        generated=True,
        published=_GSM8K,
    ),
    LanguageTask(
        "math",
        "MATH",
        4,
        '"Problem:", "Solution:", with the four examples of Minerva (arXiv 2206.14858)',
        ("strict", "flexible"),
        "minerva_math/minerva_math_algebra.yaml",
        generated=True,
        published=_MATH,
        told="the data is not published any more: only what --data holds is asked",
    ),
)
TASKS = {task.name: task for task in TABLE}
