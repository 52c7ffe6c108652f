"""Blocklists: the format, what matches, and mistakes in a file."""

from pathlib import Path

import pytest

from codegem.data.safety.blocklist import Blocklist
from codegem.data.safety.rules import SafetyRules
from codegem.data.safety.safe import make_safe
from codegem.errors import UserError


@pytest.fixture
def blocklist(tmp_path: Path) -> Blocklist:
    path = tmp_path / "list.txt"
    rows = [
        "# a comment",
        "",
        "phrase harm Purple Elephant",
        "phrase rude grün",
        "domain malware evil.example",
        "phrase odd a+b (c",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    return Blocklist.load([path])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x\n# a purple  ELEPHANT, here\n", "harm in line 2"),
        ("purple elephants", None),
        ("unpurple elephant", None),
        ("purple\nelephant", None),
        ("Sehr GRÜN!", "rude in line 1"),
        ("grünlich", None),
        ("get('https://cdn.evil.example/x')", "malware in line 1"),
        ("EVIL.example.", "malware in line 1"),
        ("notevil.example", None),
        ("evil.example.org", None),
        ("evil-example", None),
        ("a+b (c", "odd in line 1"),
        ("purple elephant evil.example", "harm in line 1"),
        ("", None),
    ],
)
def test_what_matches(blocklist: Blocklist, text: str, found: str | None):
    assert blocklist.check([text]) == [("blocklist", found) if found else None]


def test_the_first_line_of_a_text_is_told_and_others_are_left(blocklist: Blocklist):
    texts = ["evil.example\npurple elephant\n", "x = 1\n", "y\npurple elephant"]
    assert blocklist.check(texts) == [("blocklist", "malware in line 1"), None, ("blocklist", "harm in line 2")]
    outcomes = make_safe(texts, ["a.py"] * 3, SafetyRules(), blocklist)
    assert [outcome.rejection is None for outcome in outcomes] == [False, True, False]


def test_many_rows_are_looked_for_in_pieces(tmp_path: Path):
    path = tmp_path / "many.txt"
    path.write_text("".join(f"phrase r{i % 7} word{i} other{i}\n" for i in range(2500)))
    blocklist = Blocklist.load([path])
    assert blocklist.check(["x word2499 other2499", "word1 other2"]) == [("blocklist", "r0 in line 1"), None]


def test_the_hash_is_of_the_rows(tmp_path: Path):
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("phrase a x y\ndomain b c.d.org\n")
    two.write_text("# other order\ndomain   b  C.d.org\nphrase a x  y\n")
    assert Blocklist.load([one]).hash == Blocklist.load([two]).hash == Blocklist.load([one, two]).hash
    two.write_text("phrase b x y\ndomain b c.d.org\n")
    assert Blocklist.load([one]).hash != Blocklist.load([two]).hash


@pytest.mark.parametrize("row", ["phrase", "phrase reason", "word a b", "domain a not_a_domain", "phrase Reason x"])
def test_a_row_that_is_none_is_a_mistake(tmp_path: Path, row: str):
    path = tmp_path / "list"
    path.write_text(f"# fine\n{row}\n")
    with pytest.raises(UserError, match="line 2"):
        Blocklist.load([path])


def test_a_file_that_is_missing_is_a_mistake(tmp_path: Path):
    with pytest.raises(UserError, match="could not be read"):
        Blocklist.load([tmp_path / "none"])


def test_no_rows_block_nothing():
    assert Blocklist(()).check(["a"]) == [None]
