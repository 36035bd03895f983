"""The base of every WTForms form: CSRF, messages in the page's language, and the list for the error summary."""

from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField
from wtforms.widgets import CheckboxInput, ListWidget

from examapp.db import transaction
from examapp.errors import ExamappError, InvalidInput, Refused


class CheckboxesField(SelectMultipleField):  # type: ignore[misc]
    """Several choices as checkboxes; `macros.field` puts them into a fieldset."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


@dataclass(frozen=True)
class FormProblem:
    """One line of the error summary: which control (its anchor; empty for the whole form) and what is wrong."""

    anchor: str
    label: str
    message: str


class BaseForm(FlaskForm):  # type: ignore[misc]
    """A form whose errors can be listed on top of the page and shown again at their controls."""

    @property
    def problems(self) -> list[FormProblem]:
        """What does not hold, in the order of the controls; what concerns no single control comes first."""
        whole = [FormProblem("", "", str(message)) for message in self.form_errors]
        return whole + [
            FormProblem(control.id, str(control.label.text), str(message))
            for control in self
            for message in control.errors
        ]

    def do(self, verb: Callable[..., object], *, first: Callable[[], object] | None = None) -> bool:
        """Run one verb in a transaction if the form was sent and holds; say whether that is done, else show why not.

        What is slow and only reads runs `first`, before the transaction, and the verb is given what it returned.
        """
        if not self.validate_on_submit():
            return False
        try:
            prepared = () if first is None else (first(),)
            with transaction():
                verb(*prepared)
        except (InvalidInput, Refused) as error:
            self.take(error)
            return False
        return True

    def take(self, error: ExamappError) -> None:
        """Show what a verb refused at the controls that it names, or above the form."""
        problems = error.problems if isinstance(error, InvalidInput) else []
        for name, message in problems:
            if name in self._fields:
                control = self._fields[name]
                control.errors = [*control.errors, gettext(message)]
            else:
                self.form_errors.append(gettext(message))
        if not problems:
            parameters = error.parameters
            self.form_errors.append(gettext(error.message) % parameters if parameters else gettext(error.message))
