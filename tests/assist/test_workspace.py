"""A folder as an editor uses it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegem.assist.context import Window
from codegem.assist.nearby import SimilarRules
from codegem.assist.snippets import Snippet
from codegem.assist.workspace import ContextRules, Workspace
from codegem.text.tokenizer import ByteTokenizer

WINDOW = Window(ByteTokenizer(), 4000, share=0.5)
MONEY = "class Money:\n    def plus(self, other):\n        return 1\n"
SHOP = "from money import Money\n\n\ndef total(prices):\n    amount = Money()\n    for price in prices:\n        "
FILES = {"money.py": MONEY, "shop.py": SHOP + "pass\n", ".env": "KEY=1\n", "out/a.py": "x = 1\n", ".gitignore": "out\n"}
KEY = 'KEY = """-----BEGIN PRIVATE KEY-----\nMIIEowIBAAKCAQEAyv7d00"""\n'
LATE = 20.0


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """With two files on disk of which one imports the other."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    made = Workspace(tmp_path, WINDOW, ContextRules(similar=SimilarRules(least=0.5)))
    assert made.ready(LATE)
    yield made
    made.shut()


def ask(workspace: Workspace, path: str, prefix: str, suffix: str = "") -> tuple[tuple[str, str], ...]:
    return workspace.context(path, prefix, suffix, deadline=LATE)


def paths(found: tuple[tuple[str, str], ...]) -> list[str]:
    return [path for path, _ in found]


def test_signatures_then_edits_then_what_the_client_sends(workspace: Workspace, tmp_path: Path) -> None:
    workspace.open("notes.py", "import os\n" * 3)
    workspace.visit("notes.py", 0)
    found = workspace.context(tmp_path / "shop.py", SHOP, "", [Snippet("b.py", "y = 2\n")], deadline=LATE)
    assert paths(found) == ["money.py", "notes.py", "b.py"]
    assert found[0][1] == "class Money:\n    def plus(self, other): ...\n"


def test_typing_changes_nothing(workspace: Workspace) -> None:
    typed = "amount = amount.plus(price)\n    return amount\n"
    first = ask(workspace, "shop.py", SHOP)
    assert first
    assert all(ask(workspace, "shop.py", SHOP + typed[:end]) is first for end in range(len(typed)))


def test_what_was_edited_is_kept_when_the_cursor_goes_elsewhere(workspace: Workspace) -> None:
    ask(workspace, "shop.py", SHOP)
    ask(workspace, "shop.py", SHOP + "new = 1\n")
    found = ask(workspace, "other.py", "x")
    assert paths(found) == ["shop.py"] and "new = 1" in found[0][1]
    assert paths(ask(workspace, "shop.py", SHOP)) == ["money.py"]


def test_saving_and_copying_keep_a_piece(workspace: Workspace) -> None:
    workspace.open("b.py", "def f():\n    return 1\n")
    workspace.yank("b.py", "return 1")
    workspace.yank("b.py", "nowhere")
    assert paths(ask(workspace, "other.py", "x")) == ["b.py"]
    workspace.open("c.py", "def g(): ...\n")
    workspace.change("c.py", "def g(a): ...\n")
    workspace.save("c.py")
    workspace.save("c.py")
    workspace.close("c.py")
    assert paths(ask(workspace, "other.py", "x")) == ["b.py", "c.py"]


def test_similar_code(workspace: Workspace) -> None:
    assert paths(ask(workspace, "new.py", SHOP[24:] + "pass\n")) == ["shop.py"]


@pytest.mark.parametrize("path", [".env", "id_rsa", "out/a.py", "keys/b.pem", "notes.md", ".hidden/a.py"])
def test_what_is_ignored_or_secret_is_never_taken(workspace: Workspace, path: str) -> None:
    workspace.open(path, "TOKEN = 'abc'\n")
    workspace.visit(path, 0)
    workspace.change(path, "TOKEN = 'abcd'\n")
    workspace.save(path)
    workspace.yank(path, "TOKEN")
    assert ask(workspace, "a.py", "import out.a\nTOKEN = 'abcd'\n") == ()


def test_a_key_in_an_open_document_is_never_taken(workspace: Workspace) -> None:
    workspace.open("b.py", KEY)
    workspace.visit("b.py", 0)
    workspace.change("b.py", KEY + "x = 1\n")
    workspace.save("b.py")
    assert ask(workspace, "a.py", "from b import KEY\n") == ()


def test_files_outside_the_folder(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside.py"
    assert workspace.relative(outside) is None and workspace.relative("../x.py") is None
    assert workspace.relative(tmp_path / "a" / "b.py") == "a/b.py"
    workspace.open(outside, "x")
    workspace.visit(outside, 1)
    workspace.save(outside)
    workspace.close(outside)
    assert ask(workspace, str(outside), "import money\n") == ()
    assert workspace.context(outside, "x", "", [Snippet("b.py", "y = 2\n")]) == (("b.py", "y = 2\n"),)


def test_new_files_are_found(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "fresh.py").write_text("def new(): ...\n", "utf-8")
    workspace.refresh()
    found: tuple[tuple[str, str], ...] = ()
    for _ in range(2000):
        if found := ask(workspace, "a.py", "import fresh\n"):
            break
        threading.Event().wait(0.005)
    assert found == (("fresh.py", "def new(): ...\n"),)


def test_a_document_that_was_never_on_the_disk_is_forgotten(workspace: Workspace) -> None:
    workspace.open("unsaved.py", "x = 1\n")
    workspace.change("unsaved.py", "x = 12\n")
    workspace.save("unsaved.py")
    index = workspace._index
    assert index.digest("unsaved.py") and index.digest("shop.py")
    workspace.close("unsaved.py")
    for _ in range(2000):
        if not index.digest("unsaved.py"):
            break
        threading.Event().wait(0.005)
    assert not index.digest("unsaved.py") and index.digest("shop.py")


def test_a_source_that_hangs_or_fails_spoils_nothing(workspace: Workspace) -> None:
    before = ask(workspace, "shop.py", SHOP)
    release = threading.Event()
    workspace._sources["similar"]._work = lambda place: (release.wait(LATE), ())[1]
    workspace._sources["edits"]._work = lambda place: 1 / 0
    for _ in range(3):
        assert workspace.context("shop.py", SHOP, "", deadline=0.2) == before
    release.set()


def test_no_folder_and_no_room(tmp_path: Path) -> None:
    alone = Workspace(None, WINDOW)
    alone.open("/a/money.py", MONEY)
    assert paths(ask(alone, "/a/shop.py", SHOP)) == ["a/money.py"]
    alone.shut()
    none = Workspace(tmp_path, Window(ByteTokenizer(), 320))
    assert none.context("a.py", SHOP, "") == ()
    none.shut()
    gone = Workspace(tmp_path / "gone", WINDOW)
    assert gone.ready(LATE) and ask(gone, "a.py", SHOP) == ()
    gone.shut()


def test_many_threads_at_once(workspace: Workspace) -> None:
    failures: list[Exception] = []

    def work(number: int) -> None:
        try:
            for step in range(20):
                workspace.change(f"{number}.py", f"import money\nx = {step}\n" * 3)
                workspace.context(f"{number}.py", "import money\n" * step, "", deadline=0.05)
                workspace.visit(f"{(number + 1) % 4}.py", 0)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
