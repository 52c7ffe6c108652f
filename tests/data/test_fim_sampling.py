"""Holes: where they begin and end, how often, and that chance is seeded by name alone."""

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Node, Tree

import codegem
from codegem.data.fim_sampling import FimRules, draw_cut, draw_hole, draw_span, generator
from codegem.text.boundaries import KINDS, Kind
from codegem.text.fim import Hole, Order
from codegem.text.syntax import TooHardToParse, parse

from ..text.natural import MARKED, natural_points

RULES = FimRules()
LINES = FimRules(middle="lines", suffix_start="line")
MIDDLES = ("characters", "nodes", "lines", "random")
SUFFIX_STARTS = ("syntax", "line", "random")
TEXT = "".join(f"def f{n}(x):\n    y = x + {n}\n\n    return y\n\n\n" for n in range(20))
PATHS = ("a.py", "a.js", "a.tsx", "A.java", "a.kt", "a.go", "a.rs", "a.c", "a.cpp", "A.cs")


class Part(NamedTuple):
    """A file or a part of one, with what a slow walk over its whole tree says of it."""

    text: str
    tree: Tree
    start: int  # byte
    natural: frozenset[int]  # bytes of the whole file
    nodes: frozenset[tuple[int, int]]


def parts_of(path: str, text: str, lines: int) -> list[Part]:
    tree = parse(text.encode(), path)
    assert tree is not None
    natural, nodes = frozenset(natural_points(tree)), frozenset(named_nodes(tree.root_node))
    rows = text.splitlines(keepends=True)
    pieces = ["".join(rows[i : i + lines]) for i in range(0, len(rows), lines)]
    parts, start = [Part(text, tree, 0, natural, nodes)], 0
    for piece in pieces:
        parts.append(Part(piece, tree, start, natural, nodes))
        start += len(piece.encode())
    return parts


def named_nodes(root: Node) -> list[tuple[int, int]]:
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.is_named:
            found.append((node.start_byte, node.end_byte))
    return found


@cache
def corpus() -> tuple[Part, ...]:
    """Files of this package and pieces of ten languages, whole and cut between lines."""
    root = Path(codegem.__file__).parent
    files = [(path.name, path.read_text("utf-8")) for path in sorted(root.rglob("*.py"))[::3]]
    files += [(path, marked.replace("¦", "")) for path, marked in MARKED]
    return tuple(part for path, text in files if text.strip() for part in parts_of(path, text, 60) if part.text.strip())


def byte_of(part: Part, character: int) -> int:
    return part.start + len(part.text[:character].encode())


def draws(rules: FimRules, text: str = TEXT, number: int = 2000) -> list[Hole]:
    tree = parse(text.encode(), "a.py")
    holes = [draw_hole(text, rules, generator("test", n), tree) for n in range(number)]
    return [hole for hole in holes if hole]


@pytest.mark.parametrize(
    ("middle", "number"), [("characters", 100_000), ("nodes", 20_000), ("random", 20_000), ("lines", 20_000)]
)
def test_rate_share_and_natural_points_hold_over_many_examples(middle: str, number: int):
    rules = replace(RULES, rate=0.8, middle=middle)
    counts: Counter[str] = Counter()
    parts = corpus()
    for n in range(number):
        part, rng = parts[n % len(parts)], generator("many", n)
        if rng.random() >= rules.rate:
            continue
        hole = draw_hole(part.text, rules, rng, part.tree, part.start)
        if hole is None:
            counts["no place"] += 1
            continue
        counts["holes"] += 1
        counts[hole.order] += 1
        assert hole.middle
        assert hole.prefix + hole.middle + hole.suffix == part.text
        end = byte_of(part, len(hole.prefix) + len(hole.middle))
        assert not hole.suffix or end in part.natural
        counts["unnatural"] += end not in part.natural
    assert abs(counts["holes"] / number - 0.8) < 0.01
    assert abs(counts[Order.PSM] / counts["holes"] - 0.5) < 0.01
    assert counts["unnatural"] / counts["holes"] < 0.05  # ends of parts
    assert not counts["no place"]


