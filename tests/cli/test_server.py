"""`examapp serve` while its processes come and go under saves; a client tries again only as a browser would."""

import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psutil
import pytest

from examapp.cli import server
from tests.faults.hall import Hall, Seat, open_hall
from tests.faults.service import Served, running

BROKEN = (OSError, http.client.HTTPException)
# what takes a second here may take many on a machine that runs everything else too
PATIENCE_SECONDS = 100


@dataclass
class Browser:
    """Saves as fast as it may over a kept connection; a kept one that was closed is made anew, once, as browsers do."""

    seat: Seat
    port: int
    saved: int = 0
    failed: list[str] = field(default_factory=list)
    last_at: float = 0.0
    longest_gap: float = 0.0

    def work(self, stop: threading.Event) -> None:
        """Save until told to stop."""
        # above the numbers of the tests before, which used the same sitting
        kept, seq = None, time.monotonic_ns() // 1000
        while not stop.is_set():
            seq += 1
            try:
                kept = self._send(kept, seq)
            except BROKEN as error:
                self.failed.append(repr(error))
                kept = None
        if kept:
            kept.close()

    def _send(self, kept: http.client.HTTPConnection | None, seq: int) -> http.client.HTTPConnection:
        if kept is not None:
            try:
                return self._save(kept, seq)
            except BROKEN:
                kept.close()
        fresh = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            return self._save(fresh, seq)
        except BROKEN:
            fresh.close()
            raise

    def _save(self, connection: http.client.HTTPConnection, seq: int) -> http.client.HTTPConnection:
        path, body = f"/api/sittings/{self.seat.sitting}/responses/1", json.dumps({"seq": seq, "value": str(seq)})
        connection.request("PUT", path, body, self.seat.headers)
        response = connection.getresponse()
        content = response.read()
        if response.status != 200:
            self.failed.append(content.decode())
            return connection
        now = time.monotonic()
        self.longest_gap = max(self.longest_gap, now - (self.last_at or now))
        self.saved, self.last_at = self.saved + 1, now
        return connection


@dataclass
class Load:
    """Browsers at work on a service."""

    browsers: list[Browser]
    service: Served

    def wait(self, more: int) -> None:
        """Wait until each browser has saved so many times more."""
        wanted = [each.saved + more for each in self.browsers]
        self.until(lambda: all(each.saved >= number for each, number in zip(self.browsers, wanted, strict=True)))

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.failed
            time.sleep(0.01)

    @property
    def failed(self) -> list[str]:
        """What went wrong for anybody."""
        return [each for browser in self.browsers for each in browser.failed]

    def serving(self) -> set[int]:
        """Return the ids of the serving processes."""
        return {each.pid for each in self.first.children()}

    @property
    def first(self) -> psutil.Process:
        """The process that listens."""
        return self.service.processes()[0]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Hall:
    return open_hall(tmp_path_factory.mktemp("hall"), trainees=4, sittings=1)


@pytest.fixture
def load(hall: Hall) -> Iterator[Load]:
    with running(Served(hall, "--processes", "2")) as service:
        _wait_until_it_answers(service.port)
        browsers = [Browser(seats[0], service.port) for seats in hall.seats]
        stop = threading.Event()
        threads = [threading.Thread(target=each.work, args=(stop,)) for each in browsers]
        for thread in threads:
            thread.start()
        try:
            yield Load(browsers, service)
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the service did not begin"
            time.sleep(0.05)
        else:
            return


@pytest.mark.slow
@pytest.mark.feature("O2")
def test_taking_in_new_code_under_load_fails_no_save(load: Load) -> None:
    load.wait(5)
    before = load.serving()
    load.first.send_signal(signal.SIGHUP)
    load.until(lambda: len(load.serving() - before) == 2 and not load.serving() & before)
    load.wait(5)
    assert load.failed == []
    print("longest wait for a save:", max(each.longest_gap for each in load.browsers))


@pytest.mark.slow
@pytest.mark.feature("O18")
def test_either_process_tells_the_numbers_of_both(load: Load) -> None:
    load.wait(20)
    saved = sum(each.saved for each in load.browsers)
    for _ in range(4):
        with urllib.request.urlopen(f"http://127.0.0.1:{load.service.port}/metrics") as told:
            text = told.read().decode()
        count = re.search(r"^examapp_save_seconds_count (\S+)$", text, re.MULTILINE)
        assert count is not None
        assert float(count[1]) >= saved


@pytest.mark.slow
def test_serving_process_that_was_killed_is_replaced(load: Load) -> None:
    load.wait(5)
    killed = load.serving()
    for process in killed:
        os.kill(process, signal.SIGKILL)
    load.wait(1)
    load.until(lambda: len(load.serving() - killed) == 2)


@pytest.mark.slow
def test_service_whose_first_process_was_killed_can_be_started_again(load: Load) -> None:
    load.wait(5)
    load.first.kill()
    load.service.kill()
    load.service.start()
    load.wait(1)


def test_port_that_is_taken_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE_AT_START_SECONDS", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit, match="Address already in use"):
        server.listen(f"127.0.0.1:{taken.getsockname()[1]}")


@pytest.mark.slow
def test_stopping_ends_every_process_and_breaks_no_answer(load: Load) -> None:
    load.wait(5)
    first, serving = load.first, load.first.children()
    first.send_signal(signal.SIGTERM)
    # before the first process would lose patience with them
    _gone, alive = psutil.wait_procs(serving, server.PATIENCE_SECONDS - 1)
    assert alive == []
    # refused connections are expected now; an answer that began must have been whole
    assert not [each for each in load.failed if "IncompleteRead" in each]
    load.until(lambda: first.status() == psutil.STATUS_ZOMBIE)
