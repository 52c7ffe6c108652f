"""What llama.cpp's clients ask about a server."""

from starlette.testclient import TestClient

from codegem.server.app import create_app

from .serving import Served


def test_health_and_properties(nano: Served):
    assert nano.client.get("/health").json() == {"status": "ok"}
    props = nano.client.get("/props").json()
    assert props["default_generation_settings"]["n_ctx"] == nano.service.context_length
    assert props["total_slots"] == 1 and props["model_alias"] == "nano"
    assert nano.client.get("/slots").json() == [{"id": 0, "n_ctx": nano.service.context_length, "is_processing": False}]


def test_tokens_and_back(nano: Served):
    text = "def f():\n    return '<|fim_prefix|> é'\n"
    tokens = nano.post("/tokenize", {"content": text}).json()["tokens"]
    assert tokens == nano.service.tokenizer.encode(text)
    assert nano.post("/detokenize", {"tokens": tokens}).json() == {"content": text}
    pieces = nano.post("/tokenize", {"content": "é", "add_special": True, "with_pieces": True}).json()["tokens"]
    assert pieces[0] == {"id": nano.service.tokenizer.special.bos, "piece": ""}
    whole = b"".join(bytes(one["piece"]) if isinstance(one["piece"], list) else one["piece"].encode() for one in pieces)
    assert whole == "é".encode()
    assert nano.post("/detokenize", {"tokens": [10**9]}).status_code == 400


def test_a_model_that_is_still_loaded():
    client = TestClient(create_app(), base_url="http://localhost")
    for path in ("/health", "/v1/models", "/props"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "loaded" in answer.json()["error"]["message"]
