"""The bare hello: a WSGI callable that does nothing, behind the very server that serves the service.

python -m benchmarks.save_cost.hello HOST:PORT
"""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from examapp.cli.server import Server, listen
from examapp.config import Config

HELLO = b"hello"
PATIENCE_SECONDS = 60


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer five bytes, whatever was asked."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(HELLO)))])
    return [HELLO]


@contextmanager
def serving(core: int) -> Iterator[tuple[str, int]]:
    """Serve it on one core until the block ends; give its address and its first process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.save_cost.hello", address])
    psutil.Process(server.pid).cpu_affinity([core])
    try:
        _wait(f"http://{address}/", server)
        yield f"http://{address}", server.pid
    finally:
        server.terminate()
        server.wait(PATIENCE_SECONDS)


def _wait(url: str, server: "subprocess.Popen[bytes]") -> None:
    began = time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                assert answer.read() == HELLO
        except OSError:
            if time.monotonic() > began + PATIENCE_SECONDS or server.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    Server(hello, listen(sys.argv[1]), 1, Config.threads, lambda number: None).run()
