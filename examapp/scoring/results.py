"""Results: score, release, rescore. A result is never edited; a new one with a higher number supersedes it."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import defer, joinedload

from examapp.accounts import access
from examapp.banks.parameters import rows_on_scale
from examapp.canonical import digest
from examapp.db import db
from examapp.delivery import journal
from examapp.delivery.models import Sitting
from examapp.delivery.state import EXPIRED, SUBMITTED
from examapp.errors import N_, NotFound, Refused
from examapp.exams.exam_forms import cut_of
from examapp.exams.models import Registration
from examapp.scoring.calibration_runs import population
from examapp.scoring.marking import MarkedSlot, marked_slots, newest_marks
from examapp.scoring.models import Mark, Release, Result
from examapp.scoring.rules import CURRENT_SCORER, rescore

GRID = {"low": "-6.0", "high": "6.0", "points": 121}
# twelve reported points for one unit of ability: the population's 2nd to 98th percentile spans about 50 points
SCALE_SLOPE = "12.0"


def unscored(limit: int = 100) -> list[Sitting]:
    """Return marked sittings without a result."""
    has_marks = select(Mark.sitting_id).where(Mark.sitting_id == Sitting.id).exists()
    has_result = select(Result.id).where(Result.sitting_id == Sitting.id).exists()
    query = (
        select(Sitting)
        .where(Sitting.status.in_((SUBMITTED, EXPIRED)), has_marks, ~has_result)
        .order_by(Sitting.closed_at)
        .limit(limit)
    )
    return list(db.session.scalars(query))


def score(actor: access.Actor, sitting: Sitting, *, at: datetime) -> Result:
    """Score a marked sitting from its evidence; scoring again adds a result that supersedes the last."""
    access.require(actor, "work.run_due")
    evidence = evidence_of(sitting)
    outcome = rescore(evidence)
    evidence["outcome"] = outcome
    last = newest_number(sitting.id)
    result = Result(
        sitting_id=sitting.id, number=last + 1, raw_points=outcome["raw_points"],
        highest_points=outcome["highest_points"], theta=outcome["theta"], standard_error=outcome["standard_error"],
        cut_theta=evidence["cut"]["theta"], scaled=outcome["scaled"], is_passed=int(outcome["is_passed"]),
        probability=outcome["probability"], scorer=evidence["scorer"], evidence=evidence,
        evidence_digest=digest(evidence), scored_at=at,
    )  # fmt: skip
    db.session.add(result)
    return result


def newest_number(sitting_id: int) -> int:
    """Return the number of a sitting's newest result, 0 without one."""
    return db.session.scalar(select(func.max(Result.number)).where(Result.sitting_id == sitting_id)) or 0


def evidence_of(sitting: Sitting) -> dict[str, Any]:
    """Return all that recomputes a score: form, items, parameters, responses, marks, estimator and cut."""
    exam_form = sitting.exam_form
    cut = cut_of(exam_form.exam_id, exam_form.part)
    marks = newest_marks(sitting.id)
    slots = marked_slots(sitting, journal.read(sitting.id))
    rows = rows_on_scale([slot.slot.item_version_id for slot in slots], cut.scale)
    parameters = {row.item_version_id: row for row in rows}
    mean, sd = population(cut.scale)
    return {
        "schema": 1,
        "scorer": CURRENT_SCORER,
        "sitting": sitting.public_id,
        "journal": {"entries": sitting.last_number, "head": sitting.last_digest},
        "exam": exam_form.exam.code,
        "exam_form": {"code": exam_form.code, "digest": exam_form.digest},
        "part": exam_form.part,
        "scale": cut.scale,
        "items": [_item(slot, marks[slot.slot.number], parameters[slot.slot.item_version_id]) for slot in slots],
        "ability": {"method": "EAP", "prior": {"mean": mean, "sd": sd}, "grid": GRID},
        "cut": {"theta": cut.theta, "method": cut.method},
        "scale_slope": SCALE_SLOPE,
    }


def _item(marked: MarkedSlot, mark: Mark, row: Any) -> dict[str, Any]:
    version = marked.slot.item_version
    return {
        "slot": marked.slot.number, "item": version.item.code, "version": version.version, "digest": version.digest,
        "area": version.area, "points": marked.slot.points, "model": row.model, "parameters": row.parameters,
        "variant": marked.slot.variant, "option_order": marked.slot.option_order, "response": marked.value,
        "category": mark.category, "highest": mark.highest,
    }  # fmt: skip


def newest(sitting_id: int) -> Result | None:
    """Return the result of a sitting that counts."""
    query = select(Result).where(Result.sitting_id == sitting_id).order_by(Result.number.desc()).limit(1)
    return db.session.scalar(query)


def released(sitting_id: int) -> Result:
    """Return the newest released result of a sitting; until one is released there is none to see."""
    query = (
        select(Result)
        .join(Release, Release.result_id == Result.id)
        .where(Result.sitting_id == sitting_id)
        .order_by(Result.number.desc())
        .limit(1)
    )
    result = db.session.scalar(query)
    if result is None:
        raise NotFound("result.not_released", N_("The result is not released yet."))
    return result


def is_released(result: Result) -> bool:
    """Say whether a result may be seen."""
    return db.session.get(Release, result.id) is not None


def waiting_for_release(administration_id: str) -> list[Result]:
    """Return the newest result of each sitting of an administration that is not released yet."""
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
    releases = [Release(result_id=result.id, released_by=actor.id, released_at=at) for result in results]
    db.session.add_all(releases)
    return releases
