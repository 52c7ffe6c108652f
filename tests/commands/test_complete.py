"""What `codegem complete` gathers of other files."""

from pathlib import Path

from codegem.assist.context import Window
from codegem.assist.cursor import Location, open_at
from codegem.commands.complete import gathered
from codegem.text.tokenizer import ByteTokenizer

WIDE, NARROW = Window(ByteTokenizer(), 2048), Window(ByteTokenizer(), 320)


def test_signatures_of_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "money.py").write_text("def rounded(money):\n    return round(money)\n", "utf-8")
    (tmp_path / "shop.py").write_text("from money import rounded\n\nprint(", "utf-8")
    document = open_at(Location(tmp_path / "shop.py", 3))
    assert gathered(document, WIDE) == ()  # nobody's folder is read that is no project
    (tmp_path / "pyproject.toml").touch()
    assert ("money.py", "def rounded(money): ...\n") in gathered(document, WIDE)
    assert gathered(document, NARROW) == ()
