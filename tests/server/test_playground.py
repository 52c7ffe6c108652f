"""The page's routes: its files, what it says of the model, and holes filled token by token."""

import json
import math
import re
from importlib.resources import files

import pytest

from codegem.generate import StopReason

from .fakes import FakeService
from .serving import Served, eventually

PAGE = {"Accept": "text/html"}


def lines(served: Served, **body: object) -> list[dict]:
    return [json.loads(line) for line in served.events("/codegem/fill", body)]


def only(found: list[dict], kind: str) -> dict:
    (one,) = [line for line in found if line["type"] == kind]
    return one


def test_every_file_that_the_page_names_is_there_with_its_type(fake: Served) -> None:
    page = fake.client.get("/", headers=PAGE)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'(?:src|href)="(web/[^"]+)"', page.text)
    assert len(named) > 5 and "VERSION" not in page.text
    types = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    for path in named:
        file = fake.client.get("/" + path)
        assert file.status_code == 200
        kind = types.get(path.rpartition(".")[2], "text/javascript; charset=utf-8")
        assert file.headers["content-type"] == kind
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["x-content-type-options"] == "nosniff"


def test_every_module_imports_what_is_there_and_nothing_from_elsewhere(fake: Served) -> None:
    base = re.findall(r'src="/?(web/[^/]+)/main.mjs"', fake.client.get("/", headers=PAGE).text)[0]
    waiting, seen = ["main.mjs"], set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        source = fake.client.get(f"/{base}/{name}")
        assert source.status_code == 200, name
        imported = re.findall(r'^(?:import|} from|import .* from) .*?"([^"]+)";$', source.text, re.MULTILINE)
        assert all(re.fullmatch(r"\./\w+\.mjs", path) for path in imported), name
        waiting += [path[2:] for path in imported if path[2:] not in seen]
    shipped = {file.name for file in (files("codegem.server") / "web").iterdir() if file.name.endswith(".mjs")}
    assert seen == shipped


def test_nothing_on_the_page_comes_from_elsewhere() -> None:
    for file in (files("codegem.server") / "web").iterdir():
        text = file.read_text(encoding="utf-8")
        addresses = re.findall(r"https?://[\w.]+", text)
        assert set(addresses) <= {"http://www.w3.org"}, file.name  # the name of SVG, which nobody fetches
        makes_markup = re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
        assert not makes_markup, file.name


@pytest.mark.parametrize(
    "path", ["web/0123456789abcdef/main.mjs", "web/{}/../playground.py", "web/{}/none.mjs", "web/{}/"]
)
def test_other_files_are_not_there(fake: Served, path: str) -> None:
    version = re.findall(r"web/([^/]+)/main.mjs", fake.client.get("/", headers=PAGE).text)[0]
    assert fake.client.get("/" + path.replace("{}", version)).status_code == 404


