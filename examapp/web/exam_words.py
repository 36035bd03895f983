"""The exam page's own words: they travel with the page in both languages, so switching needs no server."""

from functools import lru_cache

from flask_babel import force_locale, gettext

from examapp.errors import N_

WORDS = {
    "header.none": N_("Nothing to save yet"),
    "header.saved": N_("Saved"),
    "header.saving": N_("Saving"),
    "header.unsaved": N_("Not saved, retrying (%(count)s)"),
    "header.offline": N_("Offline"),
    "state.none": N_("Not answered"),
    "state.saved": N_("Saved"),
    "state.saved_at": N_("Saved %(time)s"),
    "state.saving": N_("Saving"),
    "state.unsaved": N_("Not saved, retrying. Your answer is kept on this computer."),
    "state.late": N_("This answer arrived after the end and is not scored."),
    "state.refused": N_("The server could not take this answer. Please answer again."),
    "banner.offline": N_(
        "You are offline. Your answers are kept on this computer and will be sent when the connection is back. "
        "Please carry on."
    ),
    "banner.signed_out": N_(
        "You are signed out. Your answers are kept on this computer. Sign in again in another tab or window, "
        "then come back here."
    ),
    "banner.busy": N_("The server is busy. Your answers are kept on this computer and sent again. Please carry on."),
    "banner.back": N_("The connection is back. Your answers are being sent."),
    "banner.dismiss": N_("Close this message"),
    "response.elsewhere": N_("Item %(position)s was answered in another window. The newer answer is shown."),
    "opened.elsewhere": N_(
        "This sitting was opened on another device at %(time)s. If that was not you, tell the invigilator at once. "
        "You can go on here; of two answers to one item the newer counts."
    ),
    "store.none": N_(
        "This browser cannot keep answers on this computer. Do not close or reload this page while you are offline."
    ),
    "start.failed": N_("The exam could not be loaded. Check the network, then try again."),
    "start.signed_out": N_("You are not signed in, or this sitting belongs to somebody else. Sign in, then try again."),
    "start.again": N_("Try again"),
    "loading": N_("Loading the exam …"),
    "lobby.opens_in": N_("The exam opens in"),
    "lobby.open": N_("The exam is open."),
    "lobby.ready": N_("I am ready: start by itself"),
    "lobby.not_ready": N_("Do not start by itself"),
    "lobby.is_ready": N_("The exam starts by itself when it opens. Keep this page open."),
    "lobby.begin": N_("Begin the exam"),
    "lobby.starting": N_("The exam is starting …"),
    "lobby.busy": N_("Many people are starting at this moment. Your turn comes by itself; your time begins only then."),
    "lobby.next": N_("Next try in %(seconds)s s"),
    "lobby.failed": N_("The exam could not be started. Check the network, then try again."),
    "waiting.next": N_("Many people are here at this moment. The next try by itself is in %(seconds)s s; please wait."),
    "pause.heading": N_("The exam is paused"),
    "pause.clock": N_("The clock stands: the time of the pause is given back to you in full. Your answers are kept."),
    "pause.wait": N_(
        "Please wait for the invigilator. The items come back by themselves when the exam goes on; "
        "do not close this page."
    ),
    "pause.over": N_("The exam goes on. The clock runs again."),
    "emergency.offer": N_(
        "Answers that the server does not have yet: %(count)s. Save them as an encrypted file and give it to the "
        "invigilator before you leave; only the examination service can read it. This page keeps trying to send them."
    ),
    "emergency.save": N_("Save the answer file"),
    "emergency.saved": N_(
        "The answer file %(name)s was saved at %(time)s. Show the invigilator where it is. If you change an answer, "
        "save the file again."
    ),
    "clock.label": N_("Time left"),
    "clock.hide": N_("Hide time"),
    "clock.show": N_("Show time"),
    "clock.hidden": N_("Time hidden"),
    "time.left": N_("Minutes left: %(minutes)s"),
    "time.extended": N_("You were given more time. Added minutes: %(minutes)s"),
    "item.heading": N_("Item %(position)s of %(count)s (%(type)s; points: %(points)s)"),
    "type.single_choice": N_("one right option"),
    "type.multiple_choice": N_("several right options"),
    "type.true_false": N_("true or false"),
    "type.numeric": N_("a number"),
    "type.ordering": N_("put in order"),
    "type.matching": N_("match"),
    "type.fault_finding": N_("mark the faulty lines"),
    "choice.true": N_("True"),
    "choice.false": N_("False"),
    "choice.clear": N_("Clear my answer"),
    "ordering.keep": N_("Keep this order as my answer"),
    "ordering.up": N_("Move up:"),
    "ordering.down": N_("Move down:"),
    "ordering.moved": N_("Now in place %(place)s of %(of)s"),
    "matching.choose": N_("Choose"),
    "numeric.label": N_("Your number"),
    "numeric.hint": N_("For example 0.0012, 1.2e-3 or 1.2×10^-3"),
    "numeric.read_as": N_("Read as %(number)s"),
    "numeric.unreadable": N_("This cannot be read as a number. It is kept, but it would not be scored."),
    "stimulus.label": N_("Material for this item"),
    "stimulus.figure": N_("Figure that belongs to the text above"),
    "move.previous": N_("Previous"),
    "move.next": N_("Next"),
    "move.review": N_("Review"),
    "flag.on": N_("Flag for review"),
    "flag.off": N_("Remove flag"),
    "flag.is_on": N_("Flagged for review"),
    "flag.is_off": N_("Flag removed"),
    "navigator.heading": N_("All items"),
    "navigator.item": N_("Item %(position)s"),
    "navigator.answered": N_("answered"),
    "navigator.unanswered": N_("not answered"),
    "navigator.flagged": N_("flagged"),
    "navigator.unsaved": N_("not saved"),
    "navigator.filter": N_("Show"),
    "navigator.all": N_("all items"),
    "navigator.nothing": N_("No item is like that."),
    "review.open": N_("Review and hand in"),
    "review.heading": N_("Review"),
    "review.answered": N_("Answered: %(answered)s of %(count)s"),
    "review.unanswered": N_("Not answered"),
    "review.flagged": N_("Flagged for review"),
    "review.unsaved": N_("Not saved yet"),
    "review.none": N_("None"),
    "review.explain": N_("Once you hand in, no answer can be changed on any device."),
    "review.back": N_("Back to the items"),
    "hand_in.open": N_("Hand in"),
    "hand_in.heading": N_("Hand in now?"),
    "hand_in.unanswered": N_("Not answered: %(count)s"),
    "hand_in.flagged": N_("Flagged for review: %(count)s"),
    "hand_in.unsaved": N_("Not saved yet: %(count)s. They are sent first."),
    "hand_in.confirm": N_("Yes, hand in"),
    "hand_in.cancel": N_("No, go back"),
    "hand_in.sending": N_("Sending …"),
    "hand_in.failed": N_(
        "You have not handed in yet: the server could not be reached. Your answers are kept. Try again, or carry on; "
        "what is saved counts when the time is over."
    ),
    "end.expired": N_("Your time is over"),
    "end.submitted": N_("This sitting was handed in"),
    "end.voided": N_("This sitting was ended by the examination center"),
    "end.saved_counts": N_("Every answer that was shown as saved is with the server and counts."),
    "end.saved_kept": N_("Your answers are kept, but this sitting is not scored."),
    "end.waiting": N_("Answers that could not be sent yet: %(count)s. They are still being sent; keep this page open."),
    "end.late": N_("Answers that arrived after the end: %(count)s. They are kept as evidence but not scored."),
    "end.receipt": N_("Go to the receipt"),
    "help.open": N_("Help"),
    "help.heading": N_("Keys and help"),
    "help.next": N_("next item"),
    "help.previous": N_("previous item"),
    "help.flag": N_("flag for review"),
    "help.review": N_("review and hand in"),
    "help.saving": N_(
        "Answers are saved by themselves. You may change them until you hand in or the time is over. If the network "
        "fails, carry on; do not close this page."
    ),
    "help.shortcuts": N_("Use these keys"),
    "help.close": N_("Close"),
    "skip.item": N_("Skip to the item"),
    "tools.open": N_("Calculator"),
    "tools.heading": N_("Calculator"),
    "calculator.formula": N_("Formula"),
    "calculator.hint": N_(
        "+ − * / ^ ( ), sqrt, ln, log, exp, sin, cos, tan, asin, acos, atan (degrees), the constants below; "
        "ans is the last result."
    ),
    "calculator.equals": N_("Calculate"),
    "calculator.unreadable": N_("This formula cannot be read."),
    "constants.heading": N_("Constants"),
    "constant.pi": N_("circle constant"),
    "constant.kB": N_("Boltzmann constant"),
    "constant.q": N_("elementary charge"),
    "constant.h": N_("Planck constant"),
    "constant.c": N_("speed of light in vacuum"),
    "constant.NA": N_("Avogadro constant"),
    "constant.R": N_("molar gas constant"),
    "constant.F": N_("Faraday constant"),
    "constant.eps0": N_("vacuum electric permittivity"),
    "constant.mu0": N_("vacuum magnetic permeability"),
}


@lru_cache(maxsize=4)
def in_both_languages(beginning: str = "") -> dict[str, dict[str, str]]:
    """Return the words by language and key: those whose keys begin so."""
    return {language: _in(language, beginning) for language in ("zh", "en")}


def _in(language: str, beginning: str) -> dict[str, str]:
    with force_locale(language):
        return {key: gettext(text) for key, text in WORDS.items() if key.startswith(beginning)}
