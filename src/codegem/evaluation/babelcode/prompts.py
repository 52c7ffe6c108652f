"""The prompt of a question in each language: its signature, and its text as a comment.

The text is BabelCode's translation of the English one: the function's name in the language's spelling, the name
of the language in place of Python's, and the language's own words for lists and maps.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codegem.evaluation.babelcode.names import camel, pascal, snake
from codegem.evaluation.babelcode.schema import Prompt, Type

CLASS = "Solution"
_LISTS = ("array", "vector")
_MAPS = ("dict", "dictionary", "dictionaries")
_CASES: tuple[Callable[[str], str], ...] = (str.title, str.lower, str.upper)


@dataclass(frozen=True)
class Style:
    """How one language writes a prompt.

    Attributes:
        name: of the language in a sentence.
        named: spells a function's name.
        words: (word, the words that it takes the place of).
        escape: makes a text safe in a comment.
        comment: (text) -> lines of a comment.
        signature: (function, parameters as (name, type), result) -> the line that is to be continued.
    """

    name: str
    named: Callable[[str], str]
    words: tuple[tuple[str, tuple[str, ...]], ...]
    escape: Callable[[str], str]
    comment: Callable[[str], list[str]]
    signature: Callable[[str, Sequence[tuple[str, str]], str], str]
    types: dict[str, str]


def prompt(
    language: str, qid: str, text: str, function: str, params: Sequence[tuple[str, Type]], returns: Type, typed: bool
) -> Prompt:
    """How one language is asked.

    Args:
        language: by BabelCode's name.
        text: in English, for Python.
        function: the name in Python.
        typed: whether the signature has types where the language can do without.
    """
    style = STYLES[language]
    name = style.named(function)
    told = style.escape(translated(style, text, function)).replace("\\", "\\\\")
    if language == "Kotlin":
        told = told.replace("$", "\\$")
    arguments = [(each, type_name(style, kind)) for each, kind in params]
    result = type_name(style, returns)
    if language == "Python":
        signature = _python(name, arguments, result, typed)
        whole = [signature, *style.comment(told)]
        return Prompt(language, qid, "\n".join(whole), signature, name, CLASS)
    signature, comment = style.signature(name, arguments, result), style.comment(told)
    if language in ("CSharp", "Java"):
        opened = f"class {CLASS} {{"
        whole = [opened, *(f"    {line}" for line in comment), f"    public {signature}"]
        return Prompt(language, qid, "\n".join(whole), f"{opened}\n\n    public {signature}", name, CLASS)
    return Prompt(language, qid, "\n".join([*comment, signature]), signature, name, CLASS)


def translated(style: Style, text: str, function: str) -> str:
    """A text in the words of a language.

    >>> translated(STYLES["C++"], "Write a python function to reverse a list.", "f")
    'Write a c++ function to reverse vector.'
    """
    text = text.replace(function, style.named(function))
    for cased in _CASES:
        text = text.replace(cased("Python"), cased(style.name))
    for cased in _CASES:
        for word, others in style.words:
            text = _replaced(text, cased(word), [cased(each) for each in others])
    return text


def _replaced(text: str, word: str, others: Sequence[str]) -> str:
    """Each of some words, alone, with "s" or behind an article, by another one.

    What is found once is replaced wherever it stands, also within other words, and the longest first. An article
    within a line is lost. Both are BabelCode's doing, and models have been compared by these texts.
    """
    pattern = rf"( ?(?:a|an)?(?:^| )(?:{'|'.join(others)})s?)(?=[ ,.])"
    article = "an" if word[0] in "aeiou" else "a"
    for found in sorted(set(re.findall(pattern, text)), key=len, reverse=True):
        new = word
        if found.startswith(("a ", "an ")):
            new = f"{article} {word}"
        elif found.startswith(" "):
            new = f" {word}"
        text = text.replace(found, new + "s" if found.endswith("s") and not new.endswith("s") else new)
    return text


def type_name(style: Style, kind: Type) -> str:
    """A type as a signature has it."""
    parts = [type_name(style, part) for part in kind.parts]
    return style.types[kind.kind].format(*parts)


def _types(names: str, **containers: str) -> dict[str, str]:
    kinds = ("boolean", "integer", "character", "float", "double", "long", "string")
    return dict(zip(kinds, names.split("|"), strict=True)) | containers


def _python(name: str, params: Sequence[tuple[str, str]], result: str, typed: bool) -> str:
    arguments = ", ".join(f"{each}: {kind}" if typed else each for each, kind in params)
    return f"def {name}({arguments}){f' -> {result}' if typed else ''}:"


def _stars(text: str) -> list[str]:
    return ["/**", *(f" * {line}" for line in text.splitlines()), " */"]


def _slashes(mark: str) -> Callable[[str], list[str]]:
    return lambda text: [f"{mark} {line}" for line in text.splitlines()]


def _quotes(text: str) -> list[str]:
    lines = [f"    {line}" for line in text.splitlines()]
    return ['    """' + lines[0][4:], *lines[1:], '    """'] if lines else ['    """']


