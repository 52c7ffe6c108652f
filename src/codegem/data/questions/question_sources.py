"""Collections of mathematical questions, in the formats in which they are published.

GSM8K: lines of JSON with `question` and `answer`; the answer ends with `#### 72` and holds the results of a
calculator as `<<48/2=24>>` (arXiv 2110.14168). MATH: a JSON file a problem, in folders by type, or lines of
JSON, with `problem`, `solution`, `level` and `type`; the solution boxes its result (arXiv 2103.03874). MathQA:
lists of JSON with `Problem`, `Rationale`, `options` ("a ) 38 , b ) 27.675 , …") and `correct`, a letter
(arXiv 1905.13319).

Of a folder, only what is for training is read: GSM8K's and MathQA's test files, and MATH's test folder, are
evaluation sets. CodeGemma's form of the answers is not published; here each ends with "The answer is …", and
MATH's with its own boxed result.
"""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.data.questions.conversations import Pair, Refused
from codegem.errors import UserError

_LARGEST = 1 << 30  # bytes of one file
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_OPTION = r"(?:^|[,\[])\s*['\"]?\s*{}\s*\)\s*"
_NO_OPTION = re.compile(r"none of|data inadequate|cannot be determined|all of (the|these)|both .* and|not? enough")
_LEADING = re.compile(r"^[\s\"']*(explanation|solution|sol)\s*[:.]?\s*", re.IGNORECASE)
_TRAILING = re.compile(
    r"[\s,.]*(the )?(correct )?(answer|ans|option)\s*(is)?\s*[:\-=]?\s*(is )?(option )?[a-e]\b[\s\"'.)]*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Format:
    """How a collection is read.

    Attributes:
        fields: that are read, all of them texts.
        pair: (record) -> question and answer, or why it is refused.
    """

    name: str
    fields: tuple[str, ...]
    pair: Callable[[dict[str, str]], tuple[str, str] | str]


def read_questions(source: str, path: Path) -> Iterator[Pair | Refused]:
    """The questions of a collection, in the order of its files and their records.

    Args:
        source: one of `FORMATS`.
        path: a .json, .jsonl or .jsonl.gz file, or a folder of these.

    Raises:
        UserError: there is no such file, it is not JSON, or a record lacks a field.
    """
    form = FORMATS[source]
    for file in _files(path, form):
        for place, record in _records(file, form):
            found = form.pair(_checked(record, form, file, place))
            name = f"{file.relative_to(path) if path.is_dir() else file.name}:{place}"
            if isinstance(found, str):
                yield Refused(source, name, "read", found)
            else:
                yield Pair(source, name, *found)


def _gsm8k(record: dict[str, str]) -> tuple[str, str] | str:
    reasoning, mark, result = record["answer"].rpartition("####")
    result = result.strip()
    if not mark or not result:
        return "no result"
    return record["question"].strip(), f"{_CALCULATOR.sub('', reasoning).strip()}\nThe answer is {result}."


def _math(record: dict[str, str]) -> tuple[str, str] | str:
    if "\\boxed" not in record["solution"] and "\\fbox" not in record["solution"]:
        return "no result"
    return record["problem"].strip(), record["solution"].strip()


def _mathqa(record: dict[str, str]) -> tuple[str, str] | str:
    result = options(record["options"]).get(record["correct"].strip().lower())
    if not result:
        return "no result"
    if _NO_OPTION.search(result.lower()):
        return "answered by its options only"
    rationale = _TRAILING.sub("", _LEADING.sub("", record["Rationale"].strip())).strip(" \t\n\"'")
    if not rationale:
        return "no reasoning"
    return record["Problem"].strip(), f"{rationale}\nThe answer is {result}."


def options(text: str) -> dict[str, str]:
    """MathQA's options by their letters.

    >>> options("a ) 38 , b ) 27.675 , c ) rs . 1,000 , d ) none of these")
    {'a': '38', 'b': '27.675', 'c': 'rs . 1,000', 'd': 'none of these'}
    >>> options("['a ) 12', 'b ) 15']")
    {'a': '12', 'b': '15'}
    """
    starts = []
    for letter in "abcde":  # in their order, since a text may hold "( a , b )" itself
        found = re.compile(_OPTION.format(letter)).search(text, starts[-1][2] if starts else 0)
        if found:
            starts.append((letter, found.start(), found.end()))
    ends = [start for _, start, _ in starts[1:]] + [len(text)]
    return {letter: text[begin:end].strip(" ,'\"[]\n\t") for (letter, _, begin), end in zip(starts, ends, strict=False)}


FORMATS = {
    form.name: form
    for form in (
        _Format("gsm8k", ("question", "answer"), _gsm8k),
        _Format("math", ("problem", "solution"), _math),
        _Format("mathqa", ("Problem", "Rationale", "options", "correct"), _mathqa),
    )
}


def _files(path: Path, form: _Format) -> Sequence[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UserError(f"{path} does not exist; give {form.name}'s JSON file, or the folder that holds it.")
    kinds = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
    names = [file for file in sorted(path.rglob("*")) if file.name.endswith(kinds) and file.is_file()]
    train = [file for file in names if any("train" in part for part in file.relative_to(path).parts)]
    if not train:
        raise UserError(
            f"{path} holds no .json or .jsonl file with train in its name or folder; "
            f"name the file of {form.name} that is to be learned from."
        )
    return train


def _records(file: Path, form: _Format) -> Iterator[tuple[int, Any]]:
    """Records with their places, counted from 1."""
    try:
        if file.stat().st_size > _LARGEST:
            raise UserError(f"{file} is larger than {_LARGEST:,} bytes; that is no file of {form.name}.")
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UserError(f"{file} unpacks to more than {_LARGEST:,} bytes; that is no file of {form.name}.")
        text = data.decode("utf-8-sig")
        if ".jsonl" in file.name:
            yield from ((n, json.loads(line)) for n, line in enumerate(text.split("\n"), 1) if line.strip())
        else:
            whole = json.loads(text)
            yield from enumerate(whole if isinstance(whole, list) else [whole], 1)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise UserError(f"{file} can't be read as the JSON of {form.name} ({str(error)[:120]}).") from None


def _checked(record: Any, form: _Format, file: Path, place: int) -> dict[str, str]:
    if not isinstance(record, dict):
        raise UserError(f"{file}, record {place}: {form.name} has an object with {', '.join(form.fields)} there.")
    for name in form.fields:
        if not isinstance(record.get(name), str):
            raise UserError(
                f"{file}, record {place} has no text {name!r}; a record of {form.name} has {', '.join(form.fields)}."
            )
    return record
