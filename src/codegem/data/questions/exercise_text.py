"""What a model is asked for when it is to think up an exercise, and how its answer is read."""

import re
from dataclasses import dataclass

_ASK = """Here is a piece of {language} code to start from:

{snippet}

Think up a programming exercise in {language} that it puts you in mind of and that stands alone. Write three \
parts under these headings, then [End]:
[Problem] what is to be done, with the names of the functions that are wanted.
[Solution] code that does it, with the standard library only.
[Tests] code with assertions that follows it in the same file.

[Problem]
"""
_HEADING = re.compile(r"^\W*(problem|solution|tests?)\W*$", re.IGNORECASE)
_FENCE = re.compile(r"^```[\w+#-]*[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Parts:
    """An exercise as a model wrote it."""

    problem: str
    solution: str
    tests: str


def ask(language: str, snippet: str) -> str:
    """A prompt for any model that continues or answers text; it ends where the problem begins."""
    return _ASK.format(language=language, snippet=snippet)


def split_answer(text: str) -> Parts | None:
    """The three parts of an answer, or None where one is missing, is empty or comes twice.

    Headings stand on lines of their own; code may be fenced as in Markdown, and then what stands around the
    fence is left out.

    >>> split_answer("Add one.\\n[Solution]\\n```python\\nf = 1\\n```\\n[Tests]\\nassert f\\n")
    Parts(problem='Add one.', solution='f = 1\\n', tests='assert f\\n')
    """
    parts: dict[str, list[str]] = {"problem": []}
    current = "problem"
    for line in text.split("\n"):
        heading = _HEADING.match(line) if len(line) < 40 else None
        if heading:
            current = heading[1].lower().replace("tests", "test")
            if current in parts and "".join(parts[current]).strip():
                return None
            parts[current] = []
        else:
            parts[current].append(line)
    if {"problem", "solution", "test"} - {name for name, lines in parts.items() if "".join(lines).strip()}:
        return None
    joined = {name: "\n".join(lines).strip("\n") + "\n" for name, lines in parts.items()}
    return Parts(joined["problem"].strip(), _code(joined["solution"]), _code(joined["test"]))


def _code(text: str) -> str:
    """What stands between fences, or the text where there are none."""
    return "\n".join(match[1] for match in _FENCE.finditer(text)) or text
