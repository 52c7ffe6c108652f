"""What a question of BabelCode is: the types of a function, its tests, and the prompt of each language.

Types are written as `integer`, `long`, `float`, `double`, `boolean`, `character`, `string`, `list<T>`, `set<T>`,
`map<K;V>` and `tuple<A|B>`. A tuple whose parts are all of one type is a list, in every language, as it is in
BabelCode's own programs; its data hold no other tuples. In the data's JSON a set is a list, keys of a map are
strings, and null stands for what is empty.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.evaluation.json_lines import read_rows, wrong
from codegem.evaluation.task import DataFile

PRIMITIVES = ("boolean", "integer", "long", "float", "double", "character", "string")
WHOLE = ("integer", "long")
REAL = ("float", "double")
_EMPTY = {"string": "", "character": "", "list": [], "set": [], "map": {}}
_DEEPEST = 16
_QUESTION = {"qid": str, "entry_fn_name": str, "schema": dict, "test_list": list}
_PROMPT = {
    "language": str,
    "qid": str,
    "signature": str,
    "signature_with_docstring": str,
    "entry_fn_name": str,
    "entry_cls_name": str,
    "arguments": list,
}


@dataclass(frozen=True)
class Type:
    """A type of a parameter, of a result, or of a part of one.

    Attributes:
        kind: one of `PRIMITIVES`, or "list", "set" or "map".
        parts: the type of the elements; of a map those of the keys and of the values.
    """

    kind: str
    parts: tuple["Type", ...] = ()

    def __str__(self) -> str:
        inner = ";".join(map(str, self.parts))
        return f"{self.kind}<{inner}>" if self.parts else self.kind

    def walk(self) -> Iterator["Type"]:
        """This type and all that it is made of, the innermost first."""
        for part in self.parts:
            yield from part.walk()
        yield self


@dataclass(frozen=True)
class Case:
    """One test.

    Attributes:
        idx: its number, unlike that of any other test of the question.
        inputs: one value for each parameter, as `value` gives them.
        output: the value that is expected.
    """

    idx: int
    inputs: tuple[Any, ...]
    output: Any


@dataclass(frozen=True)
class Question:
    """A function that is asked for, and its tests.

    Attributes:
        solution: of the data's authors, in Python; "" where there is none.
    """

    qid: str
    params: tuple[Type, ...]
    returns: Type
    cases: tuple[Case, ...]
    solution: str = ""
    function: str = ""


@dataclass(frozen=True)
class Prompt:
    """How one language is asked a question.

    Attributes:
        language: by BabelCode's name of it, such as "CSharp".
        text: the signature with its docstring, as it is given to the model.
        signature: without the docstring.
        function: the name that the tests call; `class_name` has it as a method where the language needs a class.
    """

    language: str
    qid: str
    text: str
    signature: str
    function: str
    class_name: str


def parse_type(text: str) -> Type:
    """A type from its name.

    >>> print(parse_type("map<string;list<integer>>"), parse_type("tuple<float|float>"))
    map<string;list<integer>> list<float>

    Raises:
        ValueError: it is no type, or a tuple of different types.
    """
    return _parse(text.strip(), text, 0)


def value(kind: Type, data: Any) -> Any:
    """What JSON says, as the type's value in Python: keys have their type, what is null is empty.

    A set is a list without repetitions; a null that can't be empty (a number, a boolean) stays None.

    >>> value(parse_type("map<integer;float>"), {"1": 2})
    {1: 2.0}

    Raises:
        ValueError: the data are not of this type.
    """
    if data is None:
        empty = _EMPTY.get(kind.kind)
        return None if empty is None else type(empty)()
    if kind.kind in ("list", "set"):
        items = [value(kind.parts[0], item) for item in _of(list, kind, data)]
        return items if kind.kind == "list" else [item for at, item in enumerate(items) if item not in items[:at]]
    if kind.kind == "map":
        key, each = kind.parts
        return {_key(key, name): value(each, item) for name, item in _of(dict, kind, data).items()}
    if kind.kind in REAL:
        return float(_of((int, float), kind, data))
    return _of({"boolean": bool, "integer": int, "long": int}.get(kind.kind, str), kind, data)


def read_questions(file: Path) -> tuple[dict[str, Question], DataFile]:
    """Questions by their qid, in the order of the file.

    Raises:
        UserError: a file that can't be read, or a row that is no question.
    """
    rows, data = read_rows(file, _QUESTION, ("qid",))
    questions = {}
    for row in rows:
        try:
            questions[row["qid"]] = _question(row)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise wrong(file, row, f"question {row['qid']} is damaged ({_said(error)})") from None
    return questions, data


def read_prompts(file: Path) -> tuple[list[Prompt], DataFile]:
    """All prompts of all languages, in the order of the file.

    Raises:
        UserError: a file that can't be read, or a row that is no prompt.
    """
    rows, data = read_rows(file, _PROMPT, ("language", "qid"))
    names = ("language", "qid", "signature_with_docstring", "signature", "entry_fn_name", "entry_cls_name")
    return [Prompt(*(row[name] for name in names)) for row in rows], data


def _parse(text: str, whole: str, depth: int) -> Type:
    name, opened, rest = text.partition("<")
    if not opened and name in PRIMITIVES:
        return Type(name)
    if not rest.endswith(">") or depth > _DEEPEST:
        raise ValueError(f"{whole[:100]!r} is no type")
    inner = [_parse(part, whole, depth + 1) for part in _split(rest[:-1], {"map": ";", "tuple": "|"}.get(name, ""))]
    if name == "tuple":
        if len(set(inner)) > 1:
            raise ValueError(f"{whole[:100]!r} is a tuple of different types")
        return Type("list", (inner[0],))
    if len(inner) != {"list": 1, "set": 1, "map": 2}.get(name):
        raise ValueError(f"{whole[:100]!r} is no type")
    return Type(name, tuple(inner))


def _split(text: str, separator: str) -> list[str]:
    """Parts between separators that lie in no inner brackets."""
    depth, start, parts = 0, 0, []
    for at, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if character == separator and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _question(row: dict[str, Any]) -> Question:
    params = row["schema"]["params"]
    names = [each["name"] for each in params]
    types = tuple(parse_type(each["type"]) for each in params)
    returns = parse_type(row["schema"]["return"]["type"])
    cases = []
    for test in row["test_list"]:
        inputs = tuple(value(kind, test["inputs"][name]) for name, kind in zip(names, types, strict=True))
        cases.append(Case(_index(test["idx"]), inputs, value(returns, test["outputs"])))
    if not cases or len({case.idx for case in cases}) < len(cases):
        raise ValueError("there are no tests, or two of one idx")
    solution = row.get("solutions", {}).get("Python", "")
    return Question(row["qid"], types, returns, tuple(cases), solution, row["entry_fn_name"])


def _index(data: Any) -> int:
    if isinstance(data, bool) or not isinstance(data, int) or data < 0:
        raise ValueError(f"{data!r} is no idx")
    return data


def _of(wanted: Any, kind: Type, data: Any) -> Any:
    if not isinstance(data, wanted) or (isinstance(data, bool) and kind.kind != "boolean"):
        raise ValueError(f"{str(data)[:60]!r} is not of the type {kind}")
    return data


def _key(kind: Type, name: str) -> Any:
    """A key of a map: in JSON all of them are strings."""
    if kind.kind in WHOLE:
        return int(name)
    if kind.kind in REAL:
        return float(name)
    if kind.kind == "boolean":
        return {"true": True, "false": False}[name.lower()]
    return value(kind, name)


def _said(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) and error.args else str(error)
