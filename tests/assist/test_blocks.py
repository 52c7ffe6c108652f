"""Blocks of code in answers."""

import pytest

from codegem.assist.blocks import Block, Mistake, blocks, mistake


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("No code.", []),
        ("```\nx\n```", [Block("", "x\n")]),
        ("a\n```python title=x\nx\n```\nb\n~~~js\ny\n~~~\n", [Block("python", "x\n"), Block("javascript", "y\n")]),
        ("````md\n```py\nx\n```\n````\n", [Block("markdown", "```py\nx\n```\n")]),
        ("```c++\nint a;", [Block("cpp", "int a;")]),
    ],
)
def test_blocks(answer: str, found: list[Block]):
    assert blocks(answer) == found


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("a.py", "x = 1\n", None),
        ("a.txt", "(((", None),
        ("a.py", "x = 1\ny = (\n", Mistake(2, "y = (")),
        ("a.rs", "fn f() {\n    let a = ;\n}\n", Mistake(2, "    let a = ;")),
    ],
)
def test_mistakes(path: str, text: str, found: Mistake | None):
    assert mistake(text, path) == found
