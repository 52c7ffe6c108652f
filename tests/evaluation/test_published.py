"""Published figures: copied right, and possible at all."""

import pytest

from codegem.evaluation.benchmarks import NAMES, parts
from codegem.evaluation.published import INFILLING, MODELS, published

PROBLEMS = {"humaneval": 164, "mbpp": 500, "bc-humaneval": 161, "bc-mbpp": 342}
SPLITS = {"single-line": 1033, "multi-line": 5815}


@pytest.mark.parametrize("benchmark", PROBLEMS)
def test_every_share_is_a_whole_number_of_problems(benchmark: str) -> None:
    total = PROBLEMS[benchmark]
    for group in parts(benchmark) or ("",):
        told = published(benchmark, group)
        assert tuple(told) == MODELS, group
        for model, percent in told.items():
            # Some were cut to a decimal and others rounded: 55 of 161 were published as 34.1.
            assert abs(round(percent / 100 * total) * 100 / total - percent) < 0.1, (group, model)


@pytest.mark.parametrize("split", SPLITS)
def test_every_share_of_infillings_is_a_whole_number_of_problems(split: str) -> None:
    for model, row in INFILLING.items():
        percent = row.single if split == "single-line" else row.multi
        assert abs(round(percent / 100 * SPLITS[split]) * 100 / SPLITS[split] - percent) < 0.0101, model


def test_infilling_beside_the_others() -> None:
    assert published("infilling", "multi-line")["CodeGemma 7B-IT 1.1"] == 23.66
    assert "CodeGemma 7B-IT" not in published("infilling", "single-line")
    assert "StarCoder2 3B" not in published("infilling", "single-line")
    assert published("infilling", "random-span") == published("repository") == {}


def test_every_benchmark_has_its_parts() -> None:
    assert {name for name in NAMES if any(published(name, group) for group in parts(name) or ("",))} == set(NAMES)
