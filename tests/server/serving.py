"""A server on a free port of the loopback, as `codegem serve` runs it, in a thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from codegem.server.app import create_app
from codegem.server.running import Server, bind
from codegem.server.state import ServerState, TextService


class Served:
    """A running server.

    Attributes:
        url: without a path.
        client: that asks it.
    """

    def __init__(self, service: TextService, **settings: Any):
        app = create_app(service, **settings)
        self.service, self.state = service, app.state.codegem
        assert isinstance(self.state, ServerState)
        self.server, self._socket = Server(app), bind("127.0.0.1", 0)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._thread = threading.Thread(target=self.server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    def post(self, path: str, body: Any, **settings: Any) -> httpx.Response:
        """Ask with a body of JSON."""
        return self.client.post(path, json=body, **settings)

    def events(self, path: str, body: Any) -> list[str]:
        """The data of the server-sent events of an answer, or its lines."""
        with self.client.stream("POST", path, json=body) as response:
            response.read()
        assert response.status_code == 200, response.text
        return [line.removeprefix("data: ") for line in response.text.splitlines() if line]

    def close(self) -> None:
        self.client.close()
        self.server.end()
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextmanager
def serving(service: TextService, **settings: Any) -> Iterator[Served]:
    """A server for the time of a test."""
    served = Served(service, **settings)
    try:
        yield served
    finally:
        served.close()


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether something becomes true soon."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if holds():
            return True
        waiting.wait(0.005)
    return holds()
