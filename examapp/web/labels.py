"""What codes are called on pages."""

from collections.abc import Mapping

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from examapp.exams.blueprint import Title

PARTS = {"theory": _l("Theory"), "practical": _l("Practical")}
ITEM_TYPES = {
    "single_choice": _l("Single choice"), "multiple_choice": _l("Multiple choice"), "true_false": _l("True or false"),
    "numeric": _l("Numeric"), "ordering": _l("Ordering"), "matching": _l("Matching"),
    "fault_finding": _l("Fault finding"),
}  # fmt: skip
COGNITIVE = {
    "remember": _l("Remember"), "understand": _l("Understand"), "apply": _l("Apply"), "analyse": _l("Analyse"),
}  # fmt: skip
# a sitting's status with the colour of its tag
STATUSES = {
    "not_started": (_l("Not started"), ""), "open": (_l("Running"), "info"), "paused": (_l("Paused"), "warn"),
    "submitted": (_l("Handed in"), "good"), "expired": (_l("Time over"), "good"), "voided": (_l("Void"), "bad"),
}  # fmt: skip
# what somebody should look at: a lead for people in the room, never a verdict
ALARMS = {
    "long_pause": _l("Paused for more than half an hour"), "saved_in_pause": _l("Answers came during the pause"),
    "quiet": _l("No answer for ten minutes"), "not_closed": _l("Over, but not closed"),
    "time_asked": _l("Time waits for a second person"), "other_device": _l("Opened on another device"),
}  # fmt: skip
EVENTS = {
    "started": _l("Started"), "responded": _l("Response stored"), "flagged": _l("Flag changed"),
    "late": _l("Late response, kept as evidence"), "paused": _l("Paused"), "resumed": _l("Resumed"),
    "time_added": _l("Time added"), "time_asked": _l("Time asked for"), "submitted": _l("Handed in"),
    "expired": _l("Time over"), "voided": _l("Voided"), "opened": _l("Opened on another device"),
    "count_asked": _l("Asked to count late answers"), "counted": _l("Late answers counted"),
}  # fmt: skip
SCOPES = {
    "results.read": _l("Read released results"), "results.ack": _l("Acknowledge results"),
    "roster.write": _l("Send rosters"),
}  # fmt: skip


def area_name(code: str, titles: Mapping[str, Title]) -> str:
    """Return what a content area is called in the page's language; its code where no exam gives it a title."""
    return titles[code].text(str(get_locale())) if code in titles else code
