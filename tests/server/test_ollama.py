"""Ollama's API: what each field means, in the shapes that its clients read."""

import json
from collections.abc import Callable

import httpx
import pytest

from codegem.generate import Conversation, Infill
from codegem.server.ollama_bodies import laid_out
from codegem.text.chat import Turn

from .fakes import FakeService
from .serving import Served, eventually


def lines(served: Served, path: str, body: dict) -> list[dict]:
    return [json.loads(line) for line in served.events(path, body)]


def asked(served: Served) -> object:
    """What the model was asked for last."""
    return served.service.tickets[-1].request  # type: ignore[attr-defined]


def test_a_stream_is_what_comes_unless_said_otherwise(fake: Served) -> None:
    *parts, last = lines(fake, "/api/generate", {"model": "x", "prompt": "a", "suffix": "\nb"})
    assert "".join(part["response"] for part in parts) == "hello again"
    assert all(not part["done"] and part["model"] == "fake" and part["created_at"].endswith("Z") for part in parts)
    assert last["done"] and last["done_reason"] == "stop" and last["response"] == ""
    assert {name: last[name] for name in ("prompt_eval_count", "eval_count")} == {
        "prompt_eval_count": 7,
        "eval_count": 2,
    }
    assert (last["prompt_eval_duration"], last["eval_duration"]) == (100_000_000, 200_000_000)
    assert all(isinstance(value, int) for name, value in last.items() if name.endswith(("_duration", "_count")))


def test_one_object_if_asked(fake: Served) -> None:
    answer = fake.post("/api/generate", {"prompt": "a", "suffix": "", "stream": False})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["response"] == "hello again" and answer.json()["done"]


@pytest.mark.parametrize(
    ("body", "prompt"),
    [
        ({"prompt": "a.", "suffix": "b"}, Infill("a.", "b")),
        ({"prompt": "a.", "suffix": ""}, Infill("a.", "")),
        ({"prompt": "", "suffix": "b"}, Infill("", "b")),
        ({"prompt": "a", "raw": True}, "a"),
        ({"prompt": "<fim_prefix>a.<fim_suffix>b<fim_middle>", "raw": True}, Infill("a.", "b")),
        ({"prompt": "p.py\n<|fim_prefix|>a.<|fim_suffix|>b<|fim_middle|>", "raw": True}, Infill("a.", "b", "p.py")),
        ({"prompt": "x = '<|fim_prefix|>'", "raw": True}, "x = '<|fim_prefix|>'"),
        ({"prompt": "a", "template": "# {{ .System }}\n{{ .Prompt }}", "system": "s"}, "# s\na"),
        ({"prompt": "a"}, Conversation((Turn("user", "a"),))),
        ({"prompt": "a", "system": "s"}, Conversation((Turn("user", "s\n\na"),))),
    ],
)
def test_what_is_asked(fake: Served, body: dict, prompt: object) -> None:
    assert fake.post("/api/generate", {**body, "stream": False}).status_code == 200
    assert asked(fake).prompt == prompt  # type: ignore[attr-defined]


def test_a_model_that_does_not_chat_continues(serve: Callable[..., Served]) -> None:
    served = serve(FakeService())
    assert served.post("/api/generate", {"prompt": "a", "system": "s", "stream": False}).status_code == 200
    assert asked(served).prompt == "a"  # type: ignore[attr-defined]


def test_a_template_with_a_suffix_lays_nothing_out() -> None:
    template = "<PRE> {{ .Prompt }} <SUF>{{ .Suffix }} <MID>"
    assert laid_out({"prompt": "a", "suffix": "b", "template": template}) == ("a", "b")
    assert laid_out({"prompt": "a", "template": "{{ if .System }}x{{ end }}{{ .Prompt }}"}) == ("a", None)
    assert laid_out({"prompt": "{{ .System }}", "system": "s", "template": "{{.Prompt}}"}) == ("{{ .System }}", None)


def test_options(fake: Served) -> None:
    options = {
        "num_predict": 1, "temperature": 0.5, "top_k": 3, "top_p": 0.25, "seed": 9, "stop": ["\n"], "num_gpu": 1,
    }  # fmt: skip
    body = {"prompt": "a", "suffix": "", "stream": False, "options": options, "keep_alive": "5m"}
    assert fake.post("/api/generate", body).json()["done_reason"] == "length"
    request = asked(fake)
    given = (request.max_tokens, request.temperature, request.top_k, request.top_p, request.seed)  # type: ignore[attr-defined]
    assert given == (1, 0.5, 3, 0.25, 9) and "\n" in request.stop  # type: ignore[attr-defined]


def test_lengths(fake: Served) -> None:
    window = fake.state.window.length

    def length(**options: int) -> int:
        fake.post("/api/generate", {"prompt": "a" * 100, "raw": True, "stream": False, "options": options})
        return asked(fake).max_tokens  # type: ignore[attr-defined]

    assert length() == 128
    for unlimited in (-1, -2):
        assert window - 300 < length(num_predict=unlimited) < window - 100
    assert length(num_predict=-1, num_ctx=400) < 300
    assert window - 300 < length(num_predict=10**9) < window - 100
    assert length(num_predict=0) == 0


