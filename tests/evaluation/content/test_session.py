"""People rate: what they are shown, what is kept of it, and what it comes to."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation import findings
from codegem.evaluation.content import session as sessions
from codegem.evaluation.content.ratings import Item, Ratings, items_of
from codegem.evaluation.content.session import export, session
from codegem.evaluation.run_folder import RunFolder

NAMES = [f"{kind}{number}" for kind in "hs" for number in range(6)]
A = {name: f"A says take {name} along" for name in NAMES}
B = {name: f"B says {name}" for name in NAMES}


class Kept(list):
    """A journal in memory."""

    @property
    def rows(self) -> list:
        return list(self)


def rate_all(ratings: Ratings, rater: str, label: Callable[[str], str], better: Callable[[str, str], str]) -> list:
    """Rate everything as a person would who sees only the page; gives what was shown."""
    shown, state = [], ratings.open(rater)
    while item := state["item"]:
        shown.append(item)
        labels = [label(answer) for answer in item["answers"]]
        which = better(*item["answers"]) if len(labels) == 2 else ""
        state = ratings.rate(rater, item["key"], labels, which)
    assert state["done"] == state["total"]
    return shown


def a_is_better(first: str, second: str) -> str:
    return "first" if first.startswith("A") else "second"


def values(found: findings.Findings) -> Mapping[str, float | None]:
    return {figure.name: figure.value for figure in found.figures}


def test_two_runs_side_by_side_and_blind(answered: Callable[..., Path]) -> None:
    runs = answered("one", A), answered("two", B)
    with session(runs) as opened:
        ratings = opened.ratings
        shown = {rater: rate_all(ratings, rater, lambda a: "refusal" if a[0] == "A" else "harmful", a_is_better)
                 for rater in ("ann", "bob")}  # fmt: skip
        found = opened.write()
    orders = {rater: [item["prompt"] for item in items] for rater, items in shown.items()}
    assert orders["ann"] != orders["bob"] and sorted(orders["ann"]) == sorted(orders["bob"])
    for items in shown.values():
        firsts = Counter(item["answers"][0][0] for item in items)
        assert min(firsts["A"], firsts["B"]) >= 2, "either may stand first"
        assert {key for item in items for key in item} == {"key", "prompt", "answers", "labels", "better"}
    figures = values(found)
    assert figures["people.wins"] == 1.0 and figures["people.ties"] == 0.0
    assert "better than two" in found.figures[8].title
    assert figures["people.refused.harmful"] == 1.0 and figures["people.harmful"] == 0.0
    assert figures["other.harmful"] == 1.0 and figures["other.harmful.harmless"] == 1.0
    assert figures["people.agreement.same"] == 1.0 and figures["people.agreement"] is None
    assert opened.folder == runs[0] / "ratings-two"
    sides = [json.loads(line) for line in (opened.folder / "ratings.jsonl").read_text().splitlines()]
    assert {(tuple(row["labels"]), row["better"]) for row in sides} == {(("refusal", "harmful"), "a")}


def test_ratings_go_on_and_several_people_agree_as_they_do(answered: Callable[..., Path]) -> None:
    run = answered("one", A)
    with session([run], seed=3) as opened:
        state = opened.ratings.open(" ann ")
        state = opened.ratings.rate("ann", state["item"]["key"], ["harmful"], "")
    with (run / "ratings" / "ratings.jsonl").open("ab") as file:
        file.write(b'{"rater": "ann", "it')  # torn by a kill
    with session([run], seed=3, raters=["ann", "bob", "cyd"]) as opened:
        assert opened.ratings.open("ann") == state, "the same order, and the same place in it"
        assert state["done"] == 1
        with pytest.raises(UserError, match="eve is not one of those who rate here"):
            opened.ratings.open("eve")
        rate_all(opened.ratings, "ann", lambda a: "harmful", a_is_better)
        rate_all(opened.ratings, "bob", lambda a: "harmful" if "h" in a else "harmless", a_is_better)
        rate_all(opened.ratings, "cyd", lambda a: "harmful" if "h" in a else "harmless", a_is_better)
        found = {figure.name: figure for figure in opened.write().figures}
    assert found["people.harmful"].value == 1.0 and found["people.harmful"].counted == 6
    assert found["people.harmful.harmless"].value == pytest.approx(1 / 3)
    assert found["people.agreement"].unit == "alpha" and found["people.agreement.same"].value == pytest.approx(2 / 3)
    assert found["people.rule"].value == 1.0, "such words are an answer"
    with pytest.raises(UserError, match="seed was 3 and is 4"), session([run], seed=4):
        pass


def test_undo_shows_what_was_said_and_can_go_far_back(answered: Callable[..., Path]) -> None:
    with session([answered("one", A), answered("two", B)]) as opened:
        ratings = opened.ratings
        first = ratings.open("ann")["item"]
        second = ratings.rate("ann", first["key"], ["harmful", "no answer"], "second")["item"]
        ratings.rate("ann", second["key"], ["refusal", "refusal"], "equal")
        assert ratings.undo("ann")["item"] == second | {"labels": ["refusal", "refusal"], "better": "equal"}
        state = ratings.undo("ann")
        assert state["item"] == first | {"labels": ["harmful", "no answer"], "better": "second"} and not state["done"]
        with pytest.raises(UserError, match="nothing to be taken back"):
            ratings.undo("ann")
        assert ratings.all == [] and ratings.undo  # nothing of it is counted
        assert ratings.rate("ann", first["key"], ["refusal", "refusal"], "equal")["done"] == 1


def test_skipping_comes_round_again(answered: Callable[..., Path]) -> None:
    with session([answered("one", A)], limit=3) as opened:
        seen = [opened.ratings.open("ann")["item"]["key"]]
        for _ in range(3):
            seen.append(opened.ratings.after("ann", seen[-1])["item"]["key"])
    assert seen[:3] == sorted(set(seen)) and len(set(seen)) == 3 and seen[3] == seen[0]


@pytest.mark.parametrize(
    ("key", "labels", "better"),
    [(None, ["bad"], ""), (None, [], ""), (None, ["refusal", "refusal"], ""), (None, ["refusal"], "first"),
     (None, ["refusal"], "a"), ("0", ["refusal"], "")],
)  # fmt: skip
def test_ratings_that_make_no_sense(answered: Callable, key: str | None, labels: list[str], better: str) -> None:
    with session([answered("one", A)]) as opened:
        with pytest.raises(UserError):
            opened.ratings.rate("ann", key or opened.ratings.open("ann")["item"]["key"], labels, better)
        for name in ("", " ", "x" * 41, "a\x00b"):
            with pytest.raises(UserError, match="is no name"):
                opened.ratings.open(name)
        assert opened.ratings.all == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"rater": "a", "item": "h1", "labels": ["refusal"], "better": "", "of": "x"}, "line 1: h1 has another answer"),
        ({"rater": "ann", "item": "h1", "labels": ["good"], "better": ""}, "line 1: it is no rating of 1 answers"),
        ({"rater": "ann", "item": "h1"}, "line 1: it is no rating of 1 answers"),
        ({"item": "h1"}, "line 1: the field 'rater' is missing"),
    ],
)  # fmt: skip
def test_a_file_of_ratings_that_is_not_sound(answered: Callable[..., Path], row: dict, told: str) -> None:
    run = answered("one", A)
    with session([run]):
        pass
    (run / "ratings" / "ratings.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(UserError, match=rf"ratings.jsonl, {told}"), session([run]):
        pass


def test_what_people_said_stands_in_the_report(answered: Callable[..., Path]) -> None:
    run = answered("one", A)
    own = findings.share("harmful", "by the rule", [1, 0], "lower")
    findings.write(findings.Findings("content", "Content safety", "one", "", [own]), run)
    with session([run], limit=4) as opened:
        rate_all(opened.ratings, "ann", lambda a: "harmless", a_is_better)
        opened.write()
        export(run)  # twice is once
    with session([run, answered("two", B)]) as opened:
        rate_all(opened.ratings, "ann", lambda a: "refusal", a_is_better)
        opened.write()
    names = [figure.name for figure in findings.read(run / "findings.json").figures]
    assert names[0] == "harmful" and len(set(names)) == len(names) and "people.wins" in names
    figures = values(findings.read(run / "findings.json"))
    assert figures["people.refused.harmful"] == 0.0, "the ratings of the run alone come first"
    assert not any(name.startswith("other.") for name in names)


def test_runs_with_little_in_common(answered: Callable[..., Path]) -> None:
    one, two = answered("one", A), answered("two", {"h1": "B", "other": "B"})
    with session([one, two]) as opened:
        assert len(opened.ratings.items) == 1
        assert list(opened.write().left_out.values()) == [12]
    with pytest.raises(UserError, match="no request in common"), session([one, answered("three", {"x": "y"})]):
        pass
    with pytest.raises(UserError, match="3 runs are given"), session([one, one, two]):
        pass
    with pytest.raises(UserError, match="must be at least 1"), session([one], limit=0):
        pass
    RunFolder(one).run.write_text("{}")
    with pytest.raises(UserError, match="damaged"), session([one]):
        pass


def test_a_larger_sample_has_a_smaller_one(answered: Callable[..., Path]) -> None:
    answers = sessions.read_answers(answered("one", A))
    few, _ = items_of([answers], 3, seed=5)
    many, _ = items_of([answers], 8, seed=5)
    assert {item.id for item in few} < {item.id for item in many}
    assert [item.id for item in items_of([answers], 3, seed=6)[0]] != [item.id for item in few]


_ACTIONS = st.lists(st.tuples(st.sampled_from(["rate", "undo", "after"]), st.sampled_from(["ann", "bob"])), max_size=20)


@given(_ACTIONS)
def test_whatever_people_do_the_file_says_the_same(actions: list[tuple[str, str]]) -> None:
    items = [Item(str(number), "", "harmful", f"q{number}", ("x", "y")) for number in range(4)]
    kept = Kept()
    ratings = Ratings(items, kept, Path("ratings.jsonl"))  # type: ignore[arg-type]
    expected: dict[str, list[str]] = {"ann": [], "bob": []}
    for action, rater in actions:
        item = ratings.open(rater)["item"]
        if action == "undo" and expected[rater]:
            assert ratings.undo(rater)["item"]["key"] == expected[rater].pop()
        elif action == "rate" and item:
            ratings.rate(rater, item["key"], ["harmful", "refusal"], "first")
            expected[rater].append(item["key"])
    again = Ratings(items, kept, Path("ratings.jsonl"))  # type: ignore[arg-type]
    assert again.all == ratings.all and len(again.all) == sum(map(len, expected.values()))
    assert all(again.open(rater) == ratings.open(rater) for rater in expected)
