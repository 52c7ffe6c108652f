"""What became of suggestions, told by Tabby's clients."""

from collections.abc import Callable
from pathlib import Path

import pytest

from codegem.assist.acceptance import Acceptance

from .fakes import FakeService
from .serving import Served

SEGMENTS = {"language": "python", "segments": {"prefix": "secret_name = "}}


@pytest.fixture
def counted(serve: Callable[..., Served], tmp_path: Path) -> Served:
    return serve(FakeService(), acceptance=Acceptance(tmp_path / "counts.sqlite"))


def test_a_suggestion_is_counted_once_in_each_way(counted: Served, tmp_path: Path) -> None:
    id = counted.post("/v1/completions", SEGMENTS).json()["id"]
    for kind in ("view", "view", "select", "select"):
        event = {"type": kind, "completion_id": id, "choice_index": 0, "view_id": "v", "elapsed": 12}
        assert counted.post("/v1/events", event).status_code == 200
    other = counted.post("/v1/completions", SEGMENTS).json()["id"]
    for kind in ("view", "dismiss"):
        counted.post("/v1/events", {"type": kind, "completion_id": other})
    stats = counted.client.get("/codegem/stats").json()
    assert stats["total"] == {
        "shown": 2, "accepted": 1, "dismissed": 1, "characters": 11, "lines": 1, "acceptance": 0.5,
    }  # fmt: skip
    assert [(row["client"], row["language"]) for row in stats["rows"]] == [("tabby", "python")]
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"secret" not in kept and b"hello" not in kept


def test_a_line_only(counted: Served) -> None:
    id = counted.post("/v1/completions", SEGMENTS).json()["id"]
    counted.client.post("/v1/events?select_kind=line", json={"type": "select", "completion_id": id})
    assert counted.client.get("/codegem/stats").json()["total"]["accepted"] == 1


def test_wrong_events_are_refused(counted: Served) -> None:
    for body in ({"type": "hover", "completion_id": "a"}, {"type": "view"}, {"type": "view", "completion_id": 1}):
        assert counted.post("/v1/events", body).status_code == 400
    assert counted.client.get("/codegem/stats").json()["total"]["shown"] == 0


def test_a_broken_file_changes_no_answer(serve: Callable[..., Served], tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"no database" * 1000)
    served = serve(FakeService(), acceptance=Acceptance(tmp_path / "broken"))
    answer = served.post("/v1/completions", SEGMENTS)
    assert answer.status_code == 200
    assert served.post("/v1/events", {"type": "select", "completion_id": answer.json()["id"]}).status_code == 200
    assert served.client.get("/codegem/stats").json()["kept"] is None
    assert (tmp_path / "broken").read_bytes().startswith(b"no database")


def test_without_statistics_events_are_welcome_and_forgotten(fake: Served) -> None:
    assert fake.post("/v1/events", {"type": "view", "completion_id": "a"}).status_code == 200
    assert fake.client.get("/codegem/stats").status_code == 404
