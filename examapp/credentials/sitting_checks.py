"""What grows with the number of trainees, checked in sets: sittings, results, and the records of results.

Every check recomputes from what the row is about: journals by their chains, marks by the key, scores by scoring again,
records by signature and by the rows they speak of.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from examapp.banks.models import ItemParameters, ItemVersion
from examapp.canonical import canonical_bytes, digest, parse_utc, utc_string
from examapp.credentials import issuing, key_store, record
from examapp.credentials.findings import Broken
from examapp.credentials.models import LogEntry
from examapp.db import db
from examapp.delivery import histories
from examapp.delivery.histories import History
from examapp.delivery.models import Paper, Sitting
from examapp.delivery.state import Kind
from examapp.exams.models import Administration, ExamForm, Registration
from examapp.scoring.marking import MarkingKey
from examapp.scoring.models import Mark, Release, Result
from examapp.scoring.rules import rescore

TrustedKeys = Mapping[str, Mapping[str, str]]


def score_differs(evidence: dict[str, Any]) -> str:
    """Return what comes out differently when a sitting is scored again from its evidence, or nothing."""
    again = rescore(evidence)
    different = sorted(name for name, value in again.items() if evidence["outcome"].get(name) != value)
    return f"scored again from the evidence, another {', '.join(different)} comes out" if different else ""


def broken_sittings(sitting_ids: Sequence[int]) -> Broken:
    """Yield what does not hold of sittings: their journals, copies, and how they began."""
    query = (
        select(
            Sitting.id, Sitting.registration_id, ExamForm.digest, Paper.digest, Sitting.seed, Administration.opens_at,
            Administration.closes_at, Administration.minutes, Registration.extra_minutes,
        )
        .join(ExamForm, ExamForm.id == Sitting.exam_form_id)
        .join(Paper, Paper.exam_form_id == Sitting.exam_form_id)
        .join(Registration, Registration.id == Sitting.registration_id)
        .join(Administration, Administration.id == Registration.administration_id)
        .where(Sitting.id.in_(sitting_ids))
    )  # fmt: skip
    beginnings = {row[0]: tuple(row[1:]) for row in db.session.execute(query)}
    for history in histories.of(sitting_ids):
        sitting_id = history.sitting.id
        yield from ((sitting_id, what) for what in history.findings)
        yield from ((sitting_id, what) for what in _broken_beginning(history, beginnings[sitting_id]))


def _broken_beginning(history: History, stored: tuple[Any, ...]) -> Iterator[str]:
    started = history.entries[0]
    if started.kind != Kind.STARTED:
        return
    body = json.loads(started.body)
    registration, exam_form, paper, seed, opens_at, closes_at, minutes, extra_minutes = stored
    named = tuple(body[name] for name in ("registration", "exam_form", "paper", "seed"))
    if named != (registration, exam_form, paper, str(seed)):
        yield "its registration, form, paper or seed is not the one that it began with"
    times = tuple(body[name] for name in ("opens_at", "closes_at", "minutes", "extra_minutes"))
    if times != (utc_string(opens_at), utc_string(closes_at), minutes, extra_minutes):
        yield "its window, minutes or extra minutes are not those that it began with"


class ResultChecks:
    """Checks results against evidence, journal, marks, keys and parameters; what all share is read once."""

    def __init__(self) -> None:
        self._keys: dict[str, MarkingKey] = {}
        self._parameters: dict[str, set[tuple[str, str, str]]] = {}

    def broken(self, result_ids: Sequence[str]) -> Broken:
        """Yield what does not hold of these results."""
        query = select(Result).where(Result.id.in_(result_ids)).order_by(Result.id)
        results = list(db.session.scalars(query))
        sitting_ids = [result.sitting_id for result in results]
        marks = _Marks(sitting_ids)
        numbers = _numbers(sitting_ids)
        known = {history.sitting.id: history for history in histories.of(sitting_ids)}
        for result in results:
            history, own = known[result.sitting_id], marks.of(result)
            yield from ((result.id, what) for what in _broken_outcome(result))
            if numbers[result.sitting_id][: result.number] != list(range(1, result.number + 1)):
                yield result.id, "results of the sitting before this one are missing"
            yield from ((result.id, what) for what in self._broken_marks(result.evidence, history, own))
            yield from ((result.id, what) for what in self._broken_parameters(result.evidence))

    def _broken_marks(
        self, evidence: dict[str, Any], history: History, marks: dict[int, tuple[int, int]]
    ) -> Iterator[str]:
        """Compare the evidence with the journal, the stored marks, and marking again by the items' keys."""
        # the journal is what counts here; a copy that differs from it is a finding of the sitting
        responses = history.as_of(evidence["journal"]["entries"]).responses
        values = {slot: each.value for slot, each in responses.items() if each.value is not None}
        key, given = self._key_of(history.sitting.exam_form_id), {slot: _text(each) for slot, each in values.items()}
        items = {item["slot"]: item for item in evidence["items"]}
        for slot, category in zip(key.slots, key.categories(given), strict=True):
            item = items.get(slot.number, {})
            told = (item.get("category"), item.get("highest"))
            if (item.get("digest"), item.get("response")) != (slot.digest, values.get(slot.number)):
                yield f"slot {slot.number}: another item or response than in the form and the journal"
            if told != (category, slot.highest):
                yield f"slot {slot.number}: marked again by the key, another category comes out"
            if told != marks.get(slot.number):
                yield f"slot {slot.number}: the stored mark is another"

    def _key_of(self, exam_form_id: str) -> MarkingKey:
        if exam_form_id not in self._keys:
            # not the key that the process may have read before somebody changed the form
            self._keys[exam_form_id] = MarkingKey(exam_form_id)
        return self._keys[exam_form_id]

    def _broken_parameters(self, evidence: dict[str, Any]) -> Iterator[str]:
        stored = self._parameters_on(evidence["scale"])
        for item in evidence["items"]:
            if (item["digest"], item["model"], _text(item["parameters"])) not in stored:
                yield f"slot {item['slot']}: no stored parameters of the item are those in the evidence"

    def _parameters_on(self, scale: str) -> set[tuple[str, str, str]]:
        if scale not in self._parameters:
            query = (
                select(ItemVersion.digest, ItemParameters.model, ItemParameters.parameters)
                .join(ItemParameters, ItemParameters.item_version_id == ItemVersion.id)
                .where(ItemParameters.scale == scale)
            )
            self._parameters[scale] = {(each, model, _text(own)) for each, model, own in db.session.execute(query)}
        return self._parameters[scale]