def test_a_small_window_cuts_the_code(fake: Served) -> None:
    code = "\n".join(f"line({number})" for number in range(500))
    body = {"prompt": code, "suffix": code, "stream": False, "options": {"num_ctx": 512, "num_predict": 64}}
    assert fake.post("/api/generate", body).status_code == 200
    prompt = asked(fake).prompt  # type: ignore[attr-defined]
    assert len(prompt.prefix) + len(prompt.suffix) < 512 - 64 and code.endswith(prompt.prefix)
    body["suffix"] = None
    assert fake.post("/api/generate", {**body, "raw": True}).status_code == 200
    assert len(asked(fake).prompt) < 512 - 64  # type: ignore[attr-defined]


def test_without_a_question_the_model_is_loaded(fake: Served) -> None:
    before = len(fake.service.tickets)  # type: ignore[attr-defined]
    loaded = fake.post("/api/generate", {"model": "m"}).json()
    assert (loaded["done"], loaded["done_reason"], loaded["response"]) == (True, "load", "")
    assert fake.post("/api/generate", {"model": "m", "keep_alive": 0}).json()["done_reason"] == "unload"
    assert fake.post("/api/chat", {"model": "m", "messages": []}).json()["message"]["content"] == ""
    assert len(fake.service.tickets) == before  # type: ignore[attr-defined]


def test_what_is_no_field_is_passed_over(fake: Served) -> None:
    assert (
        fake.post("/api/generate", {"prompt": "a", "suffix": "", "messages": "hi", "context": [1]}).status_code == 200
    )


def test_chat(fake: Served) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?", "images": []}]
    *parts, last = lines(fake, "/api/chat", {"model": "x", "messages": messages})
    assert "".join(part["message"]["content"] for part in parts) == "hello again"
    assert last["message"] == {"role": "assistant", "content": ""} and last["eval_count"] == 2
    assert asked(fake).prompt == Conversation((Turn("user", "Be brief.\n\nWhy?"),))  # type: ignore[attr-defined]
    whole = fake.post("/api/chat", {"messages": messages, "stream": False}).json()
    assert whole["message"]["content"] == "hello again"


def test_probabilities(fake: Served) -> None:
    body = {"prompt": "a", "suffix": "", "stream": False, "logprobs": True, "top_logprobs": 1}
    first, _ = fake.post("/api/generate", body).json()["logprobs"]
    assert (first["token"], first["logprob"], first["top_logprobs"][0]["token"]) == ("hello ", -0.5, "other")


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/generate", {"prompt": 1}, "prompt is 1; it must be a text."),
        ("/api/generate", {"prompt": "a", "options": {"num_predict": "x"}}, 'options.num_predict is "x"'),
        ("/api/generate", {"prompt": "a", "images": ["x"]}, "no pictures"),
        ("/api/generate", {"prompt": "a", "format": "json"}, "format"),
        ("/api/generate", {"prompt": "a", "think": True}, "think"),
        ("/api/chat", {"messages": [{"role": "user", "content": "a"}], "tools": [{}]}, "tools"),
        ("/api/chat", {"messages": [{"role": "user", "content": "a", "images": ["x"]}]}, "no pictures"),
        ("/api/chat", {"messages": [{"role": "assistant", "content": "a"}]}, "question"),
        ("/api/chat", {"messages": [{"content": "a"}]}, "messages[0].role is missing"),
    ],
)
def test_a_mistake_is_one_sentence_in_ollamas_shape(fake: Served, path: str, body: dict, sentence: str) -> None:
    answer = fake.post(path, body)
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"] and sentence in answer.json()["error"]


def test_a_pretrained_model_does_not_chat(nano: Served) -> None:
    answer = nano.post("/api/chat", {"messages": [{"role": "user", "content": "hi"}]})
    assert answer.status_code == 400 and "codegemma-7b-it" in answer.json()["error"]


def test_what_is_served(fake: Served) -> None:
    (row,) = fake.client.get("/api/tags").json()["models"]
    assert row["name"] == row["model"] == "fake" and len(row["digest"]) == 64
    (running,) = fake.client.get("/api/ps").json()["models"]
    assert running["context_length"] == 4096
    shown = fake.post("/api/show", {"model": "whatever"}).json()
    assert ".Suffix" in shown["template"] and {"completion", "insert"} <= set(shown["capabilities"])
    assert shown["model_info"]["gemma.context_length"] == 4096
    assert tuple(map(int, fake.client.get("/api/version").json()["version"].split("."))) >= (0, 6, 4)


def test_nanos_size_is_told(nano: Served) -> None:
    details = nano.client.get("/api/tags").json()["models"][0]["details"]
    assert details["parameter_size"].endswith("M") and details["family"] == "gemma"


def test_the_greeting_is_for_programs(fake: Served) -> None:
    answer = fake.client.get("/", headers={"accept": "*/*"})
    assert answer.text == "Ollama is running"
    assert fake.client.head("/").status_code == 200
    page = fake.client.get("/", headers={"accept": "text/html,*/*;q=0.8"})
    assert "<html" in page.text.lower()


def test_a_client_that_leaves_ends_its_text(nano: Served) -> None:
    before = nano.service.stats().cancelled
    body = {"prompt": "1, 2, 3, 4, 5, 6, 7, ", "raw": True, "options": {"num_predict": -1}}
    with httpx.stream("POST", nano.url + "/api/generate", json=body) as response:
        next(response.iter_lines())
    assert eventually(lambda: nano.service.stats().cancelled == before + 1 and not nano.service.stats().active)
