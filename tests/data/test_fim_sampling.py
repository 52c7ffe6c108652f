"""Holes: where they begin and end, how often, and that chance is seeded by name alone."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.fim_sampling import FimRules, draw_hole, generator, render_context
from codegem.data.records import FilePart, PackedContext
from codegem.text.fim import Hole, Order, Role, parse
from codegem.text.tokenizer import Tokenizer

RULES = FimRules()
TEXT = "".join(f"def f{n}(x):\n    y = x + {n}\n\n    return y\n\n\n" for n in range(20))


def draws(rules: FimRules, text: str = TEXT, number: int = 2000) -> list[Hole]:
    holes = [draw_hole(text, rules, generator("test", n)) for n in range(number)]
    return [hole for hole in holes if hole]


@given(
    text=st.text(max_size=80),
    seed=st.integers(0, 1000),
    middle=st.sampled_from(["lines", "uniform"]),
    suffix_start=st.sampled_from(["line", "random"]),
)
def test_a_hole_divides_any_text(text: str, seed: int, middle: str, suffix_start: str):
    rules = replace(RULES, middle=middle, suffix_start=suffix_start)
    hole = draw_hole(text, rules, generator(seed))
    if hole is None:
        return
    assert hole.prefix + hole.middle + hole.suffix == text
    assert hole.middle
    if suffix_start == "line":
        assert hole.suffix == "" or hole.suffix.startswith("\n")


@pytest.mark.parametrize("text", ["", "\n", "   \n\t\n"])
@pytest.mark.parametrize("middle", ["lines", "uniform"])
def test_a_blank_text_has_no_place_for_a_hole(text: str, middle: str):
    assert all(draw_hole(text, replace(RULES, middle=middle), generator(seed)) is None for seed in range(30))


def test_middles_of_one_line_are_common_and_long_ones_are_bounded():
    lines = Counter(sum(1 for line in hole.middle.split("\n") if line.strip()) for hole in draws(RULES))
    assert 0.2 < lines[1] / lines.total() < 0.3
    assert max(lines) == RULES.max_lines


def test_middles_end_where_code_does():
    assert all(hole.middle.rstrip(" ")[-1:] != "\n" for hole in draws(RULES))


def test_half_of_the_middles_begin_where_a_cursor_would_be():
    holes = draws(RULES)
    at_end = sum(hole.middle.startswith("\n") for hole in holes) / len(holes)
    after_indent = sum(not hole.prefix.split("\n")[-1].strip() for hole in holes) / len(holes)
    assert 0.2 < at_end < 0.3
    assert after_indent > 0.25  # and some of the random ones
    nowhere = draws(replace(RULES, cursor_share=0.0))
    assert not any(hole.middle.startswith("\n") for hole in nowhere)


def test_orders_come_in_their_shares():
    orders = Counter(hole.order for hole in draws(replace(RULES, psm_share=0.3, spm=Order.SPM_JOINED)))
    assert set(orders) == {Order.PSM, Order.SPM_JOINED}
    assert 0.26 < orders[Order.PSM] / orders.total() < 0.34


def test_uniform_middles_are_long():
    mean = sum(len(hole.middle) for hole in draws(replace(RULES, middle="uniform"))) / 2000
    assert 0.3 < mean / len(TEXT) < 0.37  # a third


def test_the_choice_depends_on_the_name_alone(bytes_tokenizer: Tokenizer):
    files = tuple(FilePart(f"{n}.py", TEXT[: 100 + n]) for n in range(8))

    def contents(repository: str, files: tuple[FilePart, ...], seed: int) -> dict[str | None, object]:
        (rendered,) = render_context(PackedContext(repository, files), bytes_tokenizer, RULES, seed, 10_000)
        return {file.path: file.content for file in parse(rendered.tokens, bytes_tokenizer)}

    first = contents("r", files, 0)
    assert contents("r", files[::-1], 0) == first
    assert contents("r", files[:1], 0) == {"0.py": first["0.py"]}
    assert contents("other", files, 0) != first
    assert contents("r", files, 1) != first


def test_files_get_holes_at_the_rate(bytes_tokenizer: Tokenizer):
    for rate in (0.0, 0.6, 1.0):
        files = tuple(FilePart(f"{n}.py", "def f(x):\n    return x + 1\n\n\nprint(f(2))\n") for n in range(400))
        rules = replace(RULES, rate=rate, cursor_share=0.0)
        (rendered,) = render_context(PackedContext("r", files), bytes_tokenizer, rules, 0, 100_000)
        holes = rendered.tokens.count(bytes_tokenizer.special.fim_middle)
        assert abs(holes / 400 - rate) < 0.06
        assert rendered.roles.count(Role.PATH) == sum(len(file.path) + 1 for file in files)


@given(room=st.integers(0, 12))
def test_holes_that_do_not_fit_are_drawn_again_or_left(tokenizer: Tokenizer, room: int):
    context = PackedContext("r", (FilePart("a.py", TEXT[:300]),))
    whole = render_context(context, tokenizer, replace(RULES, rate=0.0), 0, 10_000)[0]
    (rendered,) = render_context(context, tokenizer, RULES, 0, len(whole.tokens) + room)
    assert len(rendered.tokens) <= len(whole.tokens) + room
    (file,) = parse(rendered.tokens, tokenizer)
    content = file.content
    text = content if isinstance(content, str) else content.prefix + content.middle + content.suffix
    assert text == TEXT[:300]


def test_a_context_that_is_longer_than_counted_is_divided_without_loss(bytes_tokenizer: Tokenizer):
    context = PackedContext("r", (FilePart("a.py", TEXT[:300]), FilePart("b.py", "x" * 90)))
    rendered = render_context(context, bytes_tokenizer, replace(RULES, rate=0.0), 0, 64)
    texts: dict[str | None, str] = {}
    for part in rendered:
        assert len(part.tokens) <= 64
        for file in parse(part.tokens, bytes_tokenizer):
            assert isinstance(file.content, str)
            texts[file.path] = texts.get(file.path, "") + file.content
    assert texts == {"a.py": TEXT[:300], "b.py": "x" * 90}


def test_a_context_that_cannot_hold_a_character_is_refused(bytes_tokenizer: Tokenizer):
    with pytest.raises(ValueError, match="does not fit"):
        render_context(PackedContext("r", (FilePart("a.py", "xy"),)), bytes_tokenizer, RULES, 0, 7)
