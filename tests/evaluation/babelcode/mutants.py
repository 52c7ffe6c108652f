"""Right solutions with one mistake each: an operator, a constant, a text or a called function is another one.

The text alone is looked at, in the languages that write braces: strings and comments are told apart, and an
operator counts where spaces or operands stand on both sides, so that `Vec<i32>`, `->` and `*x` are none.
"""

import random
import re

_SWAPS = {
    "===": "!==",
    "!==": "===",
    "==": "!=",
    "!=": "==",
    "<=": "<",
    ">=": ">",
    "<": ">=",
    ">": "<=",
    "&&": "||",
    "||": "&&",
    "+=": "-=",
    "-=": "+=",
    "*=": "+=",
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "%": "/",
    "true": "false",
    "false": "true",
    "True": "False",
    "False": "True",
    "min": "max",
    "max": "min",
    "floor": "ceil",
    "ceil": "floor",
    "Floor": "Ceil",
    "Ceil": "Floor",
    "Min": "Max",
    "Max": "Min",
    "every": "some",
    "all": "any",
    "includes": "startsWith",
    "contains": "starts_with",
    ".length": ".length + 1",
    ".Length": ".Length + 1",
    ".length()": ".length() + 1",
    ".size()": ".size() + 1",
}
_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<word>\b(?:true|false|True|False)\b|\b(?:min|max|Min|Max|floor|ceil|Floor|Ceil|every|all|includes|contains)\b(?=\()
        |\.(?:length\(\)|size\(\)|length\b|Length\b))
    |(?P<number>(?<![\w.])\d+(?:\.\d+)?(?![\w.]))
    |(?P<operator>(?<=[ ])(?:===|!==|==|!=|<=|>=|&&|\|\||\+=|-=|\*=|[-+*/%<>])(?=[ ])
        |(?<=[\w)\]])(?:==|!=|[-+*/%])(?=[\w(\[]))""",
    re.DOTALL | re.VERBOSE,
)


def mutants(code: str, most: int = 1_000, seed: int = 0) -> list[str]:
    """Codes that differ from this one in one place after the first line, at most so many, drawn with a seed.

    >>> mutants("fn f(x: i32) -> bool {\\n    x < 10 && true\\n}\\n", 2)
    ['fn f(x: i32) -> bool {\\n    x < 10 || true\\n}\\n', 'fn f(x: i32) -> bool {\\n    x < 10 && false\\n}\\n']
    """
    start = code.index("\n")
    found = []
    for token in _TOKEN.finditer(code, start):
        if token.lastgroup != "comment":
            found.append(code[: token.start()] + _other(token[0], str(token.lastgroup)) + code[token.end() :])
    chance = random.Random(f"{seed} {code}")
    chosen = sorted(chance.sample(range(len(found)), min(most, len(found))))
    return [found[at] for at in chosen]


def _other(token: str, kind: str) -> str:
    if kind == "number":
        whole, point, rest = token.partition(".")
        return f"{int(whole) + 1}{point}{rest}"
    if kind != "text":
        return _SWAPS[token]
    inner = token[1:-1]
    # One character stays one, as it may be a character's type; a longer text loses its last.
    other = {"": "x", "a": "b", "A": "B", "0": "1", "1": "0"}.get(inner) or ("y" if len(inner) == 1 else inner[:-1])
    return token[0] + (inner if "\\" in inner else other) + token[-1]