class _Marks:
    """The marks of sittings: a result is held against those that there were when it was scored."""

    def __init__(self, sitting_ids: Sequence[int]) -> None:
        self._given: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        own = Mark.sitting_id.in_(sitting_ids)
        query = select(Mark.sitting_id, Mark.slot, Mark.number, Mark.category, Mark.highest).where(own)
        for sitting_id, slot, number, category, highest in db.session.execute(query.order_by(Mark.number)):
            self._given[sitting_id].append((slot, number, category, highest))
        again = select(Mark.sitting_id, Mark.slot, Mark.number, Mark.marked_at).where(own, Mark.number > 1)
        self._again = {tuple(key): at for *key, at in db.session.execute(again)}

    def of(self, result: Result) -> dict[int, tuple[int, int]]:
        """Return category and highest of the mark that counted, by slot."""
        sitting_id = result.sitting_id
        return {
            slot: (category, highest)
            for slot, number, category, highest in self._given[sitting_id]
            if number == 1 or self._again[sitting_id, slot, number] <= result.scored_at
        }


def _numbers(sitting_ids: Sequence[int]) -> dict[int, list[int]]:
    numbers: dict[int, list[int]] = defaultdict(list)
    query = select(Result.sitting_id, Result.number).where(Result.sitting_id.in_(sitting_ids)).order_by(Result.number)
    for sitting_id, number in db.session.execute(query):
        numbers[sitting_id].append(number)
    return numbers


def _broken_outcome(result: Result) -> Iterator[str]:
    evidence = result.evidence
    if digest(evidence) != result.evidence_digest:
        yield "the evidence does not match its digest"
    yield from filter(None, [score_differs(evidence)])
    outcome = evidence["outcome"]
    columns = {
        "raw_points": outcome["raw_points"], "highest_points": outcome["highest_points"], "theta": outcome["theta"],
        "standard_error": outcome["standard_error"], "scaled": outcome["scaled"], "scorer": evidence["scorer"],
        "is_passed": int(outcome["is_passed"]), "probability": outcome["probability"],
        "cut_theta": evidence["cut"]["theta"],
    }  # fmt: skip
    for name, value in columns.items():
        if getattr(result, name) != value:
            yield f"{name} is not what the evidence gives"


def _text(value: Any) -> str:
    return canonical_bytes(value).decode()


class EntryChecks:
    """Checks log entries against their signatures and the rows they speak of; with keys, pseudonyms too."""

    def __init__(self, trusted_keys: TrustedKeys, keys: key_store.Keys | None) -> None:
        self._trusted_keys, self._keys = trusted_keys, keys

    def broken(self, indices: Sequence[int]) -> Broken:
        """Yield what does not hold of these log entries."""
        query = (
            select(LogEntry)
            .where(LogEntry.index.in_(indices))
            .order_by(LogEntry.index)
            .options(joinedload(LogEntry.result).options(*issuing.WHOLE_RESULT))
        )
        entries = list(db.session.scalars(query))
        results = [entry.result for entry in entries if entry.result is not None]
        known = {each.sitting.id: each for each in histories.of([result.sitting_id for result in results])}
        ids = [result.id for result in results]
        released = set(db.session.scalars(select(Release.result_id).where(Release.result_id.in_(ids))))
        before = issuing.predecessors(results)
        for entry in entries:
            yield from ((entry.index, what) for what in self._broken_entry(entry, known, released, before))

    def _broken_entry(
        self, entry: LogEntry, known: dict[int, History], released: set[str], before: dict[str, str | None]
    ) -> Iterator[str]:
        if record.leaf(entry.record).hex() != entry.leaf_hash:
            yield "the record is not the one whose hash was logged"
        facts = record.open_record(entry.record, self._trusted_keys)
        if (entry.record_id, utc_string(entry.logged_at)) != (facts.record_id, facts.issued_at):
            yield "its id or time is not that of the record"
        result = entry.result
        if result is None:
            yield "its result is gone"
            return
        if result.id not in released:
            yield "its result was not released"
        history = known[result.sitting_id]
        trainee_id = result.sitting.registration.trainee_id
        issuance = issuing.Issuance(
            facts.issuer, facts.log, self._keys.pseudonym(trainee_id) if self._keys else facts.subject,
            facts.record_id, parse_utc(facts.issued_at),
        )  # fmt: skip
        stored = issuing.facts_of(result, history, before[result.id], issuance)
        different = [name for name in record.FACT_NAMES if getattr(stored, name) != getattr(facts, name)]
        if different:
            yield f"the signed record and the stored rows differ on {', '.join(different)}"
        yield from _broken_head(facts, history)


def _broken_head(facts: record.RecordFacts, history: History) -> Iterator[str]:
    """The journal may have grown since by late responses, but must still begin with what was signed."""
    heads = {row.number: row.digest for row in history.entries}
    if heads.get(facts.journal_entries) != facts.journal_head:
        yield "the journal no longer begins with the entries that the record names"
