"""Readers of JSON lines, each with a few rows of its own: `test_bad_input` damages them.

A reader that comes is one more entry of `READERS`.
"""

import bz2
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.evaluation import humaneval, infilling, mbpp
from codegem.evaluation.babelcode.benchmark import load_public
from codegem.evaluation.babelcode.schema import read_prompts, read_questions
from codegem.evaluation.content.prompts import read_prompts as read_requests
from codegem.evaluation.language import rows as language
from codegem.evaluation.predictions import read_predictions
from codegem.evaluation.run_folder import journal

Rows = Sequence[Mapping[str, Any]]
Others = Mapping[str, Sequence[Any]] | None


@dataclass(frozen=True)
class Reader:
    """A reader of JSON lines.

    Attributes:
        read: fails or not.
        rows: that it takes, at least two.
        wrong: a field, and a value that is not of its type.
        needed: a field that no row may lack; default the same.
        unique: whether a second row of the same name is an error.
        name: that the file must have, below the folder of all.
        packings: of which the reader finds the file by its name.
    """

    read: Callable[[Path], object]
    rows: Rows
    wrong: tuple[str, Any]
    needed: str = ""
    unique: bool = True
    name: str = "rows.jsonl"
    packings: tuple[str, ...] = (".gz", ".bz2")


PROBLEM = {
    "task_id": "Own/0",
    "prompt": 'def f(x):\n    """The same."""\n',
    "entry_point": "f",
    "canonical_solution": "    return x\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n",
}
_MBPP = {
    "task_id": 2,
    "text": "Twice x.",
    "code": "def f(x):\n    return x",
    "test_setup_code": "",
    "test_list": ["f(1)"],
}
_SCHEMA = {"params": [{"name": "x", "type": "integer"}], "return": {"type": "integer"}}
_QUESTION = {
    "qid": "1",
    "entry_fn_name": "f",
    "schema": _SCHEMA,
    "test_list": [{"idx": 0, "inputs": {"x": 1}, "outputs": 2}],
}
_PROMPT = {
    "language": "Go",
    "qid": "1",
    "signature": "func f",
    "signature_with_docstring": "func f",
    "entry_fn_name": "f",
    "entry_cls_name": "S",
    "arguments": ["x"],
}
_PUBLIC = {
    "id": "1",
    "testing_code": "assert f(1) == 2",
    "solution": "def f(x):\n    return 2 * x",
    "entry_fn_name": "f",
}
_REQUEST = {"id": "1", "kind": "harmless", "text": "What is a lock?"}


def _journal(file: Path) -> None:
    with journal(file, {"task_id": str, "sample": int}):
        pass


def _numbered(row: Mapping[str, Any], name: str, *values: Any) -> Rows:
    return [{**row, name: value} for value in values]


def _task(
    task: str, name: str, rows: Rows, wrong: tuple[str, Any], unique: bool = True, beside: Others = None
) -> Reader:
    """A reader of a task of language; `beside` are files that it needs as well."""

    def read(file: Path) -> object:
        folder = file.parents[name.count("/")]
        for other, content in (beside or {}).items():
            as_file(folder / other, lines(content))
        return language.load(task, folder)

    return Reader(read, rows, wrong, unique=unique, name=name, packings=(".gz",))


