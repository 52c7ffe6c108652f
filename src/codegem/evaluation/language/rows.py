"""The data of each task, as the fields that lm-eval's definitions read.

A task is read from the files that its authors publish, where a folder has these; else from the copies that stand in
public repositories (`sources.LANGUAGE`), which are fetched where no folder is given.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.compilation import cache_directory
from codegem.errors import UserError
from codegem.evaluation import json_lines, sources
from codegem.evaluation.json_lines import read_bytes, read_rows, unpacked
from codegem.evaluation.language import checks
from codegem.evaluation.mathematics import competition
from codegem.evaluation.sources import PublicFile
from codegem.evaluation.task import DataFile

Row = dict[str, Any]
SUBJECTS = 57  # of MMLU
_MATH = ("MATH/test", "math/test", "test")  # where its authors' folder has the problems, one in each file


class Absent(UserError):
    """The data of a task is not at hand."""


@dataclass(frozen=True)
class Data:
    """What a task is read from.

    Attributes:
        rows: that are asked, and `examples` that solved examples are taken from.
        files: they were read from.
    """

    rows: Sequence[Row]
    examples: Sequence[Row]
    files: Sequence[DataFile]


class _Files:
    """The files of one way to read a task, opened by the names that readers know; they remember what was read."""

    def __init__(self, paths: Mapping[str, Path]):
        self._paths = paths
        self.read: list[DataFile] = []

    def rows(
        self,
        name: str,
        fields: Mapping[str, Any],
        unique: tuple[str, ...] = (),
        check: checks.Check = checks.nothing,
    ) -> list[Row]:
        """Lines of JSON, each with at least these fields."""
        rows, file = read_rows(self._paths[name], fields, unique)
        for row in rows:
            if why := check(row):
                raise json_lines.wrong(self._paths[name], row, why)
        self.read.append(file)
        return list(rows)

    def table(self, name: str, fields: Mapping[str, type], unique: str = "") -> list[Row]:
        """One list of JSON, of objects with at least these fields, of which one may have no value twice."""
        path = self._paths[name]
        packed = read_bytes(path)
        try:
            rows = json.loads(unpacked(path, packed))
        except (ValueError, RecursionError):
            raise UserError(f"{path} is not JSON; is the file cut short?") from None
        if not isinstance(rows, list) or not rows:
            raise UserError(f"{path} must be a list of questions; get it again.")
        seen: dict[str, int] = {}
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict) or any(not isinstance(row.get(name), kind) for name, kind in fields.items()):
                raise self.wrong(name, number, f"it must have the texts {', '.join(fields)}", "entry")
            if unique and (before := seen.setdefault(row[unique], number)) != number:
                raise self.wrong(name, number, f"it is already in entry {before}", "entry")
        self.read.append(DataFile(path.name, hashlib.sha256(packed).hexdigest(), len(rows)))
        return rows

    def lines(self, name: str) -> list[str]:
        """Lines of text, without what ends them."""
        path = self._paths[name]
        packed = read_bytes(path)
        try:
            lines = unpacked(path, packed).decode().removesuffix("\n").split("\n")
        except UnicodeDecodeError:
            raise UserError(f"{path} is no text in UTF-8; get it again.") from None
        self.read.append(DataFile(path.name, hashlib.sha256(packed).hexdigest(), len(lines)))
        return lines

    def wrong(self, name: str, place: int, why: str, what: str = "line") -> UserError:
        """A sentence about a place of a file."""
        return UserError(f"{self._paths[name]}, {what} {place}: {why}.")


def load(task: str, data: Path | None = None) -> Data:
    """The rows of a task.

    Args:
        task: a name of `tasks.TASKS`.
        data: a folder that holds its files at any depth; by default the user's cache, and the public source.

    Raises:
        Absent: a folder lacks the files, or they are published nowhere.
        UserError: they can't be fetched, are cut short, or lack something.
    """
    if task == "math" and data and (folder := next(filter(_holds_types, map(data.joinpath, _MATH)), None)):
        rows, file = competition.read(folder)
        return Data(rows, [], [file])
    for reader, files in _WAYS[task]:
        paths = _found(files, data)
        if paths:
            opened = _Files(paths)
            rows, examples = reader(opened)
            return Data(rows, examples, opened.read)
    names = " and ".join(file.name for file in _WAYS[task][0][1].values())
    if data is None:
        raise Absent(f"{task} is published nowhere where it could be fetched; give --data a folder with {names}.")
    raise Absent(f"{data} holds no {names}, which {task} is read from; give --data its folder.")


def _holds_types(folder: Path) -> bool:
    return next(folder.glob("*/*.json"), None) is not None


def _found(files: Mapping[str, PublicFile], data: Path | None) -> dict[str, Path] | None:
    """The files of one way, or None where one is not there."""
    if data is None:
        if not all(file.url for file in files.values()):
            return None
        return {name: sources.cached(file, cache_directory() / "benchmarks") for name, file in files.items()}
    if not data.is_dir():
        raise UserError(f"{data} is not a folder; give --data one that holds the files of the tasks.")
    found = {name: _find(file.name, data) for name, file in files.items()}
    return {name: path for name, path in found.items() if path} if all(found.values()) else None


def _find(name: str, data: Path) -> Path | None:
    """A file by its name, or by the folder and the name where the name alone says too little."""
    folder, _, last = name.rpartition("/")
    return sources.find(PublicFile(last if data.name == folder else name), data)


def _boolq(files: _Files) -> tuple[list[Row], list[Row]]:
    rows = files.rows("rows", {"passage": str, "question": str, "answer": bool}, ("passage", "question"))
    return [{**row, "label": int(row["answer"])} for row in rows], []


def _boolq_copy(files: _Files) -> tuple[list[Row], list[Row]]:
    found = []
    for row in files.rows("rows", {"query": str, "gold": int}, ("query",), checks.passage):
        parts = checks.PASSAGE.fullmatch(row["query"])
        assert parts
        found.append({"passage": parts[1], "question": parts[2], "label": row["gold"]})
    return found, []


def _piqa(files: _Files) -> tuple[list[Row], list[Row]]:
    rows = files.rows("rows", {"goal": str, "sol1": str, "sol2": str}, ("goal", "sol1", "sol2"))
    labels = files.lines("labels")
    for number, label in enumerate(labels, start=1):
        if label not in ("0", "1"):
            raise files.wrong("labels", number, f"it is {label[:20]!r}, and must be 0 or 1")
    if len(labels) != len(rows):
        raise files.wrong("labels", len(labels), f"it is the last, and there are {len(rows):,} questions")
    return [{**row, "label": int(label)} for row, label in zip(rows, labels, strict=True)], []


def _arc(files: _Files) -> tuple[list[Row], list[Row]]:
    fields = {"question": str, "choices": list, "answer": int}
    right = checks.chosen("answer")
    rows = files.rows("rows", {"id": str | None, **fields}, ("question", "choices"), right)
    examples = files.rows("examples", fields, check=right)  # one is there twice, as its authors have it
    return [_arc_row(row) for row in rows], [_arc_row(row) for row in examples]


def _arc_copy(files: _Files) -> tuple[list[Row], list[Row]]:
    rows = []
    for row in files.rows("rows", {"id": str, "question": dict, "answerKey": str}, ("id",), checks.labelled):
        choices = row["question"]["choices"]
        letters = [choice["label"] for choice in choices]
        rows.append(
            {
                "question": row["question"]["stem"],
                "choices": [choice["text"] for choice in choices],
                "answer": letters.index(row["answerKey"]),
            }
        )
    there = {row["question"].strip() for row in rows}
    for row in files.rows("rest", {"query": str, "choices": list, "gold": int}, check=checks.chosen("gold")):
        question = row["query"].removeprefix("Question: ")
        if question.strip() not in there:
            rows.append({"question": question, "choices": row["choices"], "answer": row["gold"]})
    examples = []
    for row in files.table("examples", {"instruction": str, "answer": str}):
        parts = re.fullmatch(r"[^:]*: (.*?)\n\n(Answer1: .*)\n\nAnswer format: .*", row["instruction"], re.DOTALL)
        choices = re.split(r" ?Answer\d: ", parts[2])[1:] if parts else []
        number = row["answer"].removeprefix("answer")
        if parts and number in map(str, range(1, len(choices) + 1)):
            examples.append({"question": parts[1], "choices": choices, "answer": int(number) - 1})
    return [_arc_row(row) for row in rows], [_arc_row(row) for row in examples]


def _arc_row(row: Row) -> Row:
    labels = [chr(ord("A") + place) for place in range(len(row["choices"]))]
    return {
        "question": row["question"],
        "choices": {"text": row["choices"], "label": labels},
        "answerKey": labels[row["answer"]],
    }


def _hellaswag(files: _Files) -> tuple[list[Row], list[Row]]:
    lines = files.lines("rows")
    if len(lines) % 6:
        raise files.wrong("rows", len(lines), "the file ends here, in the middle of a question of six lines")
    rows = []
    for start in range(0, len(lines), 6):
        context, gold, *endings = lines[start : start + 6]
        if gold not in ("0", "1", "2", "3"):
            raise files.wrong("rows", start + 2, f"it is {gold[:20]!r}, and must be the right ending's number, 0 to 3")
        rows.append({"query": context, "choices": endings, "label": int(gold)})
    return rows, []


def _mmlu(files: _Files) -> tuple[list[Row], list[Row]]:
    fields = {"subject": str, "question": str, "choices": list, "answer": str}
    # Some questions are there twice, as their authors have them.
    parts = [files.rows(name, fields, check=checks.four) for name in ("rows", "examples")]
    rows, examples = ([{**row, "answer": "ABCD".index(row["answer"])} for row in part] for part in parts)
    return rows, examples


def _winogrande(files: _Files) -> tuple[list[Row], list[Row]]:
    fields = {"sentence": str, "option1": str, "option2": str, "answer": str}
    return files.rows("rows", fields, ("sentence",), checks.blank), []


def _winogrande_copy(files: _Files) -> tuple[list[Row], list[Row]]:
    rows = []
    fields = {"instruction": str, "answer": str}
    form = re.compile(r"[^:]*: (.*_.*?)\n\nOption1: (.*?) Option2: (.*?) Answer format: .*", re.DOTALL)
    for number, row in enumerate(files.table("rows", fields, "instruction"), start=1):
        parts = form.fullmatch(row["instruction"])
        answer = row["answer"].removeprefix("option")
        if not parts or answer not in ("1", "2"):
            raise files.wrong(
                "rows", number, "it is no sentence with a blank, two options and one as the answer", "entry"
            )
        rows.append({"sentence": parts[1], "option1": parts[2], "option2": parts[3], "answer": answer})
    return rows, []


def _triviaqa(files: _Files) -> tuple[list[Row], list[Row]]:
    rows = [
        {"question": row["question"], "answer": {"aliases": row["golden_answers"]}}
        for row in files.rows(
            "rows", {"id": str, "question": str, "golden_answers": list}, ("id",), checks.spellings("golden_answers")
        )
    ]
    asked = {_letters(row["question"]) for row in rows}
    examples = []
    fields = {"context": str, "answer": str, "aliases": list}
    for row in files.rows("examples", fields, ("context",), checks.spellings("aliases")):
        question = row["context"].removeprefix("Question: ").removesuffix("\nAnswer:")
        if _letters(question) not in asked:
            aliases = [row["answer"], *row["aliases"]]
            examples.append({"question": question.removesuffix("?"), "answer": {"aliases": aliases}})
    return [{**row, "question": row["question"].removesuffix("?")} for row in rows], examples


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def _gsm8k(files: _Files) -> tuple[list[Row], list[Row]]:
    return files.rows("rows", {"question": str, "answer": str}, ("question",), checks.calculated), []


def _math(files: _Files) -> tuple[list[Row], list[Row]]:
    return files.rows("rows", {"problem": str, "solution": str}, ("problem",), competition.wrong), []


def _local(**names: str) -> dict[str, PublicFile]:
    return {role: PublicFile(name) for role, name in names.items()}


_Reader = Callable[[_Files], tuple[list[Row], list[Row]]]
_PUBLIC = sources.LANGUAGE
# The ways to read each task: the first whose files are all there is taken.
_WAYS: dict[str, tuple[tuple[_Reader, dict[str, PublicFile]], ...]] = {
    "boolq": ((_boolq, _local(rows="boolq/validation.jsonl")), (_boolq_copy, _PUBLIC["boolq"])),
    "piqa": ((_piqa, _PUBLIC["piqa"]),),
    "arc-challenge": (
        (_arc, _local(rows="ARC-Challenge-Test.jsonl", examples="ARC-Challenge-Train.jsonl")),
        (_arc_copy, _PUBLIC["arc-challenge"]),
    ),
    "hellaswag": ((_hellaswag, _PUBLIC["hellaswag"]),),
    "mmlu": ((_mmlu, _local(rows="mmlu/test.jsonl", examples="mmlu/dev.jsonl")),),
    "winogrande": (
        (_winogrande, _local(rows="winogrande/validation.jsonl")),
        (_winogrande_copy, _PUBLIC["winogrande"]),
    ),
    "triviaqa": ((_triviaqa, _PUBLIC["triviaqa"]),),
    "gsm8k": ((_gsm8k, _PUBLIC["gsm8k"]),),
    "math": ((_math, _local(rows="math/test.jsonl")),),
}