@given(data=st.data(), path=st.sampled_from(PATHS), seed=st.integers(0, 1000))
def test_a_hole_divides_any_part_of_any_text(data: st.DataObject, path: str, seed: int):
    code = data.draw(st.sampled_from([marked.replace("¦", "") for name, marked in MARKED if name == path] + [""]))
    noise = data.draw(st.text(max_size=20))
    place = data.draw(st.integers(0, len(code)))
    whole = code[:place] + noise + code[place:]
    first, last = sorted((data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))))
    rules = FimRules(
        middle=data.draw(st.sampled_from(MIDDLES)),
        suffix_start=data.draw(st.sampled_from(SUFFIX_STARTS)),
        ends=tuple(data.draw(st.lists(st.sampled_from(KINDS), min_size=1))),
        max_length=data.draw(st.sampled_from([1, 5, 40, 2048])),
    )
    tree = parse(whole.encode(), path)
    text, start = whole[first:last], len(whole[:first].encode())
    hole = draw_hole(text, rules, generator(seed), tree, start)
    if hole is None:
        assert not text.strip()
        return
    assert hole.prefix + hole.middle + hole.suffix == text
    assert hole.middle
    if hole.suffix and rules.suffix_start == "syntax":
        assert tree is not None
        assert start + len((hole.prefix + hole.middle).encode()) in natural_points(tree)
    if hole.suffix and rules.suffix_start == "line" and rules.middle != "nodes":
        assert hole.suffix.startswith("\n")


@given(
    text=st.text(max_size=80),
    seed=st.integers(0, 1000),
    middle=st.sampled_from(MIDDLES),
    suffix_start=st.sampled_from(SUFFIX_STARTS),
)
def test_without_a_tree_syntax_is_lines(text: str, seed: int, middle: str, suffix_start: str):
    hole = draw_hole(text, replace(RULES, middle=middle, suffix_start=suffix_start), generator(seed))
    if hole is None:
        return
    assert hole.prefix + hole.middle + hole.suffix == text
    assert hole.middle
    if suffix_start != "random":
        assert hole.suffix == "" or hole.suffix.startswith("\n")


def test_a_text_that_is_no_unicode_does_not_crash():
    text = "x = '\udc80\ud800'\ny = 1\n" * 5
    tree = parse(text.encode("utf-8", "surrogatepass"), "a.py")
    for seed in range(300):
        for middle in MIDDLES:
            hole = draw_hole(text, replace(RULES, middle=middle), generator(seed), tree)
            assert hole is None or hole.prefix + hole.middle + hole.suffix == text


@pytest.mark.parametrize("text", ["", "\n", "   \n\t\n"])
@pytest.mark.parametrize("middle", MIDDLES)
def test_a_blank_text_has_no_place_for_a_hole(text: str, middle: str):
    rules = replace(RULES, middle=middle)
    tree = parse(text.encode(), "a.py")
    assert all(draw_hole(text, rules, generator(seed), tree) is None for seed in range(30))


def test_a_cut_is_a_hole_in_numbers():
    tree = parse(TEXT.encode(), "a.py")
    for seed in range(50):
        cut, hole = draw_cut(TEXT, RULES, generator(seed), tree), draw_hole(TEXT, RULES, generator(seed), tree)
        assert cut is not None and hole is not None
        assert (cut.start, cut.end) == draw_span(TEXT, RULES, generator(seed), tree)
        assert Hole(TEXT[: cut.start], TEXT[cut.start : cut.end], TEXT[cut.end :], cut.order) == hole


