import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.questions.exercise_text import Parts, ask, split_answer


def test_a_prompt_shows_the_code_and_ends_where_the_problem_begins():
    prompt = ask("python", "x = {1}\ny = '{language}'")
    assert "x = {1}\ny = '{language}'" in prompt and prompt.endswith("\n[Problem]\n")


@pytest.mark.parametrize(
    "text",
    [
        "Do it.\n[Solution]\na = 1\n[Tests]\nassert a\n",
        "[Problem]\nDo it.\n\n[Solution]\n```python\na = 1\n```\n[Tests]\n```\nassert a\n```\n",
        "## Problem\nDo it.\n## Solution:\nHere it is:\n```py\na = 1\n```\nThat is all.\n**Test**\nassert a",
    ],
)
def test_the_forms_in_which_models_answer(text: str):
    assert split_answer(text) == Parts("Do it.", "a = 1\n", "assert a\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Do it.",
        "Do it.\n[Solution]\na = 1\n",
        "Do it.\n[Solution]\n\n[Tests]\nassert a\n",
        "[Solution]\na = 1\n[Tests]\nassert a\n",
        "Do it.\n[Solution]\na = 1\n[Tests]\nassert a\n[Solution]\nb = 1\n",
    ],
)
def test_an_answer_with_a_part_missing_or_twice(text: str):
    assert split_answer(text) is None


@given(
    st.text() | st.lists(st.sampled_from(["[Solution]", "[Tests]", "[Problem]", "```", "a", "\n", "\r"])).map("\n".join)
)
def test_any_text_is_read_or_refused(text: str):
    parts = split_answer(text)
    assert parts is None or all(
        (parts.problem, parts.solution.strip() or "```" in text, parts.tests.strip() or "```" in text)
    )
