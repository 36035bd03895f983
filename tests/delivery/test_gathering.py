"""Who waits together, and who of them stores the requests of all."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from examapp.delivery import gathering
from examapp.delivery.gathering import Gathering, Waiting
from examapp.errors import Unavailable


class Store:
    """A store that says of each request that it is stored, and which thread did it; it can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: list[int] = []
        self.free, self.busy, self.seconds = threading.Event(), threading.Lock(), 0.0
        self.free.set()

    def __call__(self, batch: list[Waiting]) -> None:
        assert self.busy.acquire(blocking=False), "two store at once"
        self.batches.append([each.request for each in batch])
        self.threads.append(threading.get_ident())
        assert self.free.wait(10)
        # long enough for others to come
        threading.Event().wait(self.seconds)
        self.busy.release()
        for each in batch:
            each.answer(f"stored {each.request}")  # type: ignore[arg-type]


@pytest.fixture
def store() -> Store:
    return Store()


class Clock:
    """The gathering's clock, which the test can stop: nobody's time is over before all who shall come are there."""

    def __init__(self) -> None:
        self._lag, self._stopped_at = 0.0, time.monotonic()

    def monotonic(self) -> float:
        """Return the instant at which it stands."""
        return self._stopped_at or time.monotonic() - self._lag

    def go_on(self) -> None:
        """Let it run from there."""
        self._lag, self._stopped_at = time.monotonic() - self._stopped_at, 0.0


@pytest.fixture
def clock(monkeypatch: Any) -> Clock:
    """A clock that stands."""
    stopped = Clock()
    monkeypatch.setattr(gathering, "time", stopped)
    return stopped


@pytest.fixture
def send() -> Iterator[Callable[[Gathering, Any], Future[Any]]]:
    """Send a request in a thread of its own, and return when it waits or is answered."""
    with ThreadPoolExecutor(64) as pool:

        def sent(line: Gathering, request: Any) -> Future[Any]:
            before = len(line)
            future = pool.submit(line.outcome_of, request)
            while len(line) == before and not future.done() and not line._is_led:
                time.sleep(0.001)
            return future

        yield sent


def until(line: Gathering, size: int) -> None:
    while len(line) != size:
        time.sleep(0.001)


def send_in_order(line: Gathering, send: Any, requests: Iterable[int]) -> list[Future[Any]]:
    """Send one after another, while nothing is taken: the number of each is how many wait with it."""
    sent = []
    for number in requests:
        sent.append(send(line, number))
        until(line, number)
    return sent


def ask(line: Gathering, request: Any) -> Any:
    return line.outcome_of(request)


def test_a_request_that_comes_alone_is_stored_by_its_own_thread(store: Store) -> None:
    line = Gathering(store, 16, 0.008)
    assert ask(line, 1) == "stored 1"
    assert store.threads == [threading.get_ident()]


def test_those_who_come_meanwhile_are_stored_together_by_the_first_of_them(store: Store, send: Any) -> None:
    line = Gathering(store, 100, 0.0)
    store.free.clear()
    first = send(line, 0)
    others = send_in_order(line, send, (1, 2, 3))
    store.free.set()
    assert [each.result(10) for each in (first, *others)] == [f"stored {number}" for number in range(4)]
    assert store.batches == [[0], [1, 2, 3]]
    assert len(set(store.threads)) == 2


def test_a_batch_begins_when_enough_wait_however_long_the_pause(store: Store, send: Any) -> None:
    line = Gathering(store, 3, 60.0)
    line._next = time.monotonic() + 60
    sent = send_in_order(line, send, (1, 2))
    assert store.batches == []
    sent.append(send(line, 3))
    assert [each.result(10) for each in sent] == ["stored 1", "stored 2", "stored 3"]
    assert store.batches == [[1, 2, 3]]


def test_enough_that_came_while_one_stored_do_not_wait_for_the_pause(store: Store, send: Any) -> None:
    line = Gathering(store, 2, 60.0)
    store.free.clear()
    first = send(line, 0)
    line._next = time.monotonic() + 60
    others = send_in_order(line, send, (1, 2))
    store.free.set()
    assert [each.result(10) for each in (first, *others)] == ["stored 0", "stored 1", "stored 2"]


def test_the_first_one_leads_when_the_pause_is_over(store: Store, send: Any, clock: Clock) -> None:
    line = Gathering(store, 100, 60.0)
    line._next = clock.monotonic() + 0.2
    sent = send_in_order(line, send, (1, 2))
    clock.go_on()
    assert [each.result(10) for each in sent] == ["stored 1", "stored 2"]
    assert store.batches == [[1, 2]]