def _no_end_of_comment(text: str) -> str:
    return text.replace("*/", "\\*/").replace("/*", "/\\*").replace("/", "\\/")


def _type_first(form: str) -> Callable[[str, Sequence[tuple[str, str]], str], str]:
    return lambda name, params, result: form.format(
        name=name, params=", ".join(f"{kind} {each}" for each, kind in params), result=result
    )


def _name_first(form: str, between: str) -> Callable[[str, Sequence[tuple[str, str]], str], str]:
    return lambda name, params, result: form.format(
        name=name, params=", ".join(f"{each}{between}{kind}" for each, kind in params), result=result
    )


_ARRAY = (("array", ("vector", "list")), ("map", _MAPS))
_LIST = (("list", _LISTS), ("dictionary", ("map",)))
STYLES = {
    "C++": Style(
        "C++",
        camel,
        (("vector", ("array", "list")), ("map", _MAPS)),
        _no_end_of_comment,
        _stars,
        _type_first("{result} {name}({params}) {{"),
        _types("bool|int|char|float|double|long long|string", list="vector<{}>", set="set<{}>", map="map<{},{}>"),
    ),
    "CSharp": Style(
        "C#",
        pascal,
        _LIST,
        _no_end_of_comment,
        _stars,
        _type_first("{result} {name}({params}) {{"),
        _types("bool|int|char|float|decimal|long|string", list="List<{}>", set="HashSet<{}>", map="Dictionary<{}, {}>"),
    ),
    "Go": Style(
        "Go",
        camel,
        _ARRAY,
        lambda text: text.replace("//", "\\/\\/"),
        _slashes("//"),
        _name_first("func {name}({params}) {result} {{", " "),
        _types("bool|int|rune|float64|float64|int64|string", list="[]{}", set="map[{}]bool", map="map[{}]{}"),
    ),
    "Java": Style(
        "Java",
        camel,
        _ARRAY,
        _no_end_of_comment,
        _stars,
        _type_first("{result} {name}({params}) {{"),
        _types(
            "Boolean|Integer|Character|Float|Double|Long|String",
            list="ArrayList<{}>",
            set="HashSet<{}>",
            map="Map<{}, {}>",
        ),
    ),
    "Javascript": Style(
        "Javascript",
        camel,
        _ARRAY,
        _no_end_of_comment,
        _stars,
        lambda name, params, result: f"function {name}({', '.join(each for each, _ in params)}) {{",
        _types("|" * 6, list="", set="", map=""),
    ),
    "Kotlin": Style(
        "Kotlin",
        camel,
        _ARRAY,
        _no_end_of_comment,
        _stars,
        _name_first("fun {name}({params}): {result} {{", ": "),
        _types(
            "Boolean|Int|Char|Float|Double|Long|String", list="ArrayList<{}>", set="MutableSet<{}>", map="Map<{}, {}>"
        ),
    ),
    "Python": Style(
        "Python",
        snake,
        _LIST,
        lambda text: text.replace('"""', '\\"\\"\\"'),
        _quotes,
        _type_first(""),
        _types("bool|int|str|float|float|int|str", list="List[{}]", set="Set[{}]", map="Dict[{}, {}]"),
    ),
    "Rust": Style(
        "Rust",
        snake,
        (("vector", ("vec", "list")), ("set", _MAPS)),
        lambda text: text.replace("///", "\\/\\/\\/"),
        _slashes("///"),
        _name_first("pub fn {name}({params}) -> {result} {{", ": "),
        _types("bool|i32|char|f32|f64|i64|String", list="Vec<{}>", set="HashSet<{}>", map="HashMap<{}, {}>"),
    ),
}
