"""What the trainees were told against what the database holds; reads the tables itself, with no code of the service's.

- lost: acknowledged, and no entry with this slot, number, value and receipt is in the journal; or it is not what is
  stored for the slot, or what was scored, although nothing newer is
- duplicated: one (slot, seq), one hand-in or one start stands twice in the journal as counted
- phantom: an entry, or a stored response, that nobody sent
- broken: a chain that does not hold, a sitting whose row says other than its journal, a stored response that is not the
  newest of its slot
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.faults.trainees import Key, Trainee

Values = Mapping[Key, str | None]
# (sitting, slot)
Place = tuple[str, int]

_JOURNAL = text("SELECT sitting_id, number, kind, at, body, previous, digest FROM journal_entry ORDER BY 1, 2")
_STORED = text("SELECT sitting_id, slot, seq, value, number FROM stored_response")
_SITTINGS = text("SELECT id, status, last_number, last_digest FROM sitting")
_RESULTS = text("SELECT sitting_id, evidence FROM result")
_NONE = (0, "", 0)


@dataclass(frozen=True)
class Audit:
    """How many were acknowledged and what became of them; `broken` names what does not agree with itself."""

    acknowledged: int
    lost: int
    duplicated: int
    phantom: int
    broken: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether everything that was promised is there, once, and nothing else."""
        return not (self.lost or self.duplicated or self.phantom or self.broken)

    def __add__(self, other: "Audit") -> "Audit":
        return Audit(
            self.acknowledged + other.acknowledged, self.lost + other.lost, self.duplicated + other.duplicated,
            self.phantom + other.phantom, self.broken + other.broken,
        )  # fmt: skip


NOTHING = Audit(0, 0, 0, 0)


def audit(url: str, trainees: Iterable[Trainee], *, is_scored: bool = False) -> Audit:
    """Compare the database at `url` with what the trainees remember; when it is scored, the results too."""
    sent: dict[Key, str | None] = {}
    acknowledged: dict[Key, str] = {}
    for each in trainees:
        # acknowledgements first: a trainee who still works sends before it is told
        acknowledged |= dict(each.acknowledged)
        sent |= dict(each.sent)
    engine = create_engine(url, poolclass=NullPool)
    journal = _Journal(sent)
    # of one moment, though the service may go on writing
    with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
        for row in connection.execute(_JOURNAL):
            journal.read(row)
        stored = {(f"{row.sitting_id:016x}", row.slot): (row.seq, row.value, row.number)
                  for row in connection.execute(_STORED)}  # fmt: skip
        sittings = connection.execute(_SITTINGS).all()
        results = connection.execute(_RESULTS).all() if is_scored else []
    lost = journal.lacks(acknowledged) | _not_stored(acknowledged, sent, journal, stored)
    if is_scored:
        lost |= _not_scored(acknowledged, journal, results)
    broken = (*journal.broken, *_stored_otherwise(journal, stored), *journal.heads_unlike(sittings))
    phantom = journal.phantom + sum(1 for place in stored if place not in journal.newest)
    return Audit(len(acknowledged), len(lost), journal.duplicated, phantom, broken)


