"""nano behind a server, and one that says what a test wants."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from codegem.server import security

from .chromium import Browser
from .fakes import FakeService
from .serving import Served, serving


@pytest.fixture(autouse=True, scope="session")
def no_key() -> Iterator[None]:
    """No key of the person who runs the tests."""
    kept = os.environ.pop(security.KEY, None)
    yield
    if kept is not None:
        os.environ[security.KEY] = kept


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the tests of one file; they are skipped where Chromium is not installed."""
    browser = Browser(tmp_path_factory.mktemp("chromium") / "profile")
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def nano() -> Iterator[Served]:
    """The model that ships, behind a server."""
    import codegem
    from codegem.inference.service import Service

    model = codegem.load("nano")
    service = Service(model.engine)
    with serving(service, name="nano", can_chat=model.can_chat) as served:
        yield served
    service.close()


@pytest.fixture(scope="session")
def fake() -> Iterator[Served]:
    """A server whose model says "hello again" to everybody, and can chat."""
    with serving(FakeService(), can_chat=True) as served:
        yield served


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """A function that starts a server for one test: `serve(FakeService(...), key=...)`."""
    with ExitStack() as stack:

        def start(service: Any, **settings: Any) -> Served:
            return stack.enter_context(serving(service, **settings))

        yield start
