"""All surfaces together."""

from .serving import Served


def test_what_is_not_there(fake: Served):
    answer = fake.client.get("/v1/nothing")
    assert answer.status_code == 404 and "/v1/nothing" in answer.json()["error"]["message"]
    answer = fake.client.get("/v1/completions")
    assert answer.status_code == 405 and answer.headers["allow"] == "POST"
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_path_of_ollamas_has_ollamas_errors(fake: Served):
    assert isinstance(fake.client.get("/api/nothing").json()["error"], str)


def test_connections_are_kept(fake: Served):
    ports = set()
    for _ in range(3):
        with fake.client.stream("GET", "/health") as response:
            response.read()
            ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1
