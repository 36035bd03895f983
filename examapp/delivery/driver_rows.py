"""What a batch reads and writes, whatever the database: statements of both dialects, and rows as the batch knows them.

Statements find their rows by keys that begin with the sitting's id (a start also reads its registration and
administration), and use nothing that distributed engines lack: no sequence, trigger, advisory lock or notification.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from examapp.canonical import parse_utc, utc_string
from examapp.delivery.acceptance import Action, Request, Save
from examapp.delivery.batch import Batch, FormDigests, Prepared, Stored
from examapp.delivery.journal import Entry, EntryRow, Head
from examapp.delivery.state import Kind
from examapp.delivery.timing import TimeRules

PREPARED = (
    "SELECT p.sitting_id, p.registration_id, p.attempt, p.exam_form_id, p.seed, p.epoch, a.attempts, a.opens_at,"
    " a.closes_at, a.minutes, r.extra_minutes FROM prepared_sitting p JOIN registration r ON r.id = p.registration_id"
    " JOIN administration a ON a.id = r.administration_id"
)
BEGIN = (
    "INSERT INTO sitting (id, registration_id, attempt, exam_form_id, seed, started_at, epoch, ends_at, status,"
    " closed_at, last_number, last_digest)"
)
APPEND = "INSERT INTO journal_entry (sitting_id, number, kind, at, body, previous, digest)"
STORE = "INSERT INTO stored_response (sitting_id, slot, seq, value, number)"
OR_REPLACE = (
    " ON CONFLICT (sitting_id, slot) DO UPDATE SET seq = excluded.seq, value = excluded.value, number = excluded.number"
)
STANDING = "SELECT h.id, h.status, h.ends_at, h.epoch, h.last_number, h.last_digest, s.slot, s.seq, s.value, s.number"
# no slot has this number
NO_SLOT = 0
_ENTRY = "SELECT at, digest FROM journal_entry WHERE sitting_id = ? AND number = ?"
_BODIES = "SELECT number, body FROM journal_entry WHERE sitting_id = ? AND number > ? AND kind = ? ORDER BY number"
_FORM = "SELECT f.digest, p.digest FROM exam_form f JOIN paper p ON p.exam_form_id = f.id WHERE f.id = ?"

Row = tuple[Any, ...]

# forms and papers never change: what was read of them once holds for as long as the process lives
_form_digests: dict[str, FormDigests] = {}


class DriverRows(ABC):
    """The rows of sittings, within one transaction of a driver's connection."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    @abstractmethod
    def prepare(self) -> None:
        """Set up a connection that serves nothing else."""

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction that writes."""

    @abstractmethod
    def write(self, batch: Batch, *, commit: bool) -> None:
        """Write what a batch came to; with `commit` it is durable on return."""

    @abstractmethod
    def read(self, requests: Iterable[Request], *, lock: bool) -> Batch:
        """Return the sittings that are asked for; unknown ids are left out.

        Without `lock` others may change them meanwhile: then what is written breaks a key of the journal.
        """

    @abstractmethod
    def _ask(self, statement: str, values: Row) -> list[Row]:
        """Return the rows of one statement with ? for its values."""

    def rollback(self) -> None:
        """Take back what the transaction did."""
        self._driver.rollback()

    def entry(self, sitting_id: int, number: int) -> Entry:
        """Return an entry as it was acknowledged."""
        ((at, digest),) = self._ask(_ENTRY, (sitting_id, number))
        return Entry(number, parse_utc(at), digest)

    def holds(self, batch: Batch) -> bool:
        """Say whether all that a batch came to is stored; after it failed, a half of it may have been stored anew."""
        return bool(batch.entries) and all(map(self._has, batch.entries.values()))

    def _has(self, entry: EntryRow) -> bool:
        return any(digest == entry.digest for _, digest in self._ask(_ENTRY, (entry.sitting_id, entry.number)))

    def bodies(self, sitting_id: int, kind: Kind, after: int) -> list[tuple[int, str]]:
        """Return number and body of a sitting's entries of one kind beyond the number `after`."""
        return [(number, body) for number, body in self._ask(_BODIES, (sitting_id, after, kind.value))]

    def form_digests(self, exam_form_id: str) -> FormDigests | None:
        """Return the digests of a form that has a paper."""
        if exam_form_id not in _form_digests:
            for row in self._ask(_FORM, (exam_form_id,)):
                _form_digests[exam_form_id] = FormDigests(*row)
        return _form_digests.get(exam_form_id)


def slot_of(action: Action) -> int:
    """Return the slot whose response an action is decided on, or a number that no slot has."""
    return action.slot if isinstance(action, Save) else NO_SLOT


def begun(batch: Batch) -> list[Row]:
    """Return the rows of the sittings that begin."""
    return [
        (each.sitting_id, each.registration_id, each.attempt, each.exam_form_id, each.seed, utc_string(started_at),
         each.epoch, utc_string(batch.heads[each.sitting_id].ends_at), *_copies(batch.heads[each.sitting_id]))
        for each, started_at in batch.begun.values()
    ]  # fmt: skip


def changed(batch: Batch) -> list[Row]:
    """Return id, status, closed_at, last_number and last_digest of running sittings; only staff move their end."""
    heads = [head for head in batch.heads.values() if head.is_changed and head.sitting_id not in batch.begun]
    return [(head.sitting_id, *_copies(head)) for head in heads]


def responses(batch: Batch) -> list[Row]:
    """Return the rows of the newest responses."""
    return [(*key, *stored) for key, stored in batch.responses.items()]


def note_standing(batch: Batch, row: Row) -> None:
    """Note how a sitting stands, and the response to a slot if there is one."""
    sitting_id, status, ends_at, epoch, last_number, last_digest, *response = row
    batch.heads[sitting_id] = Head(sitting_id, status, parse_utc(ends_at), epoch, last_number, last_digest)
    if response[0] is not None:
        note_response(batch, sitting_id, *response)


def note_response(batch: Batch, sitting_id: int, slot: int, seq: int, value: str, number: int) -> None:
    """Note the newest response to a slot."""
    batch.stored.setdefault(sitting_id, {})[slot] = Stored(seq, value, number)


def note_prepared(batch: Batch, row: Row) -> None:
    """Note a sitting that may begin."""
    sitting_id, registration_id, attempt, exam_form_id, seed, epoch, attempts, *window, minutes, extra_minutes = row
    opens_at, closes_at = map(parse_utc, window)
    rules = TimeRules(opens_at, closes_at, minutes, extra_minutes)
    batch.prepared[sitting_id] = Prepared(
        sitting_id, registration_id, attempt, exam_form_id, seed, epoch, attempts, rules
    )


def _copies(head: Head) -> Row:
    closed_at = utc_string(head.closed_at) if head.closed_at else None
    return head.status, closed_at, head.last_number, head.last_digest
