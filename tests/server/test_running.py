"""Sockets."""

import socket
from contextlib import closing

import pytest

from codegem.errors import UserError
from codegem.server.running import bind

from .serving import Served


def test_a_port_that_is_taken():
    with closing(bind("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1"])
def test_an_address_that_is_not_ours(host: str):
    with pytest.raises(UserError, match=r"192\.0\.2\.1|no such host"):
        bind(host, 0)


def test_the_loopback_of_both_kinds():
    for host in ("localhost", "::1"):
        try:
            with closing(bind(host, 0)) as listening:
                socket.create_connection(listening.getsockname()[:2], 5).close()
        except UserError:
            assert host == "::1"  # a machine without IPv6


def test_an_answer_is_not_held_back_for_an_acknowledgement(fake: Served):
    """Nagle's algorithm is off: with it each answer would wait for a client that acknowledges after 40 ms."""
    assert fake.client.get("/health").status_code == 200
    for connection in fake.server.server_state.connections:
        own = connection.transport.get_extra_info("socket")
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
