"""Late answers that two people decided to count: marked and scored again, beside what was before."""

from datetime import datetime

from examapp.accounts.access import OPERATOR, Actor
from examapp.delivery import late_answers
from examapp.delivery.models import Sitting
from examapp.scoring import marking, results
from examapp.scoring.models import Result


def count(actor: Actor, sitting: Sitting, number: int, *, at: datetime) -> Result | None:
    """Agree to count what was asked for in the journal's entry `number`.

    Return the result that supersedes the last one; None where there is none yet, as the first will hold them.
    """
    late_answers.agree(actor, sitting, number, at=at)
    marking.mark_again(OPERATOR, sitting, at=at)
    return results.score(OPERATOR, sitting, at=at) if results.newest_number(sitting.id) else None
