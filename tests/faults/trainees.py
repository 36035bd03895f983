"""Trainees under faults: they save, try again with the same number and value, hand in, and remember every word said.

What was sent and what was acknowledged is kept here, in the harness's own memory: no fault of the service or of its
disk reaches it.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.faults.hall import SLOTS, Hall, Seat

# (sitting, slot, seq); a hand-in is (sitting, 0, 0)
Key = tuple[str, int, int]
# before it is handed in: a trainee draws one for each sitting
SAVES_PER_SITTING = (20, 100, 400)
# nobody waits so long, not on a machine with much else to do
STUCK_SECONDS = 90.0
# what a service in trouble may say; anything else fails the run
EXPECTED = frozenset({200, 500, 503})


@dataclass
class Trainee:
    """One trainee: where to send, what was sent, what was acknowledged with which receipt, and what went wrong."""

    seats: list[Seat]
    port: int
    rng: random.Random
    patience: float = 5.0
    expected: frozenset[int] = EXPECTED
    sent: dict[Key, str | None] = field(default_factory=dict)
    acknowledged: dict[Key, str] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    last_at: float = 0.0
    _line: "Line | None" = None

    def disconnect(self) -> None:
        """Lose the present connection; the next request needs a new one."""
        if self._line:
            self._line.is_lost = True

    def work(self, stop: threading.Event) -> None:
        """Sit one sitting after another until told to stop."""
        self._line = line = Line(self.port, self.patience)
        for number, seat in enumerate(self.seats):
            is_last = number + 1 == len(self.seats)
            seq, most = 0, self.rng.choice(SAVES_PER_SITTING)
            while not stop.is_set() and (is_last or seq < most):
                seq += 1
                self._save(line, seat, seq, stop)
            if not is_last and not stop.is_set():
                self._until_said(line, seat, (seat.sitting, 0, 0), stop)
        line.close()

    def hand_in(self) -> None:
        """Hand in every sitting that was begun, when the work is over."""
        begun, stop = {sitting for sitting, _, _ in self.sent}, threading.Event()
        patience = threading.Timer(STUCK_SECONDS, stop.set)
        patience.start()
        line = Line(self.port, self.patience)
        for seat in self.seats:
            if seat.sitting in begun:
                self._until_said(line, seat, (seat.sitting, 0, 0), stop)
        line.close()
        patience.cancel()
        if stop.is_set():
            raise TimeoutError(f"could not hand in; met {dict(self.outcomes)}")

    def save(self, line: "Line", seat: Seat, seq: int) -> bool:
        """Send one save, the same again when it was sent before; say whether it was acknowledged."""
        return self._try(line, seat, self._prepare(seat, seq))

    def _prepare(self, seat: Seat, seq: int) -> Key:
        key = (seat.sitting, 1 + seq % SLOTS, seq)
        self.sent.setdefault(key, f"{seq}.{self.rng.randrange(10**6):06}")
        return key

    def _save(self, line: "Line", seat: Seat, seq: int, stop: threading.Event) -> None:
        key = self._prepare(seat, seq)
        self._until_said(line, seat, key, stop)
        if self.rng.random() < 0.03 and key in self.acknowledged:
            self._try(line, seat, key)

    def _until_said(self, line: "Line", seat: Seat, key: Key, stop: threading.Event) -> None:
        """Send until it is acknowledged; once in a while give up, as a tab that is closed does."""
        self.sent.setdefault(key, None)
        while not stop.is_set() and not self._try(line, seat, key):
            if key[1] and self.rng.random() < 0.1:
                return
            time.sleep(self.rng.uniform(0.002, 0.02))

    def _try(self, line: "Line", seat: Seat, key: Key) -> bool:
        try:
            status, body = line.ask(*_request(seat, key, self.sent[key]))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.outcomes[type(error).__name__] += 1
            line.close()
            return False
        self.outcomes[str(status)] += 1
        if status not in self.expected:
            self.wrong.append(f"{key}: {status} {body}")
        if status == 200:
            self._note(key, body["receipt"])
        return status == 200

    def _note(self, key: Key, receipt: str) -> None:
        if self.acknowledged.setdefault(key, receipt) != receipt:
            self.wrong.append(f"{key}: acknowledged twice, with different receipts")
        self.last_at = time.monotonic()


class Line:
    """A connection that is made when it is needed."""

    def __init__(self, port: int, patience: float) -> None:
        self._port, self._patience = port, patience
        self._connection: http.client.HTTPConnection | None = None
        self.is_lost = False

    def ask(self, method: str, path: str, body: str, headers: dict[str, str]) -> tuple[int, dict]:
        """Send one request and return its status and JSON; whatever breaks is raised."""
        if self.is_lost:
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if answer.status == 200 else {"text": content[:200]}

    def close(self) -> None:
        """Drop the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.is_lost = False


def _request(seat: Seat, key: Key, value: str | None) -> tuple[str, str, str, dict[str, str]]:
    sitting, slot, seq = key
    if slot == 0:
        return "POST", f"/api/sittings/{sitting}/submission", "{}", seat.headers
    path, body = f"/api/sittings/{sitting}/responses/{slot}", json.dumps({"seq": seq, "value": value})
    return "PUT", path, body, seat.headers


@dataclass
class Crowd:
    """All trainees of a hall, at work."""

    trainees: list[Trainee]

    @property
    def acknowledged(self) -> int:
        """How many requests were acknowledged so far."""
        return sum(len(each.acknowledged) for each in self.trainees)

    @property
    def outcomes(self) -> Counter[str]:
        """How often which status or error was met."""
        return sum((each.outcomes for each in self.trainees), Counter())

    @property
    def wrong(self) -> list[str]:
        """What was said that no service may say."""
        return [each for trainee in self.trainees for each in trainee.wrong]

    def wait(self, more: int, seconds: float = STUCK_SECONDS) -> float:
        """Wait for `more` acknowledgements; return how long it took, and raise when it took longer than `seconds`."""
        begun, wanted = time.monotonic(), self.acknowledged + more
        while self.acknowledged < wanted:
            if time.monotonic() > begun + seconds:
                raise TimeoutError(f"no {more} acknowledgements in {seconds} s; met {dict(self.outcomes)}")
            time.sleep(0.002)
        return time.monotonic() - begun

    def wait_for_everybody(self, since: float, seconds: float = STUCK_SECONDS) -> None:
        """Wait until each trainee was told something since an instant: nobody is stuck."""
        begun = time.monotonic()
        while min(each.last_at for each in self.trainees) < since:
            if time.monotonic() > begun + seconds:
                raise TimeoutError(f"somebody was told nothing for {seconds} s; met {dict(self.outcomes)}")
            time.sleep(0.01)


@contextmanager
def at_work(
    hall: Hall, port: int, *, seed: int, patience: float = 5.0, expected: frozenset[int] = EXPECTED
) -> Iterator[Crowd]:
    """Let the hall's trainees work; they stop when the block ends, and what they remember stays."""
    stop = threading.Event()
    crowd = Crowd([Trainee(seats, port, random.Random(f"{seed}.{number}"), patience, expected)
                   for number, seats in enumerate(hall.seats)])  # fmt: skip
    threads = [threading.Thread(target=each.work, args=(stop,), daemon=True) for each in crowd.trainees]
    for thread in threads:
        thread.start()
    try:
        yield crowd
    finally:
        stop.set()
        for thread in threads:
            thread.join(STUCK_SECONDS)
