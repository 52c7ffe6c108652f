"""What others published, to stand beside a model's own row. Nothing here was measured by this project.

Shares are in percent, of one greedy answer to each problem. Each of them is a whole number of problems: of 164 in
HumanEval, 500 in MBPP, 161 in BC-HumanEval and 342 in BC-MBPP.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE = (
    "CodeGemma Team 2024, arXiv 2406.11409, and Google's model card of CodeGemma; one greedy answer to each problem, "
    "by a harness that is not public"
)
SECONDS_SOURCE = (
    "arXiv 2406.11409: HumanEval infilling on one NVIDIA L4 with Hugging Face Transformers, bfloat16, batches of 1, "
    "up to 128 tokens"
)
MODELS = ("CodeGemma 2B", "CodeGemma 2B 1.1", "CodeGemma 7B", "CodeGemma 7B-IT", "CodeGemma 7B-IT 1.1")


@dataclass(frozen=True)
class Infilled:
    """A row of the table of infilling: seconds for all problems of a split, and percent of them right."""

    single_seconds: int
    multi_seconds: int
    single: float
    multi: float


INFILLING: Mapping[str, Infilled] = {
    "CodeGemma 2B": Infilled(543, 8479, 78.41, 51.44),
    "CodeGemma 2B 1.1": Infilled(771, 9372, 79.28, 50.99),
    "CodeGemma 7B": Infilled(1505, 22896, 76.09, 58.44),
    "CodeGemma 7B-IT 1.1": Infilled(7579, 46888, 77.44, 23.66),
    "DeepSeek-Coder 1.3B": Infilled(990, 13138, 79.96, 50.95),
    "StarCoder2 3B": Infilled(3665, 20629, 77.44, 47.65),
    "DeepSeek-Coder 6.7B": Infilled(1559, 22387, 85.87, 63.20),
}

# By (benchmark, group), in the order of MODELS.
_PASSED: Mapping[tuple[str, str], tuple[float, ...]] = {
    ("humaneval", ""): (31.1, 37.8, 44.5, 56.1, 60.4),
    ("mbpp", ""): (43.6, 49.2, 56.2, 54.2, 55.6),
    ("bc-humaneval", "cpp"): (24.2, 19.9, 32.9, 42.2, 46.6),
    ("bc-humaneval", "csharp"): (10.6, 26.1, 22.4, 26.7, 54.7),
    ("bc-humaneval", "go"): (20.5, 18.0, 21.7, 28.6, 34.2),
    ("bc-humaneval", "java"): (29.2, 29.8, 41.0, 48.4, 50.3),
    ("bc-humaneval", "javascript"): (21.7, 28.0, 39.8, 46.0, 48.4),
    ("bc-humaneval", "kotlin"): (28.0, 32.3, 39.8, 51.6, 47.8),
    ("bc-humaneval", "python"): (21.7, 36.6, 42.2, 48.4, 54.0),
    ("bc-humaneval", "rust"): (26.7, 24.2, 34.1, 36.0, 37.3),
    ("bc-mbpp", "cpp"): (47.1, 38.9, 53.8, 56.7, 63.5),
    ("bc-mbpp", "csharp"): (28.7, 45.3, 32.5, 41.2, 62.0),
    ("bc-mbpp", "go"): (45.6, 38.9, 43.3, 46.2, 53.2),
    ("bc-mbpp", "java"): (41.8, 49.7, 50.3, 57.3, 62.9),
    ("bc-mbpp", "javascript"): (45.3, 45.0, 58.2, 61.4, 61.4),
    ("bc-mbpp", "kotlin"): (46.8, 49.7, 54.7, 59.9, 62.6),
    ("bc-mbpp", "python"): (38.6, 52.9, 59.1, 62.0, 60.2),
    ("bc-mbpp", "rust"): (45.3, 47.4, 52.9, 53.5, 52.3),
}


def published(benchmark: str, group: str = "") -> dict[str, float]:
    """Percent of the problems that each of `MODELS` was published to solve; without those of which nothing was.

    >>> published("humaneval")["CodeGemma 2B"], published("infilling", "single-line")["CodeGemma 2B"]
    (31.1, 78.41)
    >>> published("infilling", "random-span")
    {}
    """
    if benchmark == "infilling":
        rows = {model: row for model, row in INFILLING.items() if model in MODELS}
        if group == "single-line":
            return {model: row.single for model, row in rows.items()}
        return {model: row.multi for model, row in rows.items()} if group == "multi-line" else {}
    return dict(zip(MODELS, _PASSED.get((benchmark, group), ()), strict=False))
