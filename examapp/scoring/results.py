"""Results: score, release, rescore. A result is never edited; a new one with a higher number supersedes it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import defer, joinedload

from examapp import sealed_rows
from examapp.accounts import access
from examapp.banks.models import ItemParameters
from examapp.banks.parameters import ids_on_scale
from examapp.canonical import canonical_text, digest_of_bytes, utc_string
from examapp.db import db, new_id
from examapp.delivery import histories
from examapp.delivery.histories import History
from examapp.delivery.models import Sitting
from examapp.errors import N_, NotFound, Refused
from examapp.exams.administrations import rehearsed
from examapp.exams.exam_forms import cut_of
from examapp.exams.models import ExamForm, Registration
from examapp.scoring.calibration_runs import population
from examapp.scoring.marking import KeyedSlot, closed_beyond, key_of, newest_categories
from examapp.scoring.models import Mark, Release, Result
from examapp.scoring.rules import CURRENT_SCORER, Outcome, rule_of

Row = dict[str, Any]

GRID = {"low": "-6.0", "high": "6.0", "points": 121}
# twelve reported points for one unit of ability: the population's 2nd to 98th percentile spans about 50 points
SCALE_SLOPE = "12.0"
# different items of evidence of a form, each with a response, that are remembered as text
MOST_KNOWN_TEXTS = 10_000
_KNOWN = select(Result.sitting_id, Result.number).where(Result.sitting_id.in_(bindparam("ids", expanding=True)))


def unscored(*, since: datetime | None = None, after: int = -1, limit: int = 200) -> list[int]:
    """Return ids of marked sittings without a result beyond `after`, in order; with `since` only those closed later."""
    has_marks = select(Mark.sitting_id).where(Mark.sitting_id == Sitting.id).exists()
    has_result = select(Result.id).where(Result.sitting_id == Sitting.id).exists()
    return closed_beyond(since, after, limit, has_marks, ~has_result)


def score(actor: access.Actor, sitting: Sitting, *, at: datetime) -> Result:
    """Score a marked sitting from its evidence; scoring again adds a result that supersedes the last."""
    (history,) = histories.of([sitting.id])
    row = Scorer().result_of(history, newest_categories([sitting.id])[sitting.id], at=at)
    row["number"] = newest_number(sitting.id) + 1
    store(actor, [row])
    return db.session.get_one(Result, row["id"])


def newest_number(sitting_id: int) -> int:
    """Return the number of a sitting's newest result, 0 without one."""
    return db.session.scalar(select(func.max(Result.number)).where(Result.sitting_id == sitting_id)) or 0


def store(actor: access.Actor, rows: Sequence[Row]) -> int:
    """Store results and return how many: what somebody scored meanwhile stays."""
    access.require(actor, "work.run_due")
    sitting_ids = [row["sitting_id"] for row in rows]
    histories.lock(sitting_ids)
    known = {tuple(each) for each in db.session.execute(_KNOWN, {"ids": sitting_ids})}
    new = [row for row in rows if (row["sitting_id"], row["number"]) not in known]
    sealed_rows.insert_rows(Result, new)
    return len(new)


class Scorer:
    """Scores sittings; what counts on each form at the moment, such as the cut, is read once."""

    def __init__(self) -> None:
        self._forms: dict[str, _FormScorer] = {}

    def result_of(self, history: History, marks: Mapping[int, tuple[int, int]], *, at: datetime) -> Row:
        """Return the first result of a marked sitting as it will be stored, from its history and category and highest
        of its marks by slot.
        """
        exam_form_id = history.sitting.exam_form_id
        if exam_form_id not in self._forms:
            self._forms[exam_form_id] = _form_scorer(_basis(exam_form_id))
        return self._forms[exam_form_id].result_of(history, marks, at)


@dataclass(frozen=True)
class _Basis:
    """What counts at the moment for those who sat a form."""

    exam_form_id: str
    exam: str
    scale: str
    cut: tuple[tuple[str, str], ...]
    prior: tuple[tuple[str, str], ...]
    parameters: tuple[str, ...]


def _basis(exam_form_id: str) -> _Basis:
    exam_form = db.session.get_one(ExamForm, exam_form_id)
    cut = cut_of(exam_form.exam_id, exam_form.part)
    mean, sd = population(cut.scale)
    parameters = ids_on_scale([slot.item_version_id for slot in key_of(exam_form_id).slots], cut.scale)
    return _Basis(
        exam_form_id, exam_form.exam.code, cut.scale, (("theta", cut.theta), ("method", cut.method)),
        (("mean", mean), ("sd", sd)), tuple(parameters),
    )  # fmt: skip


