"""Who may ask."""

import base64
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from codegem.errors import UsageError, UserError
from codegem.server import security
from codegem.server.app import create_app
from codegem.server.security import read_key, require_key

from .fakes import FakeService

KEY = "correct-horse-battery"


def client_of(**settings: object) -> TestClient:
    return TestClient(create_app(FakeService(), **settings), base_url="http://localhost:8012")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def open_() -> TestClient:
    return client_of()


@pytest.fixture(scope="module")
def locked() -> TestClient:
    return client_of(key=KEY)


ROUTES = [
    "/", "/v1/models", "/props", "/slots", "/nothing", "/api/tags", "/v1/completions", "/infill", "/metrics",
    "/openapi.json", "/v1/health", "/docs", "/codegem/fill",
]  # fmt: skip


@pytest.mark.parametrize("path", ROUTES)
def test_with_a_key_every_route_wants_it(locked: TestClient, path: str):
    for method in ("GET", "POST", "HEAD", "DELETE"):
        assert locked.request(method, path).status_code == 401
        wrong = locked.request(method, path, headers={"Authorization": "Bearer wrong"})
        assert wrong.status_code == 401 and wrong.headers["www-authenticate"] == "Bearer"
        assert locked.request(method, path, headers={"Authorization": f"Bearer {KEY}"}).status_code != 401


def test_health_needs_none(locked: TestClient):
    assert locked.get("/health").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY}"},
        {"x-api-key": KEY},
        {"api-key": KEY},
        {"Authorization": "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()},
    ],
)
def test_ways_to_send_a_key(locked: TestClient, headers: dict[str, str]):
    assert locked.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": KEY},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer {KEY[:-1]}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(KEY.encode()).decode()},
        {"x-api-key": ""},
        {"Cookie": f"key={KEY}"},
    ],
)
def test_ways_that_are_none(locked: TestClient, headers: dict[str, str]):
    assert locked.get("/v1/models", headers=headers).status_code == 401
    assert locked.get(f"/v1/models?key={KEY}&api_key={KEY}", headers=headers).status_code == 401


def test_a_browser_is_asked_for_the_key(locked: TestClient):
    answer = locked.get("/", headers={"Accept": "text/html,*/*"})
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("key", ["Bearer sk-any", "Bearer ", "nonsense", ""])
def test_without_a_key_any_will_do(open_: TestClient, key: str):
    assert open_.get("/v1/models", headers={"Authorization": key}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:9999", 200), ("LOCALHOST:80", 200), ("127.0.0.1:8012", 200),
        ("[::1]:8012", 200),         ("127.1.2.3", 200), ("app.localhost:1", 200), ("192.168.0.7:8012", 200),
        ("evil.example", 403), ("evil.example:8012", 403), ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403), ("evil.example@localhost", 403), ("0x7f000001", 403),
    ],
)  # fmt: skip
def test_names_that_were_made_to_point_here(open_: TestClient, locked: TestClient, host: str, status: int):
    assert open_.get("/v1/models", headers={"Host": host}).status_code == status
    assert locked.get("/v1/models", headers={"Host": host, "x-api-key": KEY}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "localhost:8012", "http://localhost:8013", "http://localhost", "x\x01"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_others_may_not_ask(open_: TestClient, origin: str, method: str):
    answer = open_.request(method, "/v1/models", headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_may(open_: TestClient):
    for scheme in ("http", "https"):  # the second behind a proxy
        answer = open_.get("/v1/models", headers={"Origin": f"{scheme}://localhost:8012"})
        assert answer.status_code == 200 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(("allowed", "origin"), [("http://a.example", "http://a.example"), ("*", "http://b.example")])
def test_pages_that_were_allowed(allowed: str, origin: str):
    client = client_of(key=KEY, origins=[allowed])
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    before = client.options("/v1/completions", headers=asked)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == origin and before.headers["vary"] == "Origin"
    assert before.headers["access-control-allow-headers"] == "x-api-key"
    assert client.post("/v1/completions", json={"prompt": "x"}, headers={"Origin": origin}).status_code == 401
    answer = client.post("/v1/completions", json={"prompt": "x"}, headers={"Origin": origin, "x-api-key": KEY})
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == origin
    if allowed != "*":
        other = client.options("/v1/completions", headers=asked | {"Origin": "http://c.example"})
        assert other.status_code == 403


def test_every_answer_says_what_browsers_must_not_do(open_: TestClient):
    for path in ("/v1/models", "/nothing"):
        headers = open_.get(path).headers
        assert (
            headers["x-content-type-options"] == "nosniff" and headers["cross-origin-resource-policy"] == "same-origin"
        )


def test_keys_are_read_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert read_key(None) == ""
    monkeypatch.setenv(security.KEY, f" {KEY}\n")
    assert read_key(None) == KEY
    file = tmp_path / "key"
    file.write_text("another-key\n")
    assert read_key(file) == "another-key"


@pytest.mark.parametrize("content", ["", "tiny-k", "two words in it", "naïve-key-naïve", "a\nb-c-d-e-f-g"])
def test_keys_that_are_none(tmp_path: Path, content: str):
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(UserError, match="at least 8") as caught:
        read_key(file)
    assert not content or content not in str(caught.value)


def test_a_file_that_is_absent(tmp_path: Path):
    with pytest.raises(UserError, match="can't be read"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", ""])
def test_beyond_this_machine_a_key_is_demanded(host: str):
    with pytest.raises(UsageError, match="--key-file"):
        require_key(host, "")
    require_key(host, KEY)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.9.1"])
def test_on_this_machine_none_is(host: str):
    require_key(host, "")
