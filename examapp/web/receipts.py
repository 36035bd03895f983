"""What a trainee keeps of a sitting: when it ended, what was answered, and a receipt for each answer.

A receipt is the number and the digest of the journal entry that holds the answer. The journal's chain makes it
impossible to give the same receipt to another answer afterwards.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from examapp.canonical import utc_string
from examapp.delivery import journal, sittings
from examapp.delivery.models import JournalEntry, Sitting
from examapp.delivery.state import Kind

CLOSING = (Kind.SUBMITTED, Kind.EXPIRED, Kind.VOIDED)


@dataclass(frozen=True)
class AnswerReceipt:
    """One stored answer: where it stands for the trainee, its slot, its sequence number, when it was stored."""

    position: int
    slot: int
    seq: int
    stored_at: datetime
    receipt: str
    is_empty: bool


@dataclass(frozen=True)
class SittingReceipt:
    """A sitting as its journal has it; `receipt` is that of the entry that ended it, empty while it runs."""

    sitting: str
    status: str
    ended_at: datetime | None
    answered: int
    count: int
    late: int
    receipt: str
    answers: tuple[AnswerReceipt, ...]

    @property
    def code(self) -> str:
        """The first characters of the receipt's digest, short enough to be read aloud."""
        digest = self.receipt.partition(":")[2].upper()
        return f"{digest[:4]}-{digest[4:8]}" if digest else ""


def of_sitting(sitting: Sitting) -> SittingReceipt:
    """Return what the trainee keeps of a sitting."""
    rows = journal.entries(sitting.id)
    places = sittings.places(sitting)
    positions = {place.slot: position for position, place in enumerate(places, start=1)}
    answers = sorted(
        (_answer(each, positions[each.slot]) for each in sittings.stored_responses(sitting)),
        key=lambda answer: answer.position,
    )
    closing = [journal.Entry(row.number, sitting.ends_at, row.digest) for row in rows if row.kind in CLOSING]
    return SittingReceipt(
        sitting=sitting.public_id, status=sitting.status, ended_at=sitting.closed_at,
        answered=sum(not answer.is_empty for answer in answers), count=len(places),
        late=_late(rows), receipt=closing[-1].receipt if closing else "",
        answers=tuple(answers),
    )  # fmt: skip


def _late(rows: list[JournalEntry]) -> int:
    """Return how many late values count for nothing."""
    counted = {each["entry"] for row in rows if row.kind == Kind.COUNTED for each in json.loads(row.body)["responses"]}
    return sum(row.kind == Kind.LATE and row.number not in counted for row in rows)


def _answer(stored: sittings.Stored, position: int) -> AnswerReceipt:
    return AnswerReceipt(position, stored.slot, stored.seq, stored.entry.at, stored.entry.receipt, stored.value is None)


def as_text(receipt: SittingReceipt) -> str:
    """Return a receipt as lines of text: facts first, then one line for each answer."""
    ended = utc_string(receipt.ended_at) if receipt.ended_at else "-"
    lines = [
        f"{gettext('Sitting')}: {receipt.sitting}",
        f"{gettext('State')}: {receipt.status}",
        f"{gettext('Ended')}: {ended}",
        f"{gettext('Answered')}: {receipt.answered}/{receipt.count}",
        f"{gettext('Receipt')}: {receipt.receipt or '-'}",
        "",
        "\t".join((gettext("Item"), "slot", "seq", gettext("Stored (UTC)"), gettext("Receipt"))),
    ]
    lines += [
        "\t".join((str(each.position), str(each.slot), str(each.seq), utc_string(each.stored_at), each.receipt))
        for each in receipt.answers
    ]
    return "\n".join(lines) + "\n"
