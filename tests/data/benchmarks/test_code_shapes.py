"""What stays of code when names, comments and spaces are replaced."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.benchmarks.code_shapes import _LEFT_OUT, STYLES, Original, bare, shapes

PYTHON = '''
import os


def total(prices, rate=0.2):
    """What all of it costs."""
    found = 0
    for price in prices:
        if price > 10:
            found += price * (1 - rate)  # "cheaper"
    return round(found, 2)
'''
DISGUISED = """
import sys
def f ( a,b = 0.2 ) :

\t# a comment
\tc=0
\tfor x in a :
\t\tif x>10 :

\t\t\tc += x*(1-b)
\treturn round(c,2)
"""


def codes(text: str, style: str = "#") -> list[int]:
    return shapes([text], style).codes.tolist()


def test_names_comments_and_spaces_make_no_difference():
    assert codes(PYTHON) == codes(DISGUISED)
    assert shapes([PYTHON], "#").named.tolist() == [*shapes([DISGUISED], "#").named.tolist()]
    script = "/* sums\n it */ function f(a) {\n  // all\n  return a.b + 'it';\n}"
    assert codes(script, "//") == codes('function g ( x ){return x.y+"to";}', "//")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("found += price", "found += prices"),
        ("price > 10", "price > 11"),
        ("price > 10", "price >= 10"),
        ("if price", "while price"),
        ("for price in prices", "for price in found"),
    ],
)
def test_what_the_code_does_makes_a_difference(old: str, new: str):
    assert codes(PYTHON) != codes(PYTHON.replace(old, new))


def test_built_in_names_and_attributes_stand_for_themselves_among_the_named():
    one, other = (shapes([text], "#") for text in ("a.lower() + len(b)", "x.upper() + sum(y)"))
    assert one.codes.tolist() == other.codes.tolist()
    assert one.named.tolist() != other.named.tolist()
    renamed = shapes(["x.lower() + len(y)"], "#")
    assert one.named.tolist() == renamed.named.tolist()


def test_a_function_does_not_depend_on_what_stands_before_it():
    alone, behind = codes(PYTHON), codes("total = prices = rate = found\n" + PYTHON.lstrip().split("\n", 1)[1])
    start = 2  # tokens of the import
    assert behind[-len(alone[start:]) :] == alone[start:]
    batch = shapes(["x = y", PYTHON, ""], "#")
    assert batch.codes[batch.bounds[1] : batch.bounds[2]].tolist() == alone


@pytest.mark.parametrize("style", STYLES)
@given(text=st.text(st.sampled_from("\"'#/*\\\n ar漢"), max_size=60))
def test_both_engines_read_the_pattern_alike_and_lines_are_found(style: str, text: str):
    left = re.sub(_LEFT_OUT[style].replace(r"\z", r"\Z"), "", text)
    assert bare([text], style)[0].as_py() == left
    read = shapes([text], style)
    for start in read.starts.tolist():
        token = left.encode()[start:][:1]
        line = text.split("\n")[Original(text, style).line(start) - 1]
        assert token in line.encode()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("evil", ['"', "'", '\\"', "/*", "/* '' ", '"""\\', "'''\"", '\n"""', '"\\\n', "r'''"])
def test_hostile_texts_take_no_longer(style: str, evil: str):
    text = evil * (300_000 // len(evil))  # a search that starts over would take hours
    assert len(bare([text], style)[0].as_py()) <= len(text)


def test_where_a_piece_of_code_is_over():
    text = "class A:\n    def f(a):\n        return a\n    x = 1\ndef g(a):\n    return (\n        a)\n"
    read = shapes([text], "#")
    starts = [text[start:].split(None, 1)[0] for start in read.starts.tolist()]
    define, after = starts.index("def"), starts.index("x")
    assert read.span(0, define, after) == (text.index("def"), text.index("\n    x"))
    assert read.span(0, define, after - 1) is None
    last = starts.index("def", after)
    assert read.span(0, last, len(starts)) == (text.index("def g"), len(text) - 1), "with the end of the text"


def test_strings_are_found_by_place():
    text = 'f(\'a\')  # \'b\'\ndef g():\n    "doc"\n    """doc"""\n    return \'é\' + "c"\n'
    original, left = Original(text, "#"), bare([text], "#")[0].as_py()
    assert original.strings() == ["a", "doc", "é", "c"]
    assert original.strings(left.index("return"), len(left)) == ["é", "c"]
    assert original.line(left.index("return")) == 5
