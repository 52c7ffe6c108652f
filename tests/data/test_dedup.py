"""Exact duplicates, and which of them is kept."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.dedup import fingerprint, mark_duplicates

daft = pytest.importorskip("daft")


def test_white_space_alone_makes_no_difference():
    assert fingerprint("a = 1\n\tb\n") == fingerprint("\n a  = 1\nb")
    assert fingerprint("a = 1") != fingerprint("a = 2")
    assert fingerprint("ab") != fingerprint("a b")


@given(st.text(max_size=30))
def test_every_text_has_a_fingerprint_that_folding_keeps(text: str):
    text = text.encode("utf-8", "replace").decode()
    assert fingerprint(text) == fingerprint(" ".join(text.split()) + "\n")


def test_the_first_by_repository_and_path_is_kept_in_whatever_order_they_come():
    files = [("b", "a.py", "x"), ("a", "z.py", "x"), ("a", "b.py", "x"), ("a-b", "a.py", "x"), ("c", "c.py", "y")]
    wanted = {"a:b.py", "c:c.py"}
    for order in list(permutations(files))[::17]:
        columns = dict(zip(("repository", "path", "fingerprint"), map(list, zip(*order, strict=True)), strict=True))
        rows = mark_duplicates(daft.from_pydict(columns)).to_pylist()
        assert len(rows) == len(files)
        assert {row["kept_as"] for row in rows} == wanted
        assert {row["kept_as"] for row in rows if row["fingerprint"] == "x"} == {"a:b.py"}
