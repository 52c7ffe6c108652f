"""A model that is loaded while the server answers already."""

import threading

import pytest

from codegem.errors import UserError
from codegem.server.app import create_app
from codegem.server.loading import Loading
from codegem.server.running import Server

from .fakes import FakeService
from .serving import eventually


def test_a_model_that_is_ready_and_warm():
    app = create_app()
    state, service, told = app.state.codegem, FakeService(), []
    may_load = threading.Event()

    def load() -> tuple[FakeService, str, bool]:
        may_load.wait(5)
        return service, "mine", True

    loading = Loading(Server(app), state, load, lambda name, seconds: told.append((name, seconds)))
    loading.start()
    assert not state.is_ready and not loading.finish()
    may_load.set()
    assert eventually(lambda: bool(told))
    assert (state.is_ready, state.name, state.can_chat, told[0][0]) == (True, "mine", True, "mine")
    assert len(service.tickets) == 1 and eventually(lambda: service.is_warm)
    assert loading.finish()


def test_a_model_that_can_not_be_loaded_ends_the_server():
    app = create_app()
    server = Server(app)

    def load() -> tuple[FakeService, str, bool]:
        raise UserError("It is broken.")

    loading = Loading(server, app.state.codegem, load, lambda name, seconds: None)
    loading.start()
    assert eventually(lambda: server.should_exit)
    with pytest.raises(UserError, match="broken"):
        loading.finish()
