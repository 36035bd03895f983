"""Connections that were used once and are held open, as browsers between two saves hold them."""

import socket

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Idle:
    """So many open connections to a port of this machine."""

    def __init__(self, port: int, count: int) -> None:
        self.port, self.count = port, count
        self.held: list[socket.socket] = []
        self.found_open = 0

    def open(self) -> None:
        """Open them one after another, each with one request."""
        for _ in range(self.count):
            held = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            held.sendall(REQUEST)
            received = b""
            while b"alive" not in received:
                received += held.recv(4096) or b"alive"
            self.held.append(held)

    def count_open(self) -> None:
        """Note how many the server has not closed."""
        self.found_open = sum(_is_open(held) for held in self.held)

    def close(self) -> None:
        """Close those that are left."""
        for held in self.held:
            held.close()


def _is_open(held: socket.socket) -> bool:
    held.setblocking(False)
    try:
        return held.recv(1, socket.MSG_PEEK) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
