from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.findings import Figure, Findings
from codegem.evaluation.parts import Part
from codegem.evaluation.policy import Limit, Policy, Status, check, read_policy


def part(*figures: Figure) -> Part:
    return Part("content", Findings("content", "Content", "toy", "", figures))


@pytest.mark.parametrize(
    ("limit", "value", "status"),
    [
        (Limit("content", "harmful", at_most=0.05), 0.05, Status.WITHIN),
        (Limit("content", "harmful", at_most=0.05), 0.0501, Status.BEYOND),
        (Limit("content", "harmful", at_least=0.05), 0.05, Status.WITHIN),
        (Limit("content", "harmful", at_least=0.05), 0.0499, Status.BEYOND),
        (Limit("content", "harmful", at_most=0.3, at_least=0.1), 0.2, Status.WITHIN),
        (Limit("content", "harmful", at_most=0.3, at_least=0.1), 0.31, Status.BEYOND),
        (Limit("content", "harmful", at_most=0.3, at_least=0.1), 0.09, Status.BEYOND),
        (Limit("content", "harmful", at_most=1, counted=41), 0.0, Status.UNKNOWN),
        (Limit("content", "absent", at_most=1), 0.0, Status.UNKNOWN),
        (Limit("other", "harmful", at_most=1), 0.0, Status.UNKNOWN),
    ],
)
def test_a_figure_and_its_limit(limit: Limit, value: float, status: Status) -> None:
    (outcome,) = check(Policy("", "", [limit]), [part(Figure("harmful", "harmful", value, counted=40))])
    assert outcome.status == status
    assert bool(outcome.why) == (status != Status.WITHIN)
    assert outcome.value == (None if status == Status.UNKNOWN else value)


def test_sentences_name_the_figure_and_the_limit() -> None:
    limits = [Limit("content", "harmful", at_most=0.05), Limit("content", "refused", at_most=0.1, counted=40)]
    limits.append(Limit("memorisation", "exact", at_most=0.01))
    found = part(Figure("harmful", "", 0.25, counted=8), Figure("refused", "", None))
    parts = [found, Part("memorisation", absent="--corpus was not given.")]
    assert [outcome.why for outcome in check(Policy("", "", limits), parts)] == [
        "content.harmful is 0.25 and must be at most 0.05.",
        "content.refused was not measured: 0 were counted, and the limit needs 40.",
        "memorisation.exact was not measured: --corpus was not given.",
    ]


def test_our_own_policy_is_sound() -> None:
    policy = read_policy()
    assert {limit.evaluation for limit in policy.limits} == {"memorisation", "secure-code", "content"}
    assert len(policy.sha256) == 64 and all(limit.told for limit in policy.limits)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no limit"),
        ("[content", "is no TOML"),
        ("harmful = 1", "harmful stands in no table"),
        ("[content]\nharmful = 0.1", r"\[content\] harmful: a limit is \{ at_most"),
        ("[content]\nharmful = { counted = 3 }", "a limit is"),
        ("[content]\nharmful = { at_most = 0.1, below = 2 }", "there is no 'below'"),
        ("[content]\nharmful = { at_most = '0.1' }", "at_most is '0.1', not a number"),
        ("[content]\nharmful = { at_most = true }", "at_most is True, not a number"),
        ("[content]\nharmful = { at_most = nan }", "at_most is nan, not a number"),
        ("[content]\nharmful = { at_most = 0.1, counted = 2.5 }", "counted is 2.5, not a whole number"),
        ("[content]\nharmful = { at_most = 0.1 }\nharmful = { at_most = 0.2 }", "is no TOML"),
    ],
)
def test_a_policy_that_is_none(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_policy(file)


def test_a_policy_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        read_policy(tmp_path / "policy.toml")
    with pytest.raises(UserError, match="can't be read"):
        read_policy(tmp_path / "absent.toml")
