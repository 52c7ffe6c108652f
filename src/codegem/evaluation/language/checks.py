"""What must be right of a row besides its fields: each check gives what is wrong, in words, or ""."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from codegem.evaluation.mathematics import gsm8k

Row = Mapping[str, Any]
Check = Callable[[Row], str]
PASSAGE = re.compile(r"Passage: (.*)\nQuestion: (.*)\?", re.DOTALL)


def nothing(row: Row) -> str:
    """Its fields are enough."""
    return ""


def chosen(field: str) -> Check:
    """A check of rows of which a field is the place of the right one of their choices.

    >>> chosen("gold")({"choices": ["yes", "no"], "gold": 2})
    "the field 'gold' is 2, and no place of a choice"
    """

    def check(row: Row) -> str:
        if not _texts(row["choices"]) or len(row["choices"]) < 2:
            return "the field 'choices' is not a list of two texts or more"
        right = 0 <= row[field] < len(row["choices"])
        return "" if right else f"the field {field!r} is {row[field]}, and no place of a choice"

    return check


def passage(row: Row) -> str:
    """BoolQ, as llm-foundry has it."""
    if not PASSAGE.fullmatch(row["query"]):
        return "its query is no passage with a question"
    return "" if row["gold"] in (0, 1) else f"the field 'gold' is {row['gold']}, not 0 or 1"


def labelled(row: Row) -> str:
    """ARC, as its authors have it."""
    choices = row["question"].get("choices")
    if not isinstance(row["question"].get("stem"), str) or not isinstance(choices, list):
        return "the field 'question' has no stem and choices"
    if not all(isinstance(one, dict) and _texts([one.get("label"), one.get("text")]) for one in choices):
        return "a choice has no label and text"
    known = row["answerKey"] in [choice["label"] for choice in choices]
    return "" if known else f"the field 'answerKey' is {row['answerKey']!r}, and no label of a choice"


def four(row: Row) -> str:
    """MMLU."""
    right = row["answer"] in list("ABCD") and _texts(row["choices"]) and len(row["choices"]) == 4
    return "" if right else "it must have four choices, and one of A to D as its answer"


def blank(row: Row) -> str:
    """WinoGrande."""
    right = "_" in row["sentence"] and row["answer"] in ("1", "2")
    return "" if right else "it must have a sentence with a blank, _, and the answer 1 or 2"


def spellings(field: str) -> Check:
    """A check of rows of which a field has the spellings of an answer."""
    return lambda row: "" if _texts(row[field]) else f"the field {field!r} is not a list of texts"


def calculated(row: Row) -> str:
    """GSM8K."""
    return "" if gsm8k.result(row["answer"]) is not None else "the field 'answer' does not end with #### and a number"


def _texts(value: object) -> bool:
    """Whether it is a list of texts, and not empty."""
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)
