"""Tasks over sources: each once, the largest first, and never again what is done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegem.data.dataframes import start
from codegem.data.repositories import Source
from codegem.data.tasks import Progress, Workers
from codegem.errors import UserError

pytest.importorskip("daft")

SIZES = {"a": 10, "b": 300, "c": 20, "d": 300, "e": 1}


@pytest.fixture(autouse=True)
def daft():
    return start("local")


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    for name, size in SIZES.items():
        (tmp_path / f"{name}.zip").write_bytes(b"x" * size)
    (tmp_path / "out").mkdir()
    return [Source(name, tmp_path / f"{name}.zip", "zip") for name in SIZES]


def target(source: Source) -> Path:
    return source.location.parent / "out" / source.name


def leaving(but: str = "") -> Callable[[Source], None]:
    """A task that leaves its file, but for one source, and notes its name: what it runs in has a memory of its own."""

    def task(source: Source) -> None:
        with (source.location.parent / "done").open("a") as file:
            file.write(source.name)
        if source.name != but:
            target(source).write_text(f"{source.name} {source.kind}")

    return task


def done(sources: list[Source]) -> str:
    return (sources[0].location.parent / "done").read_text()


def copy(source: Source) -> None:
    target(source).write_bytes(source.location.read_bytes())


def test_every_source_is_done_once_the_largest_first(sources: list[Source]):
    Workers(1, lambda event: None).do("reading", sources, target, leaving())
    assert done(sources) == "bdcae"
    assert [target(source).read_text() for source in sources] == [f"{name} zip" for name in SIZES]


def test_what_is_done_is_not_done_again(sources: list[Source]):
    target(sources[1]).write_text("of an earlier build")
    Workers(1, lambda event: None).do("reading", sources, target, leaving())
    assert sorted(done(sources)) == ["a", "c", "d", "e"] and target(sources[1]).read_text() == "of an earlier build"
    Workers(1, lambda event: None).do("reading", sources, target, leaving())
    assert len(done(sources)) == 4


def test_progress_counts_bytes_from_what_is_done_to_the_end(sources: list[Source]):
    events: list[Progress] = []
    target(sources[3]).touch()
    Workers(1, events.append).do("packing", sources, target, leaving())
    assert [event.done for event in events] == [300, 600, 620, 630, 631]
    assert {(event.stage, event.total, event.unit) for event in events} == {("packing", 631, "bytes")}
    events.clear()
    Workers(1, events.append).do("packing", sources, target, leaving())
    assert events == [Progress("packing", 631, 631, "bytes")]


def test_no_sources_are_no_work():
    events: list[Progress] = []
    Workers(1, events.append).do("reading", [], target, leaving())
    assert events == [Progress("reading", 0, 0, "bytes")]


def test_a_task_that_leaves_nothing_stops_the_build(sources: list[Source]):
    with pytest.raises(RuntimeError, match="reading: 1 of 5 tasks left nothing, c among them"):
        Workers(1, lambda event: None).do("reading", sources, target, leaving(but="c"))


def test_what_a_task_raises_is_told_and_what_was_done_stays(sources: list[Source]):
    def task(source: Source) -> None:
        if source.name == "c":
            raise ValueError("this one is broken")
        copy(source)

    with pytest.raises(Exception, match="this one is broken"):
        Workers(1, lambda event: None).do("reading", sources, target, task)
    assert target(sources[1]).exists() and not target(sources[2]).exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sentence_for_the_user_comes_back_whole(sources: list[Source], workers: int):
    def task(source: Source) -> None:
        if source.name == "a":
            raise UserError("First line.\nSecond line.")
        if source.name == "e":
            raise OSError(28, "No space left on device")
        copy(source)

    with pytest.raises(UserError) as told:
        Workers(workers, lambda event: None).do("reading", sources[:4], target, task)
    assert str(told.value) == "First line.\nSecond line."
    with pytest.raises(UserError, match=r"Writing to .*out failed: No space left on device"):
        Workers(workers, lambda event: None).do("reading", sources[4:], target, task)


def test_two_workers_do_what_one_does(sources: list[Source]):
    Workers(2, lambda event: None).do("reading", sources, target, copy)
    assert [target(source).stat().st_size for source in sources] == list(SIZES.values())
