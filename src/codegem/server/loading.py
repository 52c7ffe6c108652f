"""Loading a model while the server already answers, with 503, that it is on its way.

The first text that needs a program waits until it is compiled, or read from disk (nano, two cores: up to 9 s, and 2 s).
So a text is written for nobody before the model counts as ready, and the other programs are made ready behind it.
"""

import threading
import time
from collections.abc import Callable

from codegem.generate import Chunk, Infill, Request
from codegem.server.running import Server
from codegem.server.state import ServerState, TextService

_PATIENCE = 0.3  # seconds


class Loading:
    """A thread that loads a model and hands it to the server, or ends the server where that fails.

    Args:
        load: gives the service, the model's name, and whether it can chat.
        ready: called once it is served, with the name and the seconds it took.
    """

    def __init__(
        self,
        server: Server,
        state: ServerState,
        load: Callable[[], tuple[TextService, str, bool]],
        ready: Callable[[str, float], object],
    ):
        self._server, self._state, self._load, self._ready = server, state, load, ready
        self._service: TextService | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="codegem-loading", daemon=True)

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def finish(self) -> bool:
        """End the service once the server has ended.

        Returns:
            Whether the thread has ended too. While it loads or compiles it can't be ended.

        Raises:
            UserError: why the model could not be loaded.
        """
        self._thread.join(_PATIENCE)
        if self._error is not None:
            raise self._error
        if self._service is not None:
            self._service.close()
        return not self._thread.is_alive()

    def _work(self) -> None:
        started = time.perf_counter()
        try:
            service, name, can_chat = self._load()
            _write_once(service)
        except BaseException as error:
            self._error = error
            self._server.end()
            return
        self._service = service
        self._state.load(service, name=name, can_chat=can_chat)
        self._ready(name, time.perf_counter() - started)
        service.warm()


def _write_once(service: TextService) -> None:
    """Have a short text written, and wait for it."""
    ended = threading.Event()
    request = Request(Infill("def area(width, height):\n    return ", "\n"), max_tokens=2)
    service.submit(request, lambda item: ended.set() if _is_last(item) else None)
    ended.wait()


def _is_last(item: Chunk | Exception) -> bool:
    return isinstance(item, Exception) or item.stop_reason is not None
