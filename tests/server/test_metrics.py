"""What is counted, as a program that reads Prometheus' form sees it."""

import math
from concurrent.futures import ThreadPoolExecutor

import pytest

from codegem.server.metrics import BUCKETS, Metrics

from .fakes import FakeService
from .serving import Served

parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = parser.text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_histograms_add_up() -> None:
    metrics = Metrics()
    for seconds in (0.0, 0.01, 0.011, 0.3, 1e9):
        metrics.answered("a", reason="stop", tokens=2, whole=seconds, first_token=seconds / 2)
    found = samples(metrics.text())
    buckets = [
        found["codegem_text_seconds_bucket", (("le", str(bound)), ("surface", "a"))] for bound in (*BUCKETS, "+Inf")
    ]
    assert buckets[:2] == [2, 3] and buckets[-2:] == [4, 5] and buckets == sorted(buckets)
    assert found["codegem_text_seconds_count", (("surface", "a"),)] == 5
    assert math.isclose(found["codegem_text_seconds_sum", (("surface", "a"),)], 1e9 + 0.321)
    assert found["codegem_written_tokens_total", (("surface", "a"),)] == 10


def test_names_are_escaped_and_types_are_told() -> None:
    metrics = Metrics()
    metrics.request('a"\\\n', 200)
    text = metrics.text({"engine_active": ("gauge", "Texts.", 2.5)})
    assert samples(text)["codegem_requests_total", (("status", "200"), ("surface", 'a"\\\n'))] == 1
    assert samples(text)["codegem_engine_active", ()] == 2.5
    assert "# TYPE codegem_requests_total counter" in text and "# TYPE codegem_engine_active gauge" in text


def test_threads_lose_nothing() -> None:
    metrics = Metrics()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: metrics.request("a", 200), range(2000)))
    assert samples(metrics.text())["codegem_requests_total", (("status", "200"), ("surface", "a"))] == 2000


def test_a_server_counts(serve) -> None:
    served: Served = serve(FakeService(), can_chat=True, metrics=Metrics())
    served.post("/api/generate", {"prompt": "a", "raw": True})
    served.post("/v1/fim/completions", {"prompt": "a", "suffix": "b"})
    served.post("/v1/completions", {"segments": {"prefix": "a"}})
    served.post("/v1/completions", {"prompt": 1.5})
    served.post("/v1/events", {"type": "view", "completion_id": "x"})
    answer = served.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.text)
    for surface, status in (("ollama", 200), ("mistral", 200), ("tabby", 200), ("openai", 400)):
        assert found["codegem_requests_total", (("status", str(status)), ("surface", surface))] >= 1
    for surface in ("ollama", "mistral", "tabby"):
        assert found["codegem_texts_total", (("reason", "stop"), ("surface", surface))] == 1
        assert found["codegem_first_token_seconds_count", (("surface", surface),)] == 1
    assert found["codegem_suggestions_total", (("event", "view"),)] == 1


def test_the_engines_numbers(nano: Served, serve) -> None:
    served: Served = serve(nano.service, metrics=Metrics())
    served.post("/v1/fim/completions", {"prompt": "def f(", "suffix": ""})
    found = samples(served.client.get("/metrics").text)
    assert found["codegem_engine_prompt_tokens_total", ()] > 0
    assert {"codegem_engine_active", "codegem_engine_waiting", "codegem_engine_slots"} <= {name for name, _ in found}
