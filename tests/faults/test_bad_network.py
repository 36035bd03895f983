"""The network that breaks: it passes requests on, and leaves no connection open when it ends."""

import gc
import socket
from contextlib import ExitStack, suppress

import pytest

from tests.faults.bad_network import bad_network


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n"], ids=["idle", "inside a request"])
def test_network_that_ends_leaves_no_connection_open(sent: bytes) -> None:
    with ExitStack() as stack:
        service = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        with bad_network(service.getsockname()[1], seed=1) as network:
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", network.port))) for _ in range(9)]
            onward = [stack.enter_context(service.accept()[0]) for _ in clients[:-1]]
            for client in clients:
                client.sendall(sent)
        # pytest reports here what would else fail whichever test the collector runs in
        gc.collect()
        for each in (*clients, *onward):
            _wait_for_end(each)


def _wait_for_end(connection: socket.socket) -> None:
    """Read until the other side has ended; raises TimeoutError where it does not."""
    connection.settimeout(10)
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
