"""Tabby's API: segments to a hole, and what other paths its clients look at."""

from codegem.generate import Infill

from .serving import Served

PATH = "/v1/completions"


def last_request(served: Served):
    return served.service.tickets[-1].request  # type: ignore[attr-defined]


def test_segments_are_a_hole(fake: Served) -> None:
    segments = {"prefix": "a.", "suffix": "\nb", "filepath": "src/a.py", "git_url": "x", "clipboard": "y"}
    answer = fake.post(PATH, {"language": "python", "segments": segments, "temperature": 0.5, "seed": 4}).json()
    assert answer["choices"] == [{"index": 0, "text": "hello again"}] and answer["id"].startswith("cmpl-")
    request = last_request(fake)
    assert request.prompt == Infill("a.", "\nb", "src/a.py") and (request.temperature, request.seed) == (0.5, 4)


def test_other_files_stand_in_the_order_of_training(fake: Served) -> None:
    def some(name: str) -> list[dict]:
        return [{"filepath": f"{name}{score}.py", "body": f"# {name}\n", "score": score} for score in (2, 1)]

    segments = {
        "prefix": "a",
        "relevant_snippets_from_changed_files": some("changed"),
        "relevant_snippets_from_recently_opened_files": some("opened"),
        "declarations": [{"filepath": "file:///usr/lib/typing.py", "body": "def cast(): ..."}],
    }
    body = {"segments": segments, "debug_options": {"return_snippets": True}}
    answer = fake.post(PATH, body).json()
    paths = [path for path, _ in last_request(fake).prompt.context]
    assert paths == ["typing.py", "opened1.py", "opened2.py", "changed1.py", "changed2.py"]
    assert [snippet["filepath"] for snippet in answer["debug_data"]["snippets"]] == paths


def test_line_ends_of_windows_stay(nano: Served) -> None:
    segments = {"prefix": "def add(a, b):\r\n    return a", "suffix": "\r\n", "filepath": "a.py"}
    text = nano.post(PATH, {"segments": segments}).json()["choices"][0]["text"]
    assert "\n" not in text.replace("\r\n", "")


def test_mistakes(fake: Served) -> None:
    for segments, words in ((None, "segments"), ({}, "segments.prefix is missing"), ({"prefix": 1}, "segments.prefix")):
        answer = fake.post(PATH, {"segments": segments})
        assert answer.status_code == 400 and words in answer.text
    answer = fake.post(PATH, {"segments": {"prefix": "a"}, "mode": "next_edit_suggestion"})
    assert answer.status_code == 400 and "next_edit_suggestion" in answer.text


def test_health(fake: Served) -> None:
    for answer in (fake.client.get("/v1/health"), fake.client.post("/v1/health")):
        health = answer.json()
        assert health["model"] == health["chat_model"] == "fake"
        assert {"device", "arch", "cpu_info", "cpu_count", "cuda_devices", "version"} <= set(health)
        assert {"git_describe", "git_sha", "build_date", "build_timestamp"} == set(health["version"])


def test_clients_are_told_to_send_nothing_home(fake: Served) -> None:
    assert fake.client.get("/v1beta/server_setting").json() == {"disable_client_side_telemetry": True}
    assert fake.client.get("/v1beta/models").json() == {"completion": ["fake"], "chat": ["fake"]}
