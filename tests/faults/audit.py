"""What the trainees were told against what the database holds; reads the tables itself, with no code of the service's.

- lost: acknowledged, and no entry with this slot, number, value and receipt is in the journal, or it is not what is
  stored for the slot although nothing newer is
- duplicated: one (slot, seq), or one hand-in, stands twice in the journal as counted
- phantom: an entry that nobody sent
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.faults.trainees import Key, Trainee

_JOURNAL = text("SELECT sitting_id, number, kind, at, body, previous, digest FROM journal_entry ORDER BY 1, 2")
_STORED = text("SELECT sitting_id, slot, seq, value FROM stored_response")


@dataclass(frozen=True)
class Audit:
    """How many were acknowledged and what became of them; `broken` names chains that do not hold."""

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


def audit(url: str, trainees: Iterable[Trainee]) -> Audit:
    """Compare the database at `url` with what the trainees remember."""
    sent: dict[Key, str | None] = {}
    acknowledged: dict[Key, str] = {}
    for each in trainees:
        # acknowledgements first: a trainee who still works sends before it is told
        acknowledged |= dict(each.acknowledged)
        sent |= dict(each.sent)
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        entries = connection.execute(_JOURNAL).all()
        stored = {(f"{row.sitting_id:016x}", row.slot): (row.seq, row.value) for row in connection.execute(_STORED)}
    kept: dict[Key, tuple[str, str | None]] = {}
    counted: Counter[Key] = Counter()
    phantom = 0
    for row in entries:
        found = _key_and_value(row)
        if found is None:
            continue
        key, value = found
        phantom += key not in sent or sent[key] != value
        if row.kind in ("responded", "submitted"):
            counted[key] += 1
            kept[key] = (f"{row.number}:{row.digest.removeprefix('sha256:')}", value)
    # a control names no receipt
    lost = {
        key for key, receipt in acknowledged.items() if key not in kept or (receipt or kept[key][0]) != kept[key][0]
    }
    lost |= _not_stored(acknowledged, sent, kept, stored)
    twice = sum(1 for times in counted.values() if times > 1)
    return Audit(len(acknowledged), len(lost), twice, phantom, tuple(_broken_chains(entries)))


def _key_and_value(row: Any) -> tuple[Key, str | None] | None:
    """Return what an entry stores; None for the start."""
    sitting, body = f"{row.sitting_id:016x}", json.loads(row.body)
    if row.kind in ("responded", "late"):
        return (sitting, body["slot"], body["seq"]), body["value"]
    return ((sitting, 0, 0), None) if row.kind == "submitted" else None


def _not_stored(
    acknowledged: dict[Key, str], sent: dict[Key, str | None], kept: dict[Key, tuple[str, str | None]],
    stored: dict[tuple[str, int], tuple[int, str]],
) -> set[Key]:  # fmt: skip
    """Return acknowledged saves for whose slot something older, or another value, is stored."""
    newest: dict[tuple[str, int], int] = defaultdict(int)
    for sitting, slot, seq in kept:
        newest[sitting, slot] = max(newest[sitting, slot], seq)
    missing = set()
    for key in acknowledged:
        sitting, slot, seq = key
        if slot and seq == newest[sitting, slot] and stored.get((sitting, slot)) != (seq, json.dumps(sent[key])):
            missing.add(key)
    return missing


def _broken_chains(entries: Iterable[Any]) -> Iterable[str]:
    last: dict[int, tuple[int, str]] = defaultdict(lambda: (0, "sha256:" + "0" * 64))
    for row in entries:
        number, previous = last[row.sitting_id]
        own = {
            "sitting": f"{row.sitting_id:016x}", "number": row.number, "kind": row.kind, "at": row.at,
            "body": json.loads(row.body), "previous": row.previous,
        }  # fmt: skip
        text_of = json.dumps(own, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        is_whole = row.digest == "sha256:" + hashlib.sha256(text_of.encode()).hexdigest()
        if not is_whole or (row.number, row.previous) != (number + 1, previous):
            yield f"entry {row.number} of sitting {row.sitting_id:016x}"
        last[row.sitting_id] = (row.number, row.digest)
