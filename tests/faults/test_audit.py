"""The audit finds what may go wrong: each is planted by itself in a database that holds."""

import hashlib
import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.audit import Audit, audit
from tests.faults.ending import end
from tests.faults.hall import open_hall
from tests.faults.service import Warm, running
from tests.faults.trainees import Crowd, Line, Trainee


@dataclass(frozen=True)
class Held:
    """A sitting of five acknowledged saves, begun as entry 1 and handed in as entry 7, scored; the database before its
    last save; and who sat it.
    """

    whole: Path
    earlier: Path
    trainee: Trainee

    def audit(self, database: Path, *, is_scored: bool = True) -> Audit:
        return audit(f"sqlite:///{database}", [self.trainee], is_scored=is_scored)


@pytest.fixture(scope="module")
def held(tmp_path_factory) -> Held:
    folder = tmp_path_factory.mktemp("held")
    hall = open_hall(folder, trainees=1, sittings=1)
    with running(Warm(hall)) as service:
        trainee, line = Trainee(hall.seats[0], service.port, random.Random(1)), Line(service.port, 20.0)
        assert all(trainee.save(line, trainee.seats[0], seq) for seq in range(1, 5))
        earlier = _copy(folder / "examapp.db", folder / "earlier.db")
        assert trainee.save(line, trainee.seats[0], 5)
        line.close()
        # sent, and given up
        trainee.sent[trainee.seats[0].sitting, 2, 0] = "1"
        assert end(hall, Crowd([trainee])) == Audit(acknowledged=6, lost=0, duplicated=0, phantom=0)
    return Held(_copy(folder / "examapp.db", folder / "whole.db"), earlier, trainee)


@pytest.fixture
def plant(held, tmp_path) -> Callable[..., Audit]:
    def run(change: str | Callable[[sqlite3.Connection], None]) -> Audit:
        database = Path(shutil.copy(held.whole, tmp_path / "planted.db"))
        with closing(sqlite3.connect(database)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            if callable(change):
                change(connection)
            else:
                assert connection.execute(change).rowcount == 1
            connection.commit()
        return held.audit(database)

    return run


def _copy(database: Path, to: Path) -> Path:
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return to


def _append(kind: str, body: dict) -> Callable[[sqlite3.Connection], None]:
    """Return a change that adds an entry whose chain holds and of which the sitting's row knows."""

    def change(connection: sqlite3.Connection) -> None:
        columns = "sitting_id, number, at, digest FROM journal_entry ORDER BY number DESC LIMIT 1"
        sitting, number, at, previous = connection.execute(f"SELECT {columns}").fetchone()
        own = {
            "sitting": f"{sitting:016x}", "number": number + 1, "kind": kind, "at": at, "body": body,
            "previous": previous,
        }  # fmt: skip
        text = json.dumps(own, sort_keys=True, separators=(",", ":"))
        digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
        row = (sitting, number + 1, kind, at, json.dumps(body), previous, digest)
        connection.execute("INSERT INTO journal_entry VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        connection.execute("UPDATE sitting SET last_number = ?, last_digest = ?", (number + 1, digest))

    return change


def _sent(held: Held, seq: int) -> dict:
    return next({"slot": slot, "seq": own, "value": value} for (_, slot, own), value in held.trainee.sent.items()
                if own == seq)  # fmt: skip


def test_what_holds_is_clean(plant):
    assert plant(lambda connection: None) == Audit(6, 0, 0, 0)


def test_a_database_that_went_back_to_before_a_save_lost_it_and_the_hand_in(held):
    assert held.audit(held.earlier, is_scored=False) == Audit(6, lost=2, duplicated=0, phantom=0)


def test_an_answer_that_is_stored_twice_is_a_duplicate(held, plant):
    assert plant(_append("responded", _sent(held, 3))).duplicated == 1


def test_a_second_hand_in_is_a_duplicate(plant):
    assert plant(_append("submitted", {"answered": 5, "responses": "sha256:" + "0" * 64})).duplicated == 1


@pytest.mark.parametrize("kind", ["responded", "late"])
def test_an_answer_that_nobody_sent_is_a_phantom(kind, plant):
    assert plant(_append(kind, {"slot": 8, "seq": 9, "value": "1"})).phantom == 1


def test_a_value_that_nobody_sent_is_a_phantom(held, plant):
    assert plant(_append("late", {**_sent(held, 3), "value": "1"})).phantom == 1


def test_an_entry_of_a_kind_that_nobody_asked_for_is_a_phantom(plant):
    assert plant(_append("paused", {})).phantom == 1


def test_a_stored_response_without_an_entry_is_a_phantom(plant):
    row = "SELECT sitting_id, 8, seq, value, number FROM stored_response LIMIT 1"
    assert plant(f"INSERT INTO stored_response (sitting_id, slot, seq, value, number) {row}").phantom == 1


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM stored_response WHERE slot = 2",
        "UPDATE stored_response SET value = '\"1\"' WHERE slot = 2",
        "UPDATE stored_response SET seq = 0 WHERE slot = 2",
        "DELETE FROM journal_entry WHERE number = 3",
        "DELETE FROM journal_entry WHERE number = 7",
        "DELETE FROM result",
        "UPDATE result SET evidence = json_set(evidence, '$.items[1].response', '1')",
        "UPDATE result SET evidence = json_set(evidence, '$.items[1].response', NULL)",
    ],
)
def test_an_acknowledged_answer_that_is_not_there_not_stored_or_not_scored_is_lost(change, plant):
    assert plant(change).lost == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal_entry SET previous = digest WHERE number = 3",
        "UPDATE journal_entry SET at = '2026-05-16T01:00:00.000000Z' WHERE number = 3",
        "UPDATE journal_entry SET digest = previous WHERE number = 7",
        "UPDATE stored_response SET number = 1 WHERE slot = 2",
        "UPDATE sitting SET last_number = last_number - 1",
        "UPDATE sitting SET status = 'open'",
    ],
)
def test_what_does_not_agree_with_itself_is_broken(change, plant):
    found = plant(change)
    assert found.broken
    assert not found.is_clean


def test_an_older_answer_that_came_after_a_newer_one_is_broken(plant):
    assert "older than what it replaces" in str(plant(_append("responded", {"slot": 2, "seq": 0, "value": "1"})).broken)