def test_more_than_one_batch_takes_is_stored_by_several(store: Store, send: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(gathering, "LARGEST_BATCH", 2)
    line = Gathering(store, 100, 0.0)
    store.free.clear()
    sent = [send(line, 0), *send_in_order(line, send, range(1, 6))]
    store.free.set()
    assert [each.result(10) for each in sent] == [f"stored {number}" for number in range(6)]
    assert store.batches == [[0], [1, 2], [3, 4], [5]]


def test_who_loses_patience_is_not_stored_and_holds_up_nobody(store: Store, send: Any, monkeypatch: Any) -> None:
    line = Gathering(store, 100, 0.0)
    store.free.clear()
    first = send(line, 0)
    with monkeypatch.context() as patch:
        patch.setattr(gathering, "PATIENCE_SECONDS", 0.05)
        assert send(line, 1).result(10) is None
    second = send(line, 2)
    until(line, 1)
    store.free.set()
    assert (first.result(10), second.result(10)) == ("stored 0", "stored 2")
    assert store.batches == [[0], [2]]


def test_who_loses_patience_before_the_pause_is_over_lets_the_next_one_lead(
    store: Store, send: Any, clock: Clock, monkeypatch: Any
) -> None:
    line = Gathering(store, 100, 60.0)
    line._next = clock.monotonic() + 60
    with monkeypatch.context() as patch:
        patch.setattr(gathering, "PATIENCE_SECONDS", 0.2)
        first = send(line, 1)
        until(line, 1)
    second = send(line, 2)
    until(line, 2)
    clock.go_on()
    assert (first.result(10), second.result(10)) == (None, "stored 2")


def test_one_that_fails_lets_the_next_one_lead(store: Store) -> None:
    failing = [True]

    def fail(batch: list[Waiting]) -> None:
        if failing.pop() if failing else False:
            raise SystemExit
        store(batch)

    line = Gathering(fail, 16, 0.0)
    with pytest.raises(SystemExit):
        ask(line, 1)
    assert ask(line, 2) == "stored 2"


def test_a_full_queue_takes_nobody_in(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr(gathering, "LARGEST_QUEUE", 0)
    with pytest.raises(Unavailable) as refusal:
        ask(Gathering(store, 16, 0.0), 1)
    assert (refusal.value.code, refusal.value.retry_after) == ("service.busy", 2)
    assert store.batches == []


def crowd(line: Gathering, senders: int, each: int) -> list[tuple[Any, str, float]]:
    """Return what many senders are told that send one request after another, what they should be, and when."""
    told: list[tuple[Any, str, float]] = []

    def run(number: int) -> None:
        for place in range(each):
            began, request = time.monotonic(), (number, place)
            told.append((ask(line, request), f"stored {request}", time.monotonic() - began))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.parametrize(("enough", "pause"), [(1, 0.0), (4, 0.002), (100, 0.002), (8, 1.0)])
def test_in_a_crowd_everybody_is_answered_once_and_in_order(store: Store, enough: int, pause: float) -> None:
    store.seconds = 0.0005
    told = crowd(Gathering(store, enough, pause), 24, 40)
    assert len(told) == 24 * 40
    assert all(outcome == expected for outcome, expected, _ in told)
    assert max(seconds for *_, seconds in told) < gathering.PATIENCE_SECONDS
    stored = [request for batch in store.batches for request in batch]
    assert len(stored) == len(set(stored)) == 24 * 40
    assert len(set(store.threads)) > 1
    assert all([place for sender, place in stored if sender == number] == list(range(40)) for number in range(24))


def test_without_handing_over_nobody_wakes_those_who_came_meanwhile(store: Store, send: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(Gathering, "_hand_over", lambda self: None)
    line = Gathering(store, 100, 0.0)
    store.free.clear()
    first, second = send(line, 0), send(line, 1)
    until(line, 1)
    store.free.set()
    assert first.result(10) == "stored 0"
    with pytest.raises(TimeoutError):
        second.result(0.2)
    line._queue[0].wake()
    assert second.result(10) == "stored 1"


@pytest.mark.parametrize(("rate", "pauses"), [(1, (0.0, 0.0)), (500, (8, 12.5)), (1000, (8, 25)), (9000, (8, 25))])
def test_a_batch_waits_for_others_the_longer_the_more_come(rate: int, pauses: tuple[float, float]) -> None:
    for longest, pause in zip((0.008, 0.025), pauses, strict=True):
        line, now = Gathering(Store(), 16, longest), 1000.0
        for _ in range(200):
            now += 0.01
            line._pause(rate * 0.01, now)  # type: ignore[arg-type]
        assert (line._next - now) * 1000 == pytest.approx(pause, abs=0.1)
