r"""Answers to MATH (Hendrycks et al. 2021, 2103.03874) as Minerva is asked (Lewkowycz et al. 2022, 2206.14858)."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.data.questions.final_answer import boxed
from codegem.errors import UserError
from codegem.evaluation.json_lines import check_fields, read_bytes
from codegem.evaluation.mathematics.symbolic import Comparison, answers_equal
from codegem.evaluation.task import DataFile

FIELDS = {"problem": str, "level": str, "type": str, "solution": str}
_SAID = re.compile(r"[Ff]inal [Aa]nswer is:?[ \t]*([^\n]+?)\.?\s*(?:I hope it is correct.*)?(?=\n|$)")
_NEXT_SENTENCE = re.compile(r"\.\s+(?=[A-Z])")
_ONE_FORMULA = re.compile(r"[A-Za-z ]*\$([^$]+)\$[A-Za-z ]*")
_FORMULA = re.compile(r"\$([^$\n]+)\$")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True)
class Scored:
    """What became of an answer.

    Attributes:
        metrics: "strict": the answer that is said to be final is what is expected, by algebra; "flexible": the last one
            is. Empty where nothing is known.
        reason: why nothing is known; else "".
    """

    metrics: Mapping[str, float]
    reason: str = ""


def score(texts: Sequence[str], solutions: Sequence[str]) -> list[Scored]:
    """What is right of texts that a model wrote, one for each solution of the data; all at once is much faster.

    Raises:
        UserError: what compares is not installed.
    """
    expected = [boxed(solution) or "" for solution in solutions]
    given = [(strict(text), flexible(text)) for text in texts]
    pairs = [(one, right) for both, right in zip(given, expected, strict=True) for one in both if one is not None]
    known = dict(zip(pairs, answers_equal(pairs), strict=True))
    nothing = Comparison(False)
    found = [
        [known[one, right] if one is not None else nothing for one in both]
        for both, right in zip(given, expected, strict=True)
    ]
    return [_scored(*both) for both in found]


def strict(text: str) -> str | None:
    r"""The answer in the form of the examples, "The final answer is $2$."; None where there is none.

    >>> strict("1 + 1 = 2.\nFinal Answer: The final answer is $2$. I hope it is correct."), strict(r"$\boxed{2}$")
    ('2', None)
    """
    found = _SAID.search(text)
    if found is None:
        return None
    said = _NEXT_SENTENCE.split(found[1], maxsplit=1)[0].strip()
    formula = _ONE_FORMULA.fullmatch(said)
    return formula[1] if formula else said


def flexible(text: str) -> str | None:
    r"""The same, or else the last box, formula or number of a text.

    >>> flexible(r"This gives $\boxed{x^2}$."), flexible("So $x = 3$ is all."), flexible("It is 12."), flexible("No.")
    ('x^2', 'x = 3', '12', None)
    """
    said = strict(text) or boxed(text)
    if said is None:
        last = _FORMULA.findall(text) or _NUMBER.findall(text)
        said = last[-1] if last else None
    return said


def read(folder: Path) -> tuple[list[dict[str, Any]], DataFile]:
    """A part of the data as its authors published it: TYPE/NUMBER.json.

    Raises:
        UserError: there are no such files, or one is damaged, lacks a field, or has no answer.
    """
    checksum, rows = hashlib.sha256(), []
    for file in sorted(folder.glob("*/*.json"), key=lambda file: (file.parent.name, len(file.name), file.name)):
        content = read_bytes(file)
        checksum.update(f"{file.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
        rows.append(_row(file, content))
    if not rows:
        raise UserError(f"{folder} has no files TYPE/NUMBER.json; give --data the folder of MATH, or JSON lines of it.")
    return rows, DataFile(folder.name, checksum.hexdigest(), len(rows))


def wrong(row: Mapping[str, Any]) -> str:
    """What is wrong with a row that has the fields; "" if nothing is."""
    return "" if boxed(row["solution"]) else "the field 'solution' has no \\boxed answer"


def _scored(said: Comparison, last: Comparison) -> Scored:
    if said.equal is None or last.equal is None:
        return Scored({}, said.reason or last.reason)
    return Scored({"strict": float(said.equal), "flexible": float(last.equal)})


def _row(file: Path, content: bytes) -> dict[str, Any]:
    try:
        row = json.loads(content)
    except (ValueError, RecursionError):
        raise UserError(f"{file}: it is not JSON; is the file cut short?") from None
    if not isinstance(row, dict):
        raise UserError(f"{file}: it is no object with a problem and its solution.")
    check_fields(file, 1, row, FIELDS)
    if why := wrong(row):
        raise UserError(f"{file}: {why}.")
    return row