def test_the_page_may_run_its_own_programs_and_nothing_else(fake: Served) -> None:
    policies = fake.client.get("/", headers=PAGE).headers.get_list("content-security-policy")
    policy = "; ".join(policies)
    for wanted in ("default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert wanted in policy
    assert "unsafe" not in policy and "require-trusted-types-for 'script'" in policy


def test_clients_that_look_whether_ollama_runs_are_told_so(fake: Served) -> None:
    for method in ("GET", "HEAD"):
        answer = fake.client.request(method, "/", headers={"Accept": "*/*"})
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    assert fake.client.get("/").text == "Ollama is running"


def test_what_is_said_of_the_model(fake: Served, nano: Served) -> None:
    about = fake.client.get("/codegem/about").json()
    assert (about["name"], about["can_chat"], about["chat_advice"], about["parameters"]) == ("fake", True, None, None)
    about = nano.client.get("/codegem/about").json()
    assert about["name"] == "nano" and about["parameters"] > 1_000_000 and not about["can_chat"]
    assert "load a model" in about["chat_advice"]


def test_a_hole_is_filled_token_by_token(fake: Served) -> None:
    found = lines(fake, prefix="say(", suffix="\n", lines="one", probabilities=1)
    assert found[0] == {"type": "begin"}
    assert "".join(line["text"] for line in found if line["type"] == "text") == "hello again"
    tokens = [token for line in found if line["type"] == "tokens" for token in line["tokens"]]
    assert [token["text"] for token in tokens] == ["hello ", "again"]
    assert tokens[0]["probability"] == pytest.approx(math.exp(-0.5))
    assert tokens[0]["likeliest"] == [["other", pytest.approx(math.exp(-1))]]
    end = found[-1]
    assert (end["type"], end["text"], end["tokens"], end["stop_reason"]) == ("end", "hello again", 2, StopReason.STOP)
    assert (end["prompt_tokens"], end["cached_tokens"]) == (7, 3)
    assert end["timings"]["total"] >= end["timings"]["first_token"] > 0


def test_tokens_and_prompt_come_only_when_they_are_asked_for(fake: Served) -> None:
    kinds = {line["type"] for line in lines(fake, prefix="a")}
    assert kinds == {"begin", "text", "end"}


def test_the_prompt_is_shown_as_the_model_read_it(fake: Served) -> None:
    evil = "<|fim_suffix|>"
    files_ = [{"path": "b.py", "text": "x = 1\n"}]
    prompt = only(lines(fake, prefix=f"a = '{evil}'", suffix="\n", path="a.py", context=files_, prompt=True), "prompt")
    special = [piece["text"] for piece in prompt["pieces"] if piece["special"]]
    assert special == ["<bos>", "<|file_separator|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
    texts = [piece["text"] for piece in prompt["pieces"] if not piece["special"]]
    assert texts == ["b.py\nx = 1\n", "a.py\n", f"a = '{evil}'", "\n"]
    assert prompt["tokens"] == len(special) + sum(len(text) for text in texts)  # a token a byte


def test_a_path_is_one_line(fake: Served) -> None:
    files_ = [{"path": "c\r\nd", "text": "x"}]
    pieces = only(lines(fake, prefix="a.", path="a\nb", context=files_, prompt=True), "prompt")["pieces"]
    assert [piece["text"] for piece in pieces if not piece["special"]] == ["c d\nx", "a b\n", "a."]


def test_rules_may_be_switched_off(serve) -> None:
    served = serve(FakeService(["a", ")", "\n", "next"]))
    assert lines(served, prefix="f(", suffix=")\n")[-1]["text"] == "a"
    assert lines(served, prefix="f(", suffix=")\n", rules=False)[-1]["text"] == "a)\nnext"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"lines": "two"}, "lines"),
        ({"context": [{"path": "a"}]}, "text"),
        ([], "object"),
    ],
)
def test_a_wrong_field_is_told_in_one_sentence(fake: Served, body: object, word: str) -> None:
    answer = fake.post("/codegem/fill", body)
    assert answer.status_code == 400 and word in answer.json()["error"]["message"]


def test_what_goes_wrong_later_comes_as_the_last_line(serve) -> None:
    served = serve(FakeService(["a ", RuntimeError("secret")]))
    found = served.client.post("/codegem/fill", json={"prefix": "x", "rules": False, "lines": "many"})
    if found.status_code == 200:  # else nothing had been sent yet
        assert "error" in json.loads(found.text.splitlines()[-1])
    assert "secret" not in found.text


def test_a_page_that_goes_on_ends_the_text(serve) -> None:
    service = FakeService(["a "], endless=True)
    served = serve(service)
    body = {"prefix": "x", "max_tokens": 4000, "rules": False}
    with served.client.stream("POST", "/codegem/fill", json=body) as answer:
        next(answer.iter_lines())
        service.gate.clear()
    assert eventually(service.tickets[0].cancelled.is_set)
    service.gate.set()
    assert eventually(service.tickets[0].ended.is_set)


def test_nano_says_how_likely_its_tokens_were(nano: Served) -> None:
    found = lines(nano, prefix="def add(a, b):\n    return ", suffix="\n", path="add.py", probabilities=3, prompt=True)
    tokens = [token for line in found if line["type"] == "tokens" for token in line["tokens"]]
    assert len(tokens) == found[-1]["tokens"] > 0
    for token in tokens:
        assert 0 < token["probability"] <= 1 and len(token["likeliest"]) == 3
        assert token["probability"] + sum(probability for _, probability in token["likeliest"]) <= 1 + 1e-6
        assert token["probability"] >= token["likeliest"][0][1]  # temperature 0
    assert only(found, "prompt")["tokens"] == found[-1]["prompt_tokens"]


def contrast(one: str, other: str) -> float:
    """How well two colours are told apart, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_apart(theme: int) -> None:
    style = (files("codegem.server") / "web" / "base.css").read_text(encoding="utf-8")
    colours = {name: pair[theme] for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style)}
    words = ("text", "quiet", "ghost", "accent", "error", "comment", "string", "number", "keyword", "name")
    for name in words:
        for ground in ("surface", "page", "sunken"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["strong-line"], colours["surface"]) >= 3