def lines(rows: Sequence[Any]) -> bytes:
    """Rows as lines; one of bytes stands there as it is."""
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def as_file(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes({".gz": gzip.compress, ".bz2": bz2.compress}.get(file.suffix, bytes)(data))
    return file


_ARC = {"id": None, "question": "What melts?", "choices": ["ice", "fire"], "answer": 0}
_MMLU = {"subject": "law", "question": "Who?", "choices": ["a", "b", "c", "d"], "answer": "B"}
_BLANK = {"sentence": "The _ fell.", "option1": "cup", "option2": "plate", "answer": "2"}
READERS = {
    "humaneval": Reader(humaneval.load, _numbered(PROBLEM, "task_id", "Own/0", "Own/1"), ("test", 5)),
    "infilling": Reader(
        lambda file: infilling.load({"single-line": file}),
        _numbered({**PROBLEM, "suffix": ""}, "task_id", "Own/0", "Own/1"),
        ("suffix", None),
    ),
    "mbpp": Reader(mbpp.load, _numbered(_MBPP, "task_id", 2, 3, 4, 11), ("test_list", "f(1)")),
    "babelcode questions": Reader(read_questions, _numbered(_QUESTION, "qid", "1", "2"), ("schema", [])),
    "babelcode prompts": Reader(read_prompts, _numbered(_PROMPT, "qid", "1", "2"), ("signature", 1)),
    "babelcode as published": Reader(
        lambda file: load_public("bc-mbpp", file),
        _numbered({**_PUBLIC, "text": "Twice x."}, "id", "1", "2"),
        ("solution", ["x"]),
    ),
    "predictions": Reader(
        lambda file: read_predictions(file, ["Own/0", "Own/1"], samples=1),
        _numbered({"task_id": "", "completion": "x", "sample": 0}, "task_id", "Own/0", "Own/1"),
        ("sample", True),
        needed="completion",
    ),
    "requests": Reader(read_requests, _numbered(_REQUEST, "id", "1", "2"), ("text", 7)),
    "rows of a run": Reader(
        _journal,
        _numbered({"task_id": "a", "sample": 0}, "sample", 0, 1),
        ("sample", False),
        unique=False,
        packings=(),  # what a run writes is never packed
    ),
}
READERS |= {
    "boolq": _task(
        "boolq",
        "boolq/validation.jsonl",
        _numbered({"passage": "Ice melts.", "answer": True}, "question", "does it", "does ice"),
        ("answer", "yes"),
    ),
    "boolq, a copy": _task(
        "boolq",
        "boolq_validation_llmfoundry.jsonl",
        _numbered({"gold": 1}, "query", "Passage: Ice melts.\nQuestion: does it?", "Passage: No.\nQuestion: is it?"),
        ("gold", True),
    ),
    "piqa": _task(
        "piqa",
        "valid.jsonl",
        _numbered({"sol1": "a", "sol2": "b"}, "goal", "melt ice", "freeze water"),
        ("sol2", 2),
        beside={"valid-labels.lst": [b"0", b"1"]},
    ),
    "arc-challenge": _task(
        "arc-challenge",
        "ARC-Challenge-Test.jsonl",
        _numbered(_ARC, "question", "What melts?", "What burns?"),
        ("answer", "A"),
        beside={"ARC-Challenge-Train.jsonl": [_ARC]},
    ),
    "mmlu": _task(
        "mmlu",
        "mmlu/test.jsonl",
        _numbered(_MMLU, "question", "Who?", "What?"),
        ("choices", "abcd"),
        unique=False,
        beside={"mmlu/dev.jsonl": [_MMLU]},
    ),
    "winogrande": _task(
        "winogrande", "winogrande/validation.jsonl", _numbered(_BLANK, "sentence", "A _.", "The _."), ("option1", 1)
    ),
    "triviaqa": _task(
        "triviaqa",
        "triviaqa_sub1000_flashrag.jsonl",
        _numbered({"question": "Who?", "golden_answers": ["me"]}, "id", "1", "2"),
        ("golden_answers", "me"),
        beside={
            "triviaqa_sub3000_llmfoundry.jsonl": [
                {"context": "Question: What?\nAnswer:", "answer": "it", "aliases": ["it"]}
            ]
        },
    ),
    "gsm8k": _task(
        "gsm8k", "gsm8k/test.jsonl", _numbered({"answer": "1\n#### 1"}, "question", "One?", "Once?"), ("answer", 1)
    ),
    "math": _task(
        "math",
        "math/test.jsonl",
        _numbered({"solution": "\\boxed{1}"}, "problem", "One?", "Once?"),
        ("solution", ["1"]),
    ),
}


def written(folder: Path, reader: Reader, rows: Sequence[Any], packed: str = "") -> Path:
    """A file of rows, packed or not."""
    return as_file(folder / f"{reader.name}{packed}", lines(rows))
