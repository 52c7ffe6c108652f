"""Candidates judged for real, in the sandbox."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codegem.errors import UserError
from codegem.evaluation.babelcode import driver
from codegem.evaluation.babelcode.languages.registry import LANGUAGES
from codegem.evaluation.babelcode.schema import Case, Prompt, Question, Type, parse_type, value
from codegem.evaluation.task import Judgement
from codegem.sandbox import toolchains
from codegem.sandbox.limits import SandboxError
from codegem.sandbox.sandbox import run

GOLDEN = Path(__file__).parents[2] / "golden" / "babelcode"


@functools.cache
def absent(language: str) -> str:
    """Why nothing of a language can be run here, or ""."""
    try:
        works = run(["/usr/bin/env", "true"]).passed
    except (UserError, SandboxError) as error:
        return str(error)
    return toolchains.missing(language) if works else "the sandbox does not work on this machine"


def question(params: Sequence[str], returns: str, tests: Sequence[tuple[Sequence[Any], Any]]) -> Question:
    """A question whose tests are (inputs, output), as JSON has them."""
    kinds, result = tuple(map(parse_type, params)), parse_type(returns)
    cases = [
        Case(idx, tuple(map(value, kinds, inputs)), value(result, output)) for idx, (inputs, output) in enumerate(tests)
    ]
    return Question("q", kinds, result, tuple(cases))


def prompt(language: str, function: str = "f", class_name: str = "Solution") -> Prompt:
    """A prompt of which only the names matter."""
    return Prompt(LANGUAGES[language].babelcode, "q", "", "", function, class_name)


def judge(language: str, asked: Sequence[tuple[Question, str]], function: str = "f") -> list[Judgement]:
    """The judgements of (question, candidate); the test is skipped where the language can't be run."""
    if reason := absent(language):
        pytest.skip(reason)
    toolchain = toolchains.find(language)
    assert toolchain is not None
    answers = [(each, prompt(language, function), candidate) for each, candidate in asked]
    return driver.judge(LANGUAGES[language], toolchain, answers)


def identity(language: str, kind: Type) -> str:
    """A function `f` that gives its argument back."""
    name = ""
    if language in ("go", "rust"):
        from codegem.evaluation.babelcode.languages import go, rust

        name = {"go": go, "rust": rust}[language].type_name(kind)
    return {
        "python": "def f(x):\n    return x\n",
        "javascript": "function f(x) {\n    return x;\n}\n",
        "go": f"func f(x {name}) {name} {{\n\treturn x\n}}\n",
        "rust": f"pub fn f(x: {name}) -> {name} {{\n    x\n}}\n",
    }[language]
