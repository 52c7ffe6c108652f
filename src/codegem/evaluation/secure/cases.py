"""Cases of secure code: what a model is asked, how an answer is tried, and planted answers that prove the judge.

A case is a table `[[case]]` of a TOML file (`docs/SECURE_CODE.md` has one to copy). Its hole ends where the block with
the hole ends, so an answer to the prefix alone and one that also sees the suffix make the same program.
"""

import hashlib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.task import DataFile

LANGUAGES = ("python", "javascript", "c")
OWN = Path(__file__).with_name("cases")
_HEAD = re.compile(rb"^\[\[case\]\]", re.MULTILINE)
_FIRST_COLUMN = re.compile(r"#|[A-Za-z_]\w*:\s*$")  # where directives and labels of C stand
_LISTS = ("rules", "stop", "safe", "vulnerable", "broken")


@dataclass(frozen=True)
class Case:
    """A place in a program where a weakness is likely.

    Attributes:
        id: unlike every other of its language.
        cwe: the number of the weakness that is likely there (https://cwe.mitre.org).
        prefix, suffix: of the program, around the hole.
        works: a test that an answer does what is asked.
        safe, vulnerable, broken: planted answers: of the last, none does what is asked, and none does harm.
        rules: findings that mean this weakness, as TOOL:RULE, besides those that name its CWE.
        stop: an answer ends before the first of these.
        before: what stands before the program when it runs: stand-ins for libraries that the sandbox lacks.
        fixture: what stands behind it: functions for the tests.
        expected: what `works` observes, a list in JSON, where it is not Python.
        attack: a test that finds out whether harm can be done; "" where only analysers can tell.
        hangs: whether running out of time under attack is harm.
    """

    id: str
    language: str
    cwe: int
    title: str
    prefix: str
    suffix: str
    works: str
    safe: tuple[str, ...]
    vulnerable: tuple[str, ...]
    broken: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    before: str = ""
    fixture: str = ""
    expected: str = ""
    attack: str = ""
    hangs: bool = False

    @property
    def name(self) -> str:
        """Its name among the cases of all languages."""
        return f"{self.language}/{self.id}"

    def program(self, answer: str) -> str:
        """The file with an answer in it."""
        return f"{self.prefix}{answer}{self.suffix}"

    def lines(self, answer: str) -> range:
        """The lines of the program, from 1, that have something of an answer.

        >>> _case(prefix="def f():\\n", suffix="\\n").lines("    a()\\n    b()\\n")
        range(2, 4)
        """
        first = self.prefix.count("\n") + 1
        return range(first, first + len(answer.rstrip("\n").split("\n")))


def cut(case: Case, text: str) -> str:
    r"""What a model wrote into the hole: up to a stop string, and to the end of the block with the hole.

    >>> cut(_case(prefix="def f():\n", safe=("    return 0\n",)), "    return 1\n\n\nprint(f())\n")
    '    return 1\n'
    """
    ends = [place for word in case.stop if (place := text.find(word)) >= 0]
    text = text[: min(ends, default=len(text))]
    least, lines = _least_indentation(case), text.splitlines(keepends=True)
    inner = 0 if case.prefix.endswith("\n") else 1  # the rest of a line of the prefix
    end = next((number for number, line in enumerate(lines) if number >= inner and _leaves(case, line, least)), None)
    kept = lines[:end]
    while end is not None and kept and not kept[-1].strip():
        kept.pop()  # blank lines before what was cut off
    return "".join(kept)


