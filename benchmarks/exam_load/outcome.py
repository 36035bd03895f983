"""What the database says after a run: when the last sitting was scored, and when the first save came after a kill."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import create_engine, text

from examapp.canonical import parse_utc, utc_string

LAST = "SELECT max(sitting.ends_at), max(result.scored_at) FROM sitting JOIN result ON result.sitting_id = sitting.id"
NOT_SCORED = "SELECT count(*) FROM sitting WHERE NOT EXISTS (SELECT 1 FROM result WHERE result.sitting_id = sitting.id)"
NEXT_SAVE = "SELECT min(at) FROM journal_entry WHERE kind = 'responded' AND at > :killed"


def read_outcome(database_url: str, bell: float, kills_at: tuple[int, ...]) -> dict[str, Any]:
    """Return seconds from the end to the last result, sittings without one, and seconds from each kill to a save.

    An entry carries the moment at which its request arrived; it is in the journal only if it was committed.
    """
    with create_engine(database_url).connect() as connection:
        ends, scored = connection.execute(text(LAST)).one()
        missing = connection.scalar(text(NOT_SCORED))
        back = []
        for second in kills_at:
            killed = datetime.fromtimestamp(bell + second, UTC)
            following = connection.scalar(text(NEXT_SAVE), {"killed": utc_string(killed)})
            back += [(parse_utc(following) - killed).total_seconds()] if following else []
    after = (parse_utc(scored) - parse_utc(ends)).total_seconds() if scored else float("inf")
    return {"closed_and_scored_after": after, "not_scored": missing, "back_after": back}
