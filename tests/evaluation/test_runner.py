import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codegem.errors import SourceError, UserError
from codegem.evaluation.run_folder import RunFolder
from codegem.evaluation.runner import Sampling, identity, predict, select
from codegem.generate import Chunk, StopReason


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def rows(folder: RunFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in folder.predictions.read_text("utf-8").splitlines()]


def kept(folder: RunFolder) -> list[str]:
    """Every row without its time, in an order of their own."""
    return sorted(json.dumps({**row, "seconds": 0}) for row in rows(folder))


def test_a_row_says_what_was_written_and_what_is_judged(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(3)
    assert predict(bench, bench.problems, doubler(), folder, Sampling()) == {}
    found = {row["task_id"]: row for row in rows(folder)}
    assert list(found) == ["1", "0", "2"], "as they were finished"
    seconds = found["1"].pop("seconds")
    assert found["1"] == {
        "task_id": "1", "completion": "2", "sample": 0, "tokens": 2, "stop_reason": "stop", "raw": " 2\n",
    }  # fmt: skip
    assert found["0"]["stop_reason"] == "length" and 0 <= seconds < 10


def test_a_prompt_that_was_cut_and_a_limit_that_was_lowered_are_noted(
    toy: Any, doubler: Any, folder: RunFolder
) -> None:
    bench, source = toy(2), doubler()
    predict(bench, bench.problems, source, folder, Sampling(), fit=lambda prompt, tokens: (prompt, 4, prompt == "1"))
    assert [(row["task_id"], row["max_tokens"], row.get("cut")) for row in rows(folder)] == [
        ("1", 4, True), ("0", 4, None),
    ]  # fmt: skip
    assert [request.max_tokens for request in source.asked] == [4, 4]


def test_nothing_is_asked_twice_and_more_can_be_added(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench, drawn = toy(4), Sampling(2, temperature=0.5)
    told: list[tuple[str, int, int, str]] = []
    predict(bench, bench.problems[:2], doubler(), folder, Sampling(1, temperature=0.5))
    source = doubler()
    predict(bench, bench.problems, source, folder, drawn, progress=lambda *state: told.append(state))
    assert len(source.asked) == 6 and len(rows(folder)) == 8
    assert told[0] == ("generating toy", 2, 8, "answers") and told[-1][1] == 8
    again = doubler()
    predict(bench, bench.problems, again, folder, drawn)
    assert again.asked == [] and len(rows(folder)) == 8


def test_samples_differ_and_do_not_depend_on_what_else_is_asked(toy: Any, doubler: Any, tmp_path: Path) -> None:
    bench = toy(5)
    together, alone = RunFolder(tmp_path / "a"), RunFolder(tmp_path / "b")
    for each in (together, alone):
        each.path.mkdir()
    predict(bench, bench.problems, doubler(), together, Sampling(3, temperature=1.0, seed=5))
    predict(bench, bench.problems[3:4], doubler(), alone, Sampling(2, temperature=1.0, seed=5))
    of = {(row["task_id"], row["sample"]): row["completion"] for row in rows(together)}
    assert len(set(of.values())) == len(of) == 15, "each has a seed of its own"
    assert {(row["task_id"], row["sample"]): row["completion"] for row in rows(alone)}.items() <= of.items()
    other = Sampling(1, temperature=1.0, seed=6).request(bench.problems[0], 0, lambda prompt, n: (prompt, n, False))
    assert str(other[0].seed) != of["0", 0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_a_run_killed_at_any_byte_ends_as_if_it_had_not_been(
    toy: Any, doubler: Any, tmp_path_factory: pytest.TempPathFactory, cuts: list[float]
) -> None:
    bench, drawn = toy(5), Sampling(2, temperature=0.5)
    whole = RunFolder(tmp_path_factory.mktemp("whole"))
    predict(bench, bench.problems, doubler(), whole, drawn)
    torn = RunFolder(tmp_path_factory.mktemp("torn"))
    written = whole.predictions.read_bytes()
    for cut in cuts:
        torn.predictions.write_bytes(written[: round(cut * len(written))])
        predict(bench, bench.problems, doubler(), torn, drawn)
        assert kept(torn) == kept(whole)
        written = torn.predictions.read_bytes()


def test_a_damaged_row_inside_is_told_by_its_line(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(3)
    predict(bench, bench.problems, doubler(), folder, Sampling())
    lines = folder.predictions.read_bytes().split(b"\n")
    folder.predictions.write_bytes(b"\n".join([lines[0], lines[1][:20], *lines[2:]]))
    with pytest.raises(UserError, match=r"predictions\.jsonl, line 2: it is not JSON"):
        predict(bench, bench.problems, doubler(), folder, Sampling())


def test_what_the_source_loses_is_named_and_asked_again(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(5)
    lost = predict(bench, bench.problems, doubler(loses={3: "timed out"}), folder, Sampling())
    assert lost == {("3", 0): "timed out"} and len(rows(folder)) == 4
    source = doubler()
    assert predict(bench, bench.problems, source, folder, Sampling()) == {}
    assert [request.prompt for request in source.asked] == ["3"]


def test_when_the_source_is_gone_the_rest_is_lost_too(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(5)
    lost = predict(bench, bench.problems, doubler(dies_after=2), folder, Sampling())
    assert lost == {("3", 0): "connection refused", ("2", 0): "the server is gone", ("4", 0): "the server is gone"}
    with pytest.raises(SourceError, match="gone"):  # a run that gets nowhere says so
        predict(bench, bench.problems, doubler(dies_after=0), folder, Sampling())


def test_a_cancelled_answer_is_no_answer(toy: Any, folder: RunFolder) -> None:
    class Cancelled:
        name = "cancelled"

        def generate(self, requests: Any) -> Any:
            yield Chunk(0, "4", 1, StopReason.CANCELLED)
            yield Chunk(1, "2", 1, StopReason.STOP)

    bench = toy(2)
    assert predict(bench, bench.problems, Cancelled(), folder, Sampling()) == {("0", 0): "generating was stopped"}
    assert [row["task_id"] for row in rows(folder)] == ["1"]


def test_an_interrupt_keeps_what_is_done(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(4)

    def interrupt(stage: str, done: int, total: int, unit: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(bench, bench.problems, doubler(), folder, Sampling(), progress=interrupt)
    assert len(rows(folder)) == 3
    predict(bench, bench.problems, doubler(), folder, Sampling())
    assert len(rows(folder)) == 4


def test_a_full_disk_is_one_sentence(toy: Any, doubler: Any, folder: RunFolder) -> None:
    bench = toy(20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(UserError, match=r"predictions\.jsonl can't be written \(File too large\); put that right"):
            predict(bench, bench.problems, doubler(), folder, Sampling())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert folder.predictions.stat().st_size == 1000, "a row is torn, as on a full disk"
    predict(bench, bench.problems, doubler(), folder, Sampling())
    assert len(rows(folder)) == 20


@pytest.mark.parametrize(
    ("arguments", "sentence"), [((0,), "at least 1"), ((3,), "3 samples at temperature 0 are all the same")]
)
def test_sampling_that_makes_no_sense(arguments: tuple[int], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Sampling(*arguments)


def test_problems_are_chosen_by_part_and_number(toy: Callable[..., Any]) -> None:
    bench = toy(4, ("go", "rust"))
    assert [p.task_id for p in select(bench, limit=1)] == ["go/0", "rust/0"]
    assert [p.task_id for p in select(bench, groups=["rust"], limit=2)] == ["rust/0", "rust/1"]
    assert {p.max_tokens for p in select(bench)} == {16} and {p.max_tokens for p in select(bench, max_tokens=3)} == {3}
    for arguments in ({"limit": 0}, {"max_tokens": 0}):
        with pytest.raises(UserError, match="at least 1"):
            select(bench, **arguments)
    with pytest.raises(UserError, match=r"toy has no 'perl'; it has go, rust\."):
        select(bench, groups=["perl"])


def test_the_identity_names_model_benchmark_settings_and_data(toy: Any) -> None:
    assert identity(toy(), "m", {"seed": 1}) == {
        "benchmark": "toy", "model": "m", "settings": {"seed": 1}, "data": {"toy.jsonl": "ab" * 32},
    }  # fmt: skip
