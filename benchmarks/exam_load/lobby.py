"""The lobby: every waiting trainee's page fetches the encrypted paper before the bell, as the exam page does."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

SOME = 20


class Lobby:
    """The fetches of `count` trainees, spread over `seconds`; each paper is left in `folder` under its name."""

    def __init__(self, port: int, trainees: list[dict[str, Any]], folder: Path) -> None:
        """Ask some trainees' registrations for the names of their papers: parallel forms are dealt out in turn."""
        self.port, self.folder = port, folder
        self.names = sorted({name for trainee in trainees[:SOME] for name in self._papers_of(trainee)})
        self.fetched = 0
        self._thread: threading.Thread | None = None

    def open(self, count: int, opens_at: float, seconds: float) -> None:
        """Begin to fetch at `opens_at`, in epoch seconds."""
        self._thread = threading.Thread(target=self._fetch_all, args=(count, opens_at, seconds))
        self._thread.start()

    def close(self) -> None:
        """Wait for the last fetch."""
        if self._thread is not None:
            self._thread.join()

    def _papers_of(self, trainee: dict[str, Any]) -> list[str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in trainee["cookies"].items())}
        answer = json.loads(self._get(self._connect(), "/api/registrations", headers))
        return [each["paper"] for each in answer["registrations"]]

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def _fetch_all(self, count: int, opens_at: float, seconds: float) -> None:
        connection = self._connect()
        for number in range(count):
            time.sleep(max(0.0, opens_at + seconds * number / count - time.time()))
            name = self.names[number % len(self.names)]
            content = self._get(connection, f"/api/papers/{name}", {})
            if number < len(self.names):
                (self.folder / name).write_bytes(content)
            self.fetched += 1

    def _get(self, connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> bytes:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"GET {path}: {answer.status} {content[:200]!r}")
        return content
