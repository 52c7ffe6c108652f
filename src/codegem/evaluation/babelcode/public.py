"""Questions and prompts from the files that BabelCode publishes: solutions in Python with asserts, and corrections.

Every question is converted as BabelCode's own programs do it, and those that they leave out are left out.
"""

import ast
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.babelcode.asserts import LeftOut, annotated, consolidated, read_asserts
from codegem.evaluation.babelcode.names import RESERVED, snake
from codegem.evaluation.babelcode.prompts import STYLES, prompt
from codegem.evaluation.babelcode.schema import Case, Prompt, Question, Type, value
from codegem.evaluation.json_lines import read_rows, wrong
from codegem.evaluation.task import DataFile

_RAW = {"id": str, "testing_code": str, "solution": str, "entry_fn_name": str, "text": str}


def read_public(
    questions: Path, corrections: Path | None = None
) -> tuple[dict[str, Question], list[Prompt], tuple[DataFile, ...]]:
    """Questions by their qid, prompts of every language, and the files.

    Args:
        questions: one of BabelCode's `data/raw_datasets`.
        corrections: of `data/dataset_fixes`: fields that take the place of a question's own.

    Raises:
        UserError: a file that can't be read or is damaged, or in which there is nothing to ask.
    """
    rows, data = read_rows(questions, _RAW, ("id",))
    files, fixes = (data,), {}
    if corrections is not None:
        fixed, more = read_rows(corrections, {"id": str})
        files, fixes = (data, more), {row["id"]: row for row in fixed}  # the last one counts
    found, prompts = {}, []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of backslashes in the solutions
        for row in rows:
            try:
                question, asked = _converted({**row, **fixes.get(row["id"], {})})
            except LeftOut:
                continue
            except (SyntaxError, TypeError, AttributeError, ValueError) as error:
                raise wrong(questions, row, f"question {row['id']} is damaged ({error})") from None
            found[question.qid] = question
            prompts += asked
    if not found:
        raise UserError(f"{questions} holds no question that can be asked in other languages.")
    return found, prompts, files


def _converted(row: Mapping[str, Any]) -> tuple[Question, list[Prompt]]:
    names, annotations, result = _parameters(row["solution"], row["entry_fn_name"])
    tests = read_asserts(row["testing_code"])
    if not tests or any(len(inputs) != len(names) for inputs, _ in tests):
        raise LeftOut("tests do not fit the function")
    kinds = [
        consolidated([inputs[at][1] for inputs, _ in tests], annotation) for at, annotation in enumerate(annotations)
    ]
    returns = consolidated([kind for _, (_, kind) in tests], result)
    if any("tuple" in str(kind) for kind in (*kinds, returns)):
        raise LeftOut("a tuple of different types")
    if any(each.kind == "set" and each.parts[0].parts for kind in (*kinds, returns) for each in kind.walk()):
        raise LeftOut("a set of lists")
    cases = tuple(
        Case(
            idx,
            tuple(_input(kind, data) for kind, (data, _) in zip(kinds, inputs, strict=True)),
            _json(returns, output),
        )
        for idx, (inputs, (output, _)) in enumerate(tests)
    )
    function = snake(row["entry_fn_name"])
    solution = row["solution"].replace(row["entry_fn_name"], function)
    typed = any(each is not None for each in annotations)
    params = list(zip(names, kinds, strict=True))
    asked = [prompt(language, row["id"], row["text"], function, params, returns, typed) for language in STYLES]
    return Question(row["id"], tuple(kinds), returns, cases, solution, function), asked


def _parameters(solution: str, function: str) -> tuple[list[str], list[Type | None], Type | None]:
    """Names and annotations of the parameters, and the annotation of the result."""
    found = [node for node in ast.parse(solution).body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not found or found[0].args.defaults or not found[0].args.args:
        raise LeftOut("the solution has no such function, or one with defaults or without parameters")
    taken = found[0].args
    if taken.posonlyargs or taken.vararg or taken.kwonlyargs:
        raise LeftOut("the function takes more than plain parameters")
    names = [each.arg.lower() for each in taken.args]
    told = [name if names.count(name) == 1 else f"{name}{names[:at].count(name)}" for at, name in enumerate(names)]
    safe = [f"{name}_arg{at}" if name in RESERVED else name for at, name in enumerate(told)]
    return safe, [annotated(each.annotation) for each in taken.args], annotated(found[0].returns)


def _input(kind: Type, data: Any) -> Any:
    found = _json(kind, data)
    if _has_none(found):
        raise LeftOut("a number that is null")
    return found


def _has_none(data: Any) -> bool:
    inner = list(data.values()) if isinstance(data, dict) else data if isinstance(data, list) else []
    return data is None or any(map(_has_none, inner))


def _json(kind: Type, data: Any) -> Any:
    """A value as the type's, by way of JSON, in which keys are texts."""
    try:
        return value(kind, json.loads(json.dumps(data)))
    except ValueError as error:
        raise LeftOut(str(error)) from None