@dataclass
class _Journal:
    """What the journal says, read entry by entry in order, beside what was sent."""

    sent: Values
    # receipt and value of what counts
    kept: dict[Key, tuple[str, str | None]] = field(default_factory=dict)
    # number in its slot, value as JSON, number in the journal
    newest: dict[Place, tuple[int, str, int]] = field(default_factory=dict)
    phantom: int = 0
    broken: list[str] = field(default_factory=list)
    _times: Counter[Key] = field(default_factory=Counter)
    _heads: dict[str, tuple[int, str]] = field(
        default_factory=lambda: defaultdict(lambda: (0, "sha256:" + "0" * 64)))  # fmt: skip

    @property
    def duplicated(self) -> int:
        """How many things stand there more than once."""
        return sum(1 for times in self._times.values() if times > 1)

    def read(self, row: Any) -> None:
        """Take in the next entry."""
        sitting = f"{row.sitting_id:016x}"
        self._chain(sitting, row)
        if row.kind == "started":
            # the harness began it
            self._times[(sitting, -1, 0)] += 1
            return
        key, value = _key_and_value(sitting, row)
        self.phantom += key not in self.sent or self.sent[key] != value
        if row.kind == "late":
            return
        self._times[key] += 1
        self.kept[key] = (f"{row.number}:{row.digest.removeprefix('sha256:')}", value)
        if key[1]:
            place, seq = key[:2], key[2]
            if place in self.newest and self.newest[place][0] >= seq:
                self.broken.append(f"entry {row.number} of sitting {sitting} is older than what it replaces")
            self.newest[place] = (seq, json.dumps(value), row.number)

    def _chain(self, sitting: str, row: Any) -> None:
        number, previous = self._heads[sitting]
        own = {
            "sitting": sitting, "number": row.number, "kind": row.kind, "at": row.at,
            "body": json.loads(row.body), "previous": row.previous,
        }  # fmt: skip
        text_of = json.dumps(own, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        is_whole = row.digest == "sha256:" + hashlib.sha256(text_of.encode()).hexdigest()
        if not is_whole or (row.number, row.previous) != (number + 1, previous):
            self.broken.append(f"entry {row.number} of sitting {sitting}")
        self._heads[sitting] = (row.number, row.digest)

    def lacks(self, acknowledged: Mapping[Key, str]) -> set[Key]:
        """Return what was acknowledged and is not there with its receipt; a control names no receipt."""
        return {
            key for key, receipt in acknowledged.items()
            if key not in self.kept or (receipt or self.kept[key][0]) != self.kept[key][0]
        }  # fmt: skip

    def heads_unlike(self, sittings: Iterable[Any]) -> Iterator[str]:
        """Yield the sittings whose row says other than their journal; an end that is cut off a journal shows here."""
        for row in sittings:
            sitting = f"{row.id:016x}"
            status = "submitted" if (sitting, 0, 0) in self.kept else "open"
            if (row.status, row.last_number, row.last_digest) != (status, *self._heads[sitting]):
                yield f"the row of sitting {sitting}"


def _key_and_value(sitting: str, row: Any) -> tuple[Key, str | None]:
    """Return what an entry stores; an entry of a kind that no trainee asked for has a key that nobody sent."""
    body = json.loads(row.body)
    if row.kind in ("responded", "late"):
        return (sitting, body["slot"], body["seq"]), body["value"]
    return (sitting, 0, 0 if row.kind == "submitted" else row.number), None


def _not_stored(
    acknowledged: Iterable[Key], sent: Values, journal: _Journal, stored: Mapping[Place, tuple[int, str, int]]
) -> set[Key]:
    """Return acknowledged saves for whose slot something older, or another value, is stored."""
    lost = set()
    for key in acknowledged:
        place, seq = key[:2], key[2]
        is_newest = place in journal.newest and journal.newest[place][0] == seq
        if is_newest and stored.get(place, _NONE)[:2] != (seq, json.dumps(sent[key])):
            lost.add(key)
    return lost


def _stored_otherwise(journal: _Journal, stored: Mapping[Place, tuple[int, str, int]]) -> Iterator[str]:
    """Yield the slots whose stored response is not the newest of their journal, acknowledged or not."""
    for place, newest in journal.newest.items():
        if stored.get(place) != newest:
            yield f"the stored response of slot {place[1]} of sitting {place[0]}"


def _not_scored(acknowledged: Iterable[Key], journal: _Journal, results: Iterable[Any]) -> set[Key]:
    """Return acknowledged hand-ins without a result, and the newest saves of their slots that were not scored."""
    scored = {
        f"{row.sitting_id:016x}": {
            item["slot"]: json.dumps(item["response"]) for item in json.loads(row.evidence)["items"]
        } for row in results
    }  # fmt: skip
    handed_in = {sitting for sitting, slot, _ in acknowledged if slot == 0}
    lost = {(sitting, 0, 0) for sitting in handed_in - scored.keys()}
    for (sitting, slot), (seq, value, _) in journal.newest.items():
        if sitting in handed_in & scored.keys() and scored[sitting].get(slot) != value:
            lost.add((sitting, slot, seq))
    return lost