class _FormScorer:
    """The evidence of one form as far as it is the same for everybody, and the rule that scores it."""

    def __init__(self, basis: _Basis) -> None:
        exam_form = db.session.get_one(ExamForm, basis.exam_form_id)
        rows = db.session.scalars(select(ItemParameters).where(ItemParameters.id.in_(basis.parameters)))
        parameters = {row.item_version_id: row for row in rows}
        slots = key_of(basis.exam_form_id).slots
        self._numbers = [slot.number for slot in slots]
        self._items = [_item(slot, parameters[slot.item_version_id]) for slot in slots]
        shared: dict[str, Any] = {
            "schema": 1,
            "scorer": CURRENT_SCORER,
            "exam": basis.exam,
            "exam_form": {"code": exam_form.code, "digest": exam_form.digest},
            "part": exam_form.part,
            "scale": basis.scale,
            "ability": {"method": "EAP", "prior": dict(basis.prior), "grid": GRID},
            "cut": dict(basis.cut),
            "scale_slope": SCALE_SLOPE,
        }
        self._cut_theta = shared["cut"]["theta"]
        self._rule = rule_of({**shared, "items": self._items})
        self._shared = {name: canonical_text(value) for name, value in shared.items()}
        self._item_text = lru_cache(MOST_KNOWN_TEXTS)(self._as_text)

    def result_of(self, history: History, marks: Mapping[int, tuple[int, int]], at: datetime) -> Row:
        sitting, own = history.sitting, [marks[number] for number in self._numbers]
        outcome = self._rule([category for category, _ in own])
        items = map(self._item_text, range(len(own)), own, map(history.given.get, self._numbers))
        evidence = self._evidence(history, outcome, items)
        return {
            "id": new_id(), "sitting_id": sitting.id, "number": 1, "raw_points": outcome["raw_points"],
            "highest_points": outcome["highest_points"], "theta": outcome["theta"],
            "standard_error": outcome["standard_error"], "cut_theta": self._cut_theta,
            "scaled": outcome["scaled"], "is_passed": int(outcome["is_passed"]), "probability": outcome["probability"],
            "scorer": CURRENT_SCORER, "evidence": evidence, "evidence_digest": digest_of_bytes(evidence.encode()),
            "scored_at": utc_string(at),
        }  # fmt: skip

    def _evidence(self, history: History, outcome: Outcome, items: Iterable[str]) -> str:
        """Return the evidence of a result as canonical JSON, of whose members most are known as such."""
        head = {"entries": history.sitting.last_number, "head": history.sitting.last_digest}
        members = {
            **self._shared, "sitting": canonical_text(history.public_id), "journal": canonical_text(head),
            "outcome": canonical_text(outcome), "items": f"[{','.join(items)}]",
        }  # fmt: skip
        return "{" + ",".join([f'"{name}":{members[name]}' for name in sorted(members)]) + "}"

    def _as_text(self, place: int, mark: tuple[int, int], given: str | None) -> str:
        """Return an item of the evidence as canonical JSON; many people gave the same response."""
        own = {"category": mark[0], "highest": mark[1], "response": None if given is None else json.loads(given)}
        return canonical_text({**self._items[place], **own})


def _item(slot: KeyedSlot, row: ItemParameters) -> dict[str, Any]:
    return {
        "slot": slot.number, "item": slot.item, "version": slot.version, "digest": slot.digest, "area": slot.area,
        "points": slot.points, "model": row.model, "parameters": row.parameters, "variant": slot.variant,
        "option_order": slot.option_order, "highest": slot.highest,
    }  # fmt: skip


# what a form is scored on seldom changes, and is made of rows that never do
@lru_cache(maxsize=16)
def _form_scorer(basis: _Basis) -> _FormScorer:
    return _FormScorer(basis)


def newest(sitting_id: int) -> Result | None:
    """Return the result of a sitting that counts."""
    query = select(Result).where(Result.sitting_id == sitting_id).order_by(Result.number.desc()).limit(1)
    return db.session.scalar(query)


def released(sitting_id: int) -> Result:
    """Return the newest result of a sitting that may be seen: a released one, or any of a rehearsal."""
    query = (
        select(Result)
        .join(Sitting, Sitting.id == Result.sitting_id)
        .outerjoin(Release, Release.result_id == Result.id)
        .where(Result.sitting_id == sitting_id)
        .where(Release.result_id.is_not(None) | Sitting.registration_id.in_(rehearsed()))
        .order_by(Result.number.desc())
        .limit(1)
    )
    result = db.session.scalar(query)
    if result is None:
        raise NotFound("result.not_released", N_("The result is not released yet."))
    return result


def is_released(result: Result) -> bool:
    """Say whether a result may be seen: an examiner released it, or it comes from a rehearsal."""
    is_rehearsal = result.sitting.registration.administration.is_rehearsal
    return is_rehearsal or db.session.get(Release, result.id) is not None


def waiting_for_release(administration_id: str) -> list[Result]:
    """Return the newest result of each sitting of an administration that is not released yet; no rehearsal waits."""
    newest_numbers = (
        select(Result.sitting_id, func.max(Result.number).label("number")).group_by(Result.sitting_id).subquery()
    )
    query = (
        select(Result)
        .join(newest_numbers, (Result.sitting_id == newest_numbers.c.sitting_id)
              & (Result.number == newest_numbers.c.number))
        .join(Sitting, Sitting.id == Result.sitting_id)
        .join(Registration, Registration.id == Sitting.registration_id)
        .outerjoin(Release, Release.result_id == Result.id)
        .where(Registration.administration_id == administration_id, Release.result_id.is_(None))
        .where(Registration.id.not_in(rehearsed()))
        # evidence is large, and lists do not show it
        .options(defer(Result.evidence), joinedload(Result.sitting).joinedload(Sitting.registration))
        .order_by(Result.scored_at, Result.id)
    )  # fmt: skip
    return list(db.session.scalars(query))


def release(actor: access.Actor, results: list[Result], *, at: datetime) -> list[Release]:
    """Let results be seen and certified; who did it and when is kept."""
    access.require(actor, "result.release")
    if not results:
        raise Refused("release.nothing", N_("No result waits for release."))
    if any(result.sitting.registration.administration.is_rehearsal for result in results):
        raise Refused("release.rehearsal", N_("Results of a rehearsal are never released."))
    releases = [Release(result_id=result.id, released_by=actor.id, released_at=at) for result in results]
    db.session.add_all(releases)
    return releases