def test_middles_begin_at_every_character_alike():
    starts = Counter(10 * len(hole.prefix) // len(TEXT) for hole in draws(RULES, number=5000))
    assert all(0.08 < starts[tenth] / 5000 < 0.12 for tenth in range(10))


def test_middles_have_many_lengths_and_ends():
    holes = [draw_hole(part.text, RULES, generator(n), part.tree, part.start) for n, part in enumerate(corpus() * 10)]
    lengths = sorted(len(hole.middle) for hole in holes if hole)
    tenths = [lengths[len(lengths) * tenth // 10] for tenth in range(10)]
    assert 4 * tenths[1] < 2 * tenths[4] < tenths[8]
    # A directive of C takes its line end with it, so that can be all of a middle.
    assert sum(not hole or not hole.middle.strip() for hole in holes) < 0.01 * len(holes)
    nexts = Counter(hole.suffix[:1] for hole in holes if hole)
    assert nexts["\n"] / nexts.total() < 0.8 and min(nexts[")"], nexts[","], nexts["\n"], nexts["]"]) > 10


def test_middles_are_no_longer_than_the_rules_say():
    rules = replace(RULES, max_length=60)
    lengths = [len(hole.middle) for hole in draws(rules)]
    assert max(lengths) <= 60
    assert max(len(hole.middle) for hole in draws(replace(rules, suffix_start="random"))) <= 60


def test_where_nothing_ends_within_the_length_the_middle_is_longer():
    text = "x = '" + "a" * 500 + "'\ny = 1\n"
    holes = [hole for hole in draws(replace(RULES, max_length=20), text) if 5 <= len(hole.prefix) < 400]
    assert holes and all(hole.suffix == "\ny = 1\n" for hole in holes)


def test_wider_ends_give_longer_middles():
    def mean(*ends: Kind) -> float:
        holes = draws(replace(RULES, ends=ends, max_length=200))
        return sum(len(hole.middle) for hole in holes) / len(holes)

    means = [mean(kind) for kind in KINDS]
    assert means == sorted(means)
    assert means[0] + 1 < mean(*KINDS) < means[-1] - 1
    ends = {hole.suffix[:1] for hole in draws(replace(RULES, ends=("statement", "block")))}
    assert ends <= {"\n", ""}


@pytest.mark.parametrize("suffix_start", SUFFIX_STARTS)
def test_a_node_is_masked_whole(suffix_start: str):
    rules = replace(RULES, middle="nodes", suffix_start=suffix_start)
    others = 0
    for n, part in enumerate(corpus() * 5):
        span = draw_span(part.text, rules, generator(n), part.tree, part.start)
        assert span is not None
        span = byte_of(part, span[0]), byte_of(part, span[1])
        # Where a part of a file holds no whole node, other characters are drawn.
        is_whole = len(part.text.encode()) == part.tree.root_node.end_byte
        assert span in part.nodes or not is_whole
        others += span not in part.nodes
    assert others < 0.03 * len(corpus() * 5)


def test_masked_nodes_come_in_many_sizes():
    holes = draws(replace(RULES, middle="nodes"))
    middles = {hole.middle for hole in holes}
    assert {"x", "def f7(x):\n    y = x + 7\n\n    return y", "return y"} & middles
    lengths = Counter(min(5, len(hole.middle) // 8) for hole in holes)
    assert all(lengths[size] > 50 for size in (0, 1, 3, 4))


def test_middles_of_one_line_are_common_and_long_ones_are_bounded():
    lines = Counter(sum(1 for line in hole.middle.split("\n") if line.strip()) for hole in draws(LINES))
    assert 0.2 < lines[1] / lines.total() < 0.3
    assert max(lines) == LINES.max_lines


def test_lines_end_where_code_does():
    assert all(hole.middle.rstrip(" ")[-1:] != "\n" for hole in draws(LINES))
    anywhere = draws(replace(LINES, suffix_start="random"))
    assert sum(hole.suffix.startswith("\n") for hole in anywhere) < 0.3 * len(anywhere)


def test_half_of_the_lines_begin_where_a_cursor_would_be():
    holes = draws(LINES)
    at_end = sum(hole.middle.startswith("\n") for hole in holes) / len(holes)
    after_indent = sum(not hole.prefix.split("\n")[-1].strip() for hole in holes) / len(holes)
    assert 0.2 < at_end < 0.3
    assert after_indent > 0.25  # and some of the random ones
    nowhere = draws(replace(LINES, cursor_share=0.0))
    assert not any(hole.middle.startswith("\n") for hole in nowhere)


def test_nano_goes_on_with_the_holes_it_was_trained_on():
    tree = parse(TEXT.encode(), "a.py")
    rules = replace(LINES, max_lines=8)
    cuts = [draw_cut(TEXT, rules, generator("nano", n), tree) for n in range(8)]
    # What the code that made nano's data drew.
    assert cuts == [
        (722, 808, "spm"),
        (801, 837, "psm"),
        (579, 593, "psm"),
        (393, 421, "psm"),
        (775, 837, "spm"),
        (161, 188, "psm"),
        (413, 450, "spm"),
        (235, 256, "spm"),
    ]


def test_orders_come_in_their_shares():
    orders = Counter(hole.order for hole in draws(replace(RULES, psm_share=0.3, spm=Order.SPM_JOINED)))
    assert set(orders) == {Order.PSM, Order.SPM_JOINED}
    assert 0.26 < orders[Order.PSM] / orders.total() < 0.34


def test_random_middles_are_long():
    holes = draws(replace(RULES, middle="random", suffix_start="random"))
    mean = sum(len(hole.middle) for hole in holes) / 2000
    assert 0.3 < mean / len(TEXT) < 0.37  # a third


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "x = " + "(" * 20_000 + "1" + ")" * 20_000),
        ("a.rs", "f!(" + "(" * 20_000),
        ("a.kt", "a " * 20_000),
        ("a.java", "a b c " * 5000),
        ("a.c", "}" * 20_000),
    ],
)
def test_strange_trees_get_holes(path: str, text: str):
    try:
        tree = parse(text.encode(), path)
    except TooHardToParse:
        return
    for middle in MIDDLES:
        for seed in range(10):
            span = draw_span(text, replace(RULES, middle=middle), generator(seed), tree)
            assert span is None or 0 <= span[0] < span[1] <= len(text)
