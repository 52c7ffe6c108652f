"""The rating page's server: who may ask, and what it says to what makes no sense."""

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from codegem.errors import UserError
from codegem.server.rating import create_app
from codegem.server.running import Server, bind


class Remembered:
    """Fulfils `Rated`: two items that are shown in turn, and what was asked."""

    def __init__(self, *answers: str, raters: Sequence[str] | None = None):
        self.answers, self.raters, self.said = list(answers or ("An answer.",)), raters, list[tuple]()
        self.sides = len(self.answers)

    def _state(self, position: int, labels: Sequence[str] = (), better: str = "") -> dict[str, Any]:
        done = len(self.said)
        item = {"key": str(position), "prompt": f"Request {position}", "answers": self.answers}
        left = {**item, "labels": list(labels), "better": better} if done < 2 else None
        return {"done": done, "total": 2, "item": left}

    def open(self, rater: str) -> dict[str, Any]:
        if rater == "nobody":
            raise UserError("nobody is no name.")
        return self._state(len(self.said))

    def after(self, rater: str, key: str) -> dict[str, Any]:
        return self._state((int(key) + 1) % 2)

    def rate(self, rater: str, key: str, labels: Sequence[str], better: str) -> dict[str, Any]:
        self.said.append((rater, int(key), tuple(labels), better))
        return self._state((int(key) + 1) % 2)

    def undo(self, rater: str) -> dict[str, Any]:
        _, position, labels, better = self.said.pop()
        return self._state(position, labels, better)


class Rating:
    """The page on a free port of the loopback, in a thread."""

    def __init__(self, rated: Any, key: str = ""):
        self.rated = rated
        self._server, self._socket = Server(create_app(rated, key=key)), bind("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.client.close()
        self._server.end()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def served() -> Iterator[Rating]:
    rating = Rating(Remembered())
    yield rating
    rating.close()


def test_the_page_comes_whole_and_may_run_nothing_else(served: Rating) -> None:
    page = served.client.get("/")
    policy = "; ".join(page.headers.get_list("content-security-policy"))
    for wanted in (
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
    ):
        assert wanted in policy
    assert "unsafe" not in policy and page.headers["x-frame-options"] == "DENY"
    named = re.findall(r'(?:src|href)="(web/[^"]+)"', page.text)
    assert len(named) >= 5 and not re.search(r"https?:|VERSION|style=|onclick", page.text)
    modules = [path for path in named if path.endswith(".mjs")]
    for path in modules:
        source = served.client.get(f"/{path}").text
        modules += [f"{path.rpartition('/')[0]}/{name}" for name in re.findall(r'from "\./(\w+\.mjs)"', source)]
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?:", source)
    assert {served.client.get(f"/{path}").status_code for path in {*named, *modules}} == {200}
    assert "rating.mjs" in " ".join(modules) and "api.mjs" in " ".join(modules)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_pages_from_elsewhere_may_not_rate(served: Rating, headers: dict[str, str]) -> None:
    answer = served.client.post("/rating/open", json={"rater": "ann"}, headers=headers)
    assert answer.status_code == 403 and served.rated.said == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("open", {}, 400),
        ("open", {"rater": 3}, 400),
        ("open", {"rater": "nobody"}, 400),
        ("rate", {"rater": "ann", "key": 0, "labels": []}, 400),
        ("rate", {"rater": "ann", "key": "0", "labels": ["a"] * 3}, 400),
        ("rate", {"rater": "ann", "labels": ["a"]}, 400),
        ("nothing", {}, 404),
    ],
)
def test_what_makes_no_sense_is_a_sentence(served: Rating, path: str, body: dict, status: int) -> None:
    answer = served.client.post(f"/rating/{path}", json=body)
    assert answer.status_code == status and answer.json()["error"].endswith(".")
    assert served.client.get("/rating/rate").status_code == 405
    assert served.rated.said == []


def test_with_a_key_nobody_rates_without_it() -> None:
    rating = Rating(Remembered(raters=["ann"]), key="a long enough key".replace(" ", "-"))
    try:
        assert rating.client.get("/rating/about").status_code == 401
        answer = rating.client.get("/", headers={"Accept": "text/html"})
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Basic")
        about = rating.client.get("/rating/about", auth=("me", "a-long-enough-key"))
        assert about.json() == {"sides": 1, "raters": ["ann"]} and about.headers["cache-control"] == "no-store"
    finally:
        rating.close()
