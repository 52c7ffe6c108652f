r"""One way of writing for a final answer in LaTeX: what only dresses it is dropped, shorthand is written out.

The rules follow those that were published with Minerva (Lewkowycz et al. 2022, 2206.14858, appendix D) and MATH
(Hendrycks et al. 2021, 2103.03874), with what people and models write besides. Nothing here computes anything.
"""

import re

LONGEST = 1_000  # characters of an answer that are looked at
_DEEPEST = 40  # brackets within brackets

_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "×": r"\times ",
        "·": r"\cdot ",
        "÷": "/",
        "π": r"\pi ",
        "√": r"\sqrt ",
        "∞": r"\infty ",
        "≤": r"\le ",
        "≥": r"\ge ",
        "≠": r"\ne ",
        "∪": r"\cup ",
        "∈": r"\in ",
        "±": r"\pm ",
        "°": r"^\circ ",
        "½": r"\frac{1}{2}",
        "¼": r"\frac{1}{4}",
        "¾": r"\frac{3}{4}",
        "²": "^2",
        "³": "^3",
        "€": "",
        "£": "",
        "\n": " ",
        "\t": " ",
    }
)
# In this order: what is to be found, and what is written for it.
_RULES = [
    (re.compile(pattern), text)
    for pattern, text in [
        (r"\\(?:begin|end)\{(?:align|equation|gather|aligned|split)\*?\}", " "),
        (r"\\(?:left|right|[bB]igg?[lr]?)(?![a-zA-Z])\.?", ""),
        (r"\\(?:displaystyle|textstyle|limits|bf|rm|it|boldsymbol)(?![a-zA-Z])", ""),
        (r"(?<=\d)(?:\{,\}|,\\!|\\,|\\ |~)\s*(?=\d{3}(?!\d))", ""),
        (r"(?<=\d)\s*:\s*(?=\d)", "/"),
        (r"\\[,;:!> ]|\\q?quad(?![a-zA-Z])|~", " "),
        (r"\\[()\[\]]|\\?\$", ""),
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\(?:mbox|math(?:rm|bf|it|sf)|text(?:rm|bf|it|normal|sf)|operatorname\*?)(?=\s*\{)", r"\\text"),
        (r"\\text\s*\{\s*\}|(?<!\\)\{\s*\}", ""),
        (r"\\langle(?![a-zA-Z])", "("),
        (r"\\rangle(?![a-zA-Z])", ")"),
        (r"\\(?:emptyset|varnothing)(?![a-zA-Z])", r"\\emptyset"),
        (r"\\(?:leqslant|leq)(?![a-zA-Z])", r"\\le"),
        (r"\\(?:geqslant|geq)(?![a-zA-Z])", r"\\ge"),
        (r"!=", r"\\ne "),
        (r"<=", r"\\le "),
        (r">=", r"\\ge "),
        (r"\\lt(?![a-zA-Z])", "<"),
        (r"\\gt(?![a-zA-Z])", ">"),
        (r"\\neq(?![a-zA-Z])", r"\\ne"),
        (r"\\bigcup(?![a-zA-Z])", r"\\cup"),
        (r"\\lbrace(?![a-zA-Z])", r"\\{"),
        (r"\\rbrace(?![a-zA-Z])", r"\\}"),
        (r"\\l?vert(?![a-zA-Z])|\\rvert(?![a-zA-Z])|\\mid(?![a-zA-Z])", "|"),
        (r"\^\s*\{?\s*\\circ\s*\}?|\\degrees?(?![a-zA-Z])", r"^\\circ "),
        (r"\\(?:times|ast)(?![a-zA-Z])|(?<!\*)\*(?!\*)", r"\\cdot "),
        (r"\*\*", "^"),
        (r"\^\s*\(([^()]*)\)", r"^{\1}"),
        (r"(?<![a-zA-Z\\])sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}"),
        (r"\\sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}"),
        (r"(?<![a-zA-Z\\])(sqrt|pi|infty)(?![a-zA-Z])", r"\\\1 "),
        (r"(?<![a-zA-Z\\])(?:infinity|inf|oo)(?![a-zA-Z])", r"\\infty "),
        (r"\{\s*([^{}\\]+?)\s*\\choose\s*([^{}\\]+?)\s*\}", r"\\binom{\1}{\2}"),
        (r"\\[dt]binom(?![a-zA-Z])", r"\\binom"),
        (r"\\(frac|binom)\s*(\d|[a-zA-Z])\s*(\d|[a-zA-Z])", r"\\\1{\2}{\3}"),
        (r"\\frac\s*(\d|[a-zA-Z])\s*\{", r"\\frac{\1}{"),
        (r"(\\frac\s*\{[^{}]*\})\s*(\d|[a-zA-Z])", r"\1{\2}"),
        (r"\\(frac|sqrt|text)\s+(?=[\[{])", r"\\\1"),
        (r"\\sqrt(\[[^\]]*\])?\s*(\d|[a-zA-Z])", r"\\sqrt\1{\2}"),
        (r"\^\s+", "^"),
        (r"(?<=\d)[eE]([+-]?\d{1,3})(?!\w)", r"\\cdot 10^{\1}"),
        (r"(?<![\d.])\.(?=\d)", "0."),
        (r"\s+", " "),
    ]
]
ROW = "\x02"  # stands for the two backslashes that end a row of a matrix
_BREAK = re.compile(r"\\\\(?:\s*\[[\d.]*(?:pt|em|ex|mm)\])?")
_BOX = re.compile(r"\\[f]?box(?:ed)?\s*\{")


def cleaned(answer: str) -> str:
    r"""A final answer without dress; "" of one that is too long or too deep to be one.

    >>> cleaned(r"$\dfrac12$."), cleaned(r"\left( 3, \tfrac{\pi}{2} \right)"), cleaned(r"10{,}000")
    ('\\frac{1}{2}', '( 3, \\frac{\\pi}{2} )', '10000')
    """
    if len(answer) > LONGEST or depth(answer) > _DEEPEST:
        return ""
    text = _unboxed(_rows(answer.translate(_SIGNS)))
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = text.strip().strip(".;:").strip()
    return text.removeprefix(r"\approx").strip()


def bare(answer: str) -> str:
    r"""A cleaned answer without the marks of words, and without spaces but between digits, to compare letter by letter.

    >>> bare(r"\text{Monday }"), bare("( 1, 2 )")
    ('Monday', '(1,2)')
    """
    return re.sub(r"\s+(?!\d)|(?<!\d)\s+", "", re.sub(r"\\text\{([^{}]*)\}", r"\1", answer))


def depth(text: str) -> int:
    """How many brackets are open at once, at most.

    >>> depth("((1) + {2})")
    2
    """
    now = most = 0
    for letter in text:
        now += (letter in "([{") - (letter in ")]}")
        most = max(most, now)
    return most


def _rows(text: str) -> str:
    """Ends of rows marked; where there is no matrix, two backslashes are one that somebody escaped."""
    if "matrix" in text or "array" in text:
        return _BREAK.sub(ROW, text)
    return text.replace("\\\\", "\\")


def _unboxed(text: str) -> str:
    """Boxes opened; a brace that closes nothing afterwards is dropped."""
    while found := _BOX.search(text):
        level, end = 1, found.end()
        while end < len(text) and level:
            level += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        inner = text[found.end() : end - 1 if not level else end]
        text = f"{text[: found.start()]}{inner}{text[end:]}"
    return text
