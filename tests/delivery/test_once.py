"""What many ask for at the same moment is computed once."""

import threading
from collections import Counter

import pytest

from examapp.delivery.once import once


@pytest.mark.feature("O1")
def test_many_who_ask_at_once_are_answered_from_one_computation(monkeypatch):
    monkeypatch.setattr("examapp.delivery.once.PATIENCE_SECONDS", 60.0)
    asked, together = Counter(), threading.Barrier(8)

    @once(4)
    def read(name):
        asked[name] += 1
        # long enough for all others to come
        threading.Event().wait(0.2)
        return object()

    found = []
    threads = [threading.Thread(target=lambda: (together.wait(), found.append(read("a")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == {"a": 1}
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_only_the_newest_are_kept_and_a_failure_is_not():
    asked = []

    @once(2)
    def read(name):
        asked.append(name)
        if len(asked) == 1:
            raise KeyError(name)
        return name

    with pytest.raises(KeyError):
        read("a")
    assert [read(name) for name in "aabcba"] == list("aabcba")
    assert asked == ["a", "a", "b", "c", "a"]
    read.forget()
    read("a")
    assert asked == ["a", "a", "b", "c", "a", "a"]


def test_who_waits_for_one_that_waits_for_them_computes_itself(monkeypatch):
    monkeypatch.setattr("examapp.delivery.once.PATIENCE_SECONDS", 0.05)
    done, threads = threading.Event(), []

    @once(4)
    def read(name):
        # the first needs what the second holds until it has its answer
        if threading.current_thread() is threads[0]:
            assert done.wait(10)
        return name

    threads += [threading.Thread(target=lambda: read("a")), threading.Thread(target=lambda: (read("a"), done.set()))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.is_set()
