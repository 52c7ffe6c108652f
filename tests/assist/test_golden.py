"""What a model wrote in a file, and what is shown of it.

In the files of tests/golden/assist, the model's text stands between ├ and ┤, and what comes behind ┊ in it is not
shown; "shown" says what is, where the rules change more than the length. "rule" names a rule that does it, and
"complaint" says who asked for it.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codegem.assist import rules
from codegem.assist.completion import draft_for
from codegem.assist.place import Place
from codegem.generate import Infill

FOLDER = Path(__file__).parents[1] / "golden" / "assist"
PATHS = {
    "c": "a.c",
    "cpp": "a.cpp",
    "csharp": "A.cs",
    "go": "a.go",
    "java": "A.java",
    "javascript": "a.jsx",
    "kotlin": "A.kt",
    "python": "a.py",
    "rust": "a.rs",
    "typescript": "a.ts",
}


def cases() -> Iterator[Any]:
    for language, path in PATHS.items():
        for name, case in tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")).items():
            yield pytest.param(path, case, id=f"{language}: {name}")


def parts(case: dict[str, Any]) -> tuple[str, str, str, str]:
    """What stands before, the model's text, what stands behind, and what is shown."""
    text = case["text"].replace("\n", "\r\n") if case.get("crlf") else case["text"]
    prefix, rest = text.split("├")
    middle, suffix = rest.split("┤")
    return prefix, middle.replace("┊", ""), suffix, case.get("shown", middle.split("┊")[0])


def shown(path: str, case: dict[str, Any]) -> str:
    prefix, middle, suffix, _ = parts(case)
    draft = draft_for(Infill(prefix, suffix, path))
    joined = "".join(draft.push(character) for character in middle) + draft.finish()
    assert joined == draft.text
    return joined


@pytest.mark.parametrize(("path", "case"), list(cases()))
def test_golden(path: str, case: dict[str, Any]):
    assert shown(path, case) == parts(case)[3]


@pytest.mark.parametrize(("path", "case"), list(cases()))
def test_the_rule_does_it(path: str, case: dict[str, Any]):
    prefix, text, suffix, _ = parts(case)
    place = Place.of(Infill(prefix, suffix, path))
    changed = []
    for rule in (*rules.ALWAYS, *rules.RESPELLINGS, *rules.RULES):
        made = rule(text, place)
        after = made if isinstance(made, str) else text[: made.keep]
        changed += [rule.__name__] if after != text else []
        text = after
    assert case["rule"] in changed if "rule" in case else set(changed) <= {"line_ends"}


def test_every_rule_has_a_case():
    named = {case.values[1].get("rule") for case in cases()}
    assert {rule.__name__ for rule in (*rules.ALWAYS, *rules.RESPELLINGS, *rules.RULES)} - named == {
        "line_ends",
        "whole_lines",
    }