def read_cases(place: Path | None = None, languages: Sequence[str] = ()) -> tuple[list[Case], list[DataFile]]:
    """The cases of a TOML file, or of all TOML files below a folder.

    Args:
        place: by default those that codegem brings along.
        languages: those of which; all by default.

    Raises:
        UserError: a file can't be read, is cut short, has a wrong field or the name of another case, or no case is
            there.
    """
    root = place or OWN
    files = [root] if root.is_file() else sorted(root.rglob("*.toml"))
    cases: list[Case] = []
    data: list[DataFile] = []
    seen: dict[str, str] = {}
    for file in files:
        packed = read_bytes(file)
        found = _read(file, packed)
        for where, case in found:
            if case.name in seen:
                raise UserError(f"{where}: {case.name} is already in {seen[case.name]}.")
            seen[case.name] = where
        chosen = [case for _, case in found if not languages or case.language in languages]
        cases += chosen
        if chosen:
            name = file.relative_to(root).as_posix() if file != root else file.name
            data.append(DataFile(name, hashlib.sha256(packed).hexdigest(), len(found)))
    if not cases:
        of = f" in {' or '.join(languages)}" if languages else ""
        raise UserError(f"{root} has no case{of}; give a TOML file of cases, or a folder of them.")
    return cases, data


def _read(file: Path, packed: bytes) -> list[tuple[str, Case]]:
    """(file and line, case) of each case of a file."""
    try:
        tables = tomllib.loads(packed.decode())
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{file} is no TOML: {error}; is the file cut short?") from None
    rows = tables.get("case")
    if not isinstance(rows, list) or tables.keys() != {"case"}:
        raise UserError(f"{file}, line 1: it must hold tables [[case]] and nothing else.")
    lines = [packed.count(b"\n", 0, found.start()) + 1 for found in _HEAD.finditer(packed)]
    heads = [f"{file}, line {lines[index] if index < len(lines) else 1}" for index in range(len(rows))]
    return [(where, _to_case(where, row)) for where, row in zip(heads, rows, strict=True)]


def _to_case(where: str, row: Any) -> Case:
    known = {field.name: field for field in fields(Case)}
    if unknown := [key for key in row if key not in known]:
        raise UserError(f"{where}: there is no field {unknown[0]!r}; a case has {', '.join(known)}.")
    for name, field in known.items():
        if name not in row and field.default is MISSING:
            raise UserError(f"{where}: the field {name!r} is missing; is the file cut short?")
    for name, value in row.items():
        if problem := _wrong(name, value):
            raise UserError(f"{where}: the field {name!r} {problem}.")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Case(**values)


def _wrong(name: str, value: Any) -> str:
    """What is wrong with a field, as the end of a sentence; "" if nothing is."""
    if name in _LISTS:
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            return "is not a list of texts"
        return "is empty" if name in ("safe", "vulnerable") and not value else ""
    if name == "hangs":
        return "" if isinstance(value, bool) else "is not true or false"
    if name == "cwe":
        return "" if type(value) is int and value > 0 else "is not the number of a CWE"
    if not isinstance(value, str):
        return "is not a text"
    if name == "language" and value not in LANGUAGES:
        return f"is {value!r}, not one of {', '.join(LANGUAGES)}"
    if name == "id" and not re.fullmatch(r"[a-z0-9-]+", value):
        return f"is {value!r}, not small letters, digits and hyphens"
    return ""


def _least_indentation(case: Case) -> int:
    """How far the lines of an answer are indented at least: as far as those of the safe ones."""
    inner = 0 if case.prefix.endswith("\n") else 1
    lines = [line for answer in case.safe for line in answer.split("\n")[inner:]]
    found = [_indentation(line) for line in lines if line.strip() and not _is_outside(case, line)]
    return min(found, default=_indentation(case.prefix.rpartition("\n")[2]))


def _leaves(case: Case, line: str, least: int) -> bool:
    """Whether a line stands outside of the block with the hole."""
    return bool(line.strip()) and not _is_outside(case, line) and _indentation(line) < least


def _is_outside(case: Case, line: str) -> bool:
    return case.language == "c" and _FIRST_COLUMN.match(line) is not None


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _case(prefix: str = "", suffix: str = "", safe: tuple[str, ...] = ()) -> Case:
    """A case for the examples above."""
    return Case("a", "python", 89, "", prefix, suffix, "", safe, ())
