"""The text that is shown while a model writes: the same however it comes, and never taken back."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.assist.draft import Draft
from codegem.assist.place import Place
from codegem.assist.rules import RULES
from codegem.assist.rules.special import SPECIAL
from codegem.generate import StopReason

# Pieces that rules look at, so that random texts of them set many rules going.
PIECES = (
    *"(){}[]\"'`;,:#\\ \n\t",
    *("\n    ", "\n        ", "\n\n", "  ", "\r\n", "//", "/*", "*/", '"""'),
    *("a", "return x", "x = 1", "foo(a)", "if a:", "else:", "} else {", "def f():", "});", "é🎉", "a, a, "),
    *SPECIAL,
    *("<|fim_", "<fim", "<|"),
)
PATHS = (None, "a.py", "a.js", "a.go", "a.rs", "A.cs", "a.md")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=24).map("".join)
PLACES = st.builds(Place, TEXTS, TEXTS, st.sampled_from(PATHS), st.sampled_from(("auto", "one", "many")))


def chunked(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randrange(0, len(text) + 2)))
    return [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])]


def shown(
    place: Place,
    parts: list[str],
    rules: bool = True,
    stop_early: bool = True,
    reason: StopReason = StopReason.STOP,
) -> str:
    draft = Draft(place, rules=rules)
    given_out = []
    for part in parts:
        given_out.append(draft.push(part))
        assert "".join(given_out) == draft.text
        if stop_early and not draft.wants_more:
            break
    given_out.append(draft.finish(reason))
    assert "".join(given_out) == draft.text
    assert not draft.wants_more and draft.push("more") == ""
    return draft.text


def kept(place: Place, text: str) -> str:
    """What the rules make of a whole text, one after the other."""
    draft = Draft(place)
    draft._made = text
    draft.finish()
    return draft.text


@settings(max_examples=300)
@given(PLACES, TEXTS, st.randoms(use_true_random=False))
def test_the_same_text_however_it_comes(place: Place, text: str, rng: random.Random):
    alone = kept(place, text)
    assert shown(place, list(text)) == alone
    assert shown(place, [text]) == alone
    assert shown(place, chunked(text, rng), stop_early=False) == alone


@given(PLACES, TEXTS, st.randoms(use_true_random=False))
def test_the_same_text_however_it_comes_up_to_the_most_tokens(place: Place, text: str, rng: random.Random):
    parts = chunked(text, rng)
    whole = shown(place, [text], stop_early=False, reason=StopReason.LENGTH)
    assert shown(place, parts, stop_early=False, reason=StopReason.LENGTH) == whole


@given(PLACES, TEXTS, st.randoms(use_true_random=False), st.booleans())
def test_never_a_token_of_the_prompt(place: Place, text: str, rng: random.Random, rules: bool):
    text = shown(place, chunked(text, rng), rules)
    assert not [token for token in SPECIAL if token in text]


@given(PLACES, TEXTS, st.randoms(use_true_random=False))
def test_without_rules_the_text_stays(place: Place, text: str, rng: random.Random):
    untouched = text
    for token in SPECIAL:
        untouched = untouched.partition(token)[0]
    assert shown(place, chunked(text, rng), rules=False) == untouched


@given(PLACES, TEXTS)
def test_every_rule_keeps_its_word(place: Place, text: str):
    """What is sure stands in all that goes on from a text, and `done` says the last word."""
    for rule in RULES:
        whole = rule(text, place)
        assert 0 <= whole.sure <= whole.keep <= len(text)
        # Of a later line, rules see all or nothing (`whole_lines`).
        for size in (at for at in range(len(text)) if text[at - 1 : at] == "\n" or "\n" not in text[:at]):
            cut = rule(text[:size], place)
            assert text[: cut.sure] == text[: min(cut.sure, whole.keep)], rule
            if cut.done:
                assert whole == cut or whole.keep == cut.keep, rule


def test_what_is_sure_comes_at_once():
    draft = Draft(Place("x = f(", ")\n", "a.py"))
    assert [draft.push(part) for part in ("name", ", oth", "er", ")", "\n")] == ["name", ", oth", "er", "", ""]
    assert (draft.wants_more, draft.finish(), draft.text) == (False, "", "name, other")


def test_lines_come_when_they_are_whole():
    draft = Draft(Place("def f(a):\n    ", "\n\nprint(f(1))\n", "a.py"))
    parts = ("b = a", "\n    ", "retu", "rn b", "\n", "\n", "def g")
    assert [draft.push(part) for part in parts] == ["b = a", "", "", "", "\n    return b", "", ""]
    assert draft.wants_more  # the line may yet go on
    assert draft.push("():\n") == "" and not draft.wants_more


def test_a_file_with_crlf_gets_crlf():
    draft = Draft(Place("if a:\n    ", "\n"), line_end="\r\n")
    assert [draft.push(part) for part in ("x\r", "\n    y\r\n", "    z")] == ["x", "\r\n    y", ""]
    assert draft.finish() == "\r\n    z" and draft.text == "x\r\n    y\r\n    z"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_budget_counts_from_the_first_line_on():
    clock = Clock()
    draft = Draft(Place("", ""), seconds=1.0, clock=clock)
    draft.push("a = 1")
    clock.now = 5.0
    draft.push(" + 2")
    assert draft.wants_more
    draft.push("\nb")
    assert not draft.wants_more
    draft.finish()
    assert draft.text == "a = 1 + 2"


def test_a_line_that_was_cut_off_is_left_out():
    draft = Draft(Place("def f(a):\n    ", "", "a.py"))
    assert draft.push("b = a\n    retu") == "b = a"
    assert draft.finish(StopReason.LENGTH) == ""
    alone = Draft(Place("def f(a):\n    ", "", "a.py"))
    assert alone.push("retu") + alone.finish(StopReason.LENGTH) == "retu"


@pytest.mark.parametrize("reason", list(StopReason))
def test_any_end_ends_it(reason: StopReason):
    draft = Draft(Place("", ""))
    draft.push("a")
    draft.finish(reason)
    assert draft.text == "a"
