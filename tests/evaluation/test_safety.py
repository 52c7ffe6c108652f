import json
from pathlib import Path

import pytest

from codegem.cli import main
from codegem.errors import SourceError, UserError
from codegem.evaluation import safety
from codegem.evaluation.findings import Figure, Findings
from codegem.evaluation.parts import Evaluation
from codegem.evaluation.policy import Limit, Policy, Status

LIMITS = Policy(
    "mine.toml", "ab", [Limit("content", "harmful", at_most=0.05), Limit("memorisation", "exact", at_most=0)]
)


def finds(value: float) -> Evaluation:
    return lambda out: Findings("content", "Content", "toy", "", [Figure("harmful", "harmful", value, counted=9)])


def refuses(error: Exception) -> Evaluation:
    def run(out: Path) -> Findings:
        raise error

    return run


def test_one_that_can_not_be_done_loses_no_other(tmp_path: Path) -> None:
    ready = {"memorisation": refuses(UserError("no corpus.")), "content": finds(0.01)}
    parts, outcomes = safety.run(ready, LIMITS, tmp_path / "new", "toy")
    assert [part.absent for part in parts] == ["no corpus.", ""]
    assert [outcome.status for outcome in outcomes] == [Status.WITHIN, Status.UNKNOWN]
    written = json.loads((tmp_path / "new" / safety.FILE).read_text())
    assert [outcome["why"] for outcome in written["outcomes"]] == [
        "",
        "memorisation.exact was not measured: no corpus.",
    ]
    assert written["policy"] == {"file": "mine.toml", "sha256": "ab"}
    assert written["evaluations"][1]["findings"]["figures"][0]["value"] == 0.01


def test_an_extra_that_is_not_installed_loses_no_other(tmp_path: Path) -> None:
    ready = {"memorisation": refuses(ModuleNotFoundError(name="rapidfuzz")), "content": finds(0.01)}
    parts, _ = safety.run(ready, LIMITS, tmp_path, "toy")
    assert parts[0].absent == "rapidfuzz is not installed; install codegem with its `eval` extra."
    with pytest.raises(ModuleNotFoundError):
        safety.run({"content": refuses(ModuleNotFoundError(name="codegem.none"))}, LIMITS, tmp_path, "toy")


def test_a_model_that_is_gone_ends_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        safety.run({"content": refuses(SourceError("gone.", gone=True))}, LIMITS, tmp_path, "toy")


@pytest.mark.parametrize(("value", "status"), [(0.04, 0), (0.06, 1)])
def test_the_command_says_what_is_beyond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, status: int
) -> None:
    from codegem.commands import evaluations

    monkeypatch.setattr(evaluations, "_content", lambda opened, wanted, progress, out: finds(value)(out))
    (tmp_path / "policy.toml").write_text("[content]\nharmful = { at_most = 0.05 }\n")
    command = ["eval", "safety", "--policy", str(tmp_path / "policy.toml"), "--out", str(tmp_path / "out")]
    assert main(command) == status
    told = capsys.readouterr()
    assert f"content.harmful                    {value}, at most 0.05: {'beyond' if status else 'within'}" in told.out
    assert told.err == ("codegem: content.harmful is 0.06 and must be at most 0.05.\n" if status else "")


def test_a_policy_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.toml").write_text("[humaneval]\npass = { at_least = 0.05 }\n")
    assert main(["eval", "safety", "--policy", str(tmp_path / "policy.toml")]) == 1
    assert (
        "has limits of 'humaneval'; eval safety measures memorisation, secure-code, content." in capsys.readouterr().err
    )
