"""What all surfaces of a server share: the model, who is being answered, what is counted."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from codegem.assist.context import Window
from codegem.generate import Chunk, Request, Usage
from codegem.server.failures import Stopping
from codegem.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from codegem.data.tracing.index import TraceIndex


class Ticket(Protocol):
    """A text that was asked for."""

    @property
    def usage(self) -> Usage:
        """What it took so far."""
        ...

    def cancel(self) -> None:
        """End it within a token."""
        ...


class TextService(Protocol):
    """What a server needs of `inference.service.Service`; tests have their own."""

    @property
    def name(self) -> str: ...
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def context_length(self) -> int: ...

    def submit(self, request: Request, listener: Callable[[Chunk | Exception], object]) -> Ticket: ...
    def warm(self) -> object: ...
    def stats(self) -> Any: ...
    def close(self) -> None: ...


class ServerState:
    """One server.

    Args:
        metrics: `server.metrics.Metrics`, what is counted for /metrics.
        acceptance: `assist.acceptance.Acceptance`, or None where nothing is kept.
        key_wanted: whether requests must carry a key.
        index: of a corpus, by which answers are traced for those who ask; None traces nothing.

    Attributes:
        created: seconds since 1970; clients show it as the model's age.
        stopping: whether the server is being stopped.
        tickets: of all texts that are being made.
    """

    def __init__(
        self,
        *,
        metrics: Any = None,
        acceptance: Any = None,
        key_wanted: bool = False,
        index: "TraceIndex | None" = None,
    ):
        self.created = int(time.time())
        self.metrics, self.acceptance, self.key_wanted, self.index = metrics, acceptance, key_wanted, index
        self.stopping = False
        self.tickets: set[Ticket] = set()
        self.name, self.can_chat = "", False
        self._service: TextService | None = None
        self._window: Window | None = None

    def load(self, service: TextService, *, name: str = "", can_chat: bool = False) -> None:
        """Serve a model from now on.

        Args:
            name: that clients are shown; default the service's own.
        """
        self.name, self.can_chat = name or service.name, can_chat
        self._window = Window(service.tokenizer, service.context_length)
        self._service = service

    @property
    def is_ready(self) -> bool:
        """Whether there is a model."""
        return self._service is not None

    @property
    def service(self) -> TextService:
        """What makes texts; raises `Stopping` while the model is loaded."""
        if self._service is None:
            raise Stopping("The model is still being loaded; ask again in a moment.")
        return self._service

    @property
    def window(self) -> Window:
        """How much the model reads; raises `Stopping` while the model is loaded."""
        if self._window is None:
            raise Stopping("The model is still being loaded; ask again in a moment.")
        return self._window

    def stop(self) -> None:
        """End all texts, and begin no more."""
        self.stopping = True
        for ticket in list(self.tickets):
            ticket.cancel()
