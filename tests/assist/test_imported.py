"""Signatures of what is imported, in a folder on disk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegem.assist.imported import Imported
from codegem.assist.index import Index
from codegem.assist.similar import Windows
from codegem.assist.sources import Limits

Ask = Callable[[str], dict[str, str]]
Asked = Callable[[dict[str, str]], tuple[Index, Ask]]
MONEY = """\
class Money:
    def plus(self, other):
        return 1


def rounded(money): ...
def other(): ...
"""


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    """A folder with files; and what is found for a file of it."""

    def make(files: dict[str, str]) -> tuple[Index, Ask]:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, "utf-8")
        index = Index(tmp_path.resolve(), Windows(), Limits(), lambda path, text: imported.learn(path, text))
        imported = Imported(index)
        index.start()
        assert index.read.wait(20)

        def ask(path: str) -> dict[str, str]:
            text = index.text(path) or ""
            found = imported.snippets(path, text)
            assert found is imported.snippets(path, text + "\nx")  # as long as no import changes
            return {each.path: each.text for each in sorted(found, key=lambda each: each.score)}

        return index, ask

    return make


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"money.py": MONEY, "a.py": "from money import rounded, Money\n"},
            {"money.py": "class Money:\n    def plus(self, other): ...\ndef rounded(money): ...\n"},
        ),
        (
            {"money.py": "def f(): ...\n_g = 1\n", "other.py": "x = 1\n", "a.py": "import money\nimport os\n"},
            {"money.py": "def f(): ...\n"},
        ),
        (
            {
                "pack/__init__.py": "from .money import *\nfrom . import more\n",
                "pack/money.py": MONEY,
                "pack/more.py": "x = 1\n",
                "a.py": "from pack import other\n",
            },
            {"pack/money.py": "def other(): ...\n"},
        ),
        (
            {
                "src/index.ts": 'export * from "./deep";\n',
                "src/deep.ts": "export function f(a: number) { return a; }\n",
                "src/a.ts": 'import { f } from ".";\n',
            },
            {"src/deep.ts": "export function f(a: number);\n"},
        ),
        (
            {
                "go.mod": "module example.org/m\n",
                "shop/shop.go": "package shop\nfunc Open() int { return 1 }\n",
                "main.go": 'package main\nimport "example.org/m/shop"\n',
            },
            {"shop/shop.go": "func Open() int\n"},
        ),
        (
            {
                "p/Shop.java": "package p;\npublic class Shop { public int open() { return 1; } }\n",
                "q/A.java": "package q;\nimport p.Shop;\nclass A { Shop shop; }\n",
            },
            {"p/Shop.java": "public class Shop {\n    public int open();\n}\n"},
        ),
        (
            {
                "src/lib.rs": "mod shop;\n",
                "src/shop.rs": "pub fn open() -> i32 { 1 }\nfn hidden() {}\n",
                "src/a.rs": "use crate::shop::open;\n",
            },
            {"src/shop.rs": "pub fn open() -> i32;\n"},
        ),
        (
            {"shop.h": "int open_shop(int a);\n", "a.c": '#include "shop.h"\n#include <stdio.h>\n'},
            {"shop.h": "int open_shop(int a);\n"},
        ),
    ],
)
def test_what_is_imported_is_shown(asked: Asked, files: dict[str, str], expected: dict[str, str]) -> None:
    _, ask = asked(files)
    assert ask(list(files)[-1]) == expected


def test_the_more_important_has_the_higher_score_and_nothing_is_shown_twice(asked: Asked) -> None:
    text = "from b import one, two\nfrom c import three\nfrom b import one\n\ndef f():\n    import d\n"
    files = {"b.py": "one = 1\ntwo = 2\n", "c.py": "three = 3\n", "d.py": "def g(): ...\n", "a.py": text}
    _, ask = asked(files)
    assert list(ask("a.py")) == ["d.py", "c.py", "b.py"]


def test_an_answer_follows_the_files(asked: Asked) -> None:
    index, ask = asked({"money.py": "def f(a): ...\n", "a.py": "import money\n"})
    assert ask("a.py") == {"money.py": "def f(a): ...\n"}
    index.put("money.py", "def f(a, b): ...\n")
    assert ask("a.py") == {"money.py": "def f(a): ...\n"}  # it is just being written
    index.settle("money.py")
    assert ask("a.py") == {"money.py": "def f(a, b): ...\n"}
    index.put("a.py", "import money, more\n")
    index.put("more.py", "def new(): ...\n")
    index.settle("more.py")
    assert ask("a.py") == {"money.py": "def f(a, b): ...\n", "more.py": "def new(): ...\n"}


def test_a_language_without_imports_and_files_that_import_themselves(asked: Asked) -> None:
    _, ask = asked({"b.py": "import b\nx = 1\n", "a.md": "import b\n"})
    assert ask("a.md") == {} and ask("b.py") == {}
