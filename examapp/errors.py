"""The errors that a person or a program may meet, each with a stable code; doors turn them into pages, JSON or text."""

from typing import Any


def N_(message: str) -> str:
    """Mark a message for translation; the door translates it when it is shown."""
    return message


class ExamappError(Exception):
    """Base of expected errors: a stable `code`, an English `message` with %(named)s places, its `parameters`."""

    status = 500
    title = N_("Something went wrong")

    def __init__(self, code: str, message: str, /, **parameters: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.parameters = parameters

    def __str__(self) -> str:
        return self.message % self.parameters if self.parameters else self.message


class NotFound(ExamappError):
    """There is no such thing, or none that this actor may know of."""

    status = 404
    title = N_("Not found")


class NotAuthenticated(ExamappError):
    """A program has not proved who it is."""

    status = 401
    title = N_("Proof of identity needed")


class NotAllowed(ExamappError):
    """The actor has no permission for this."""

    status = 403
    title = N_("Not allowed")


class Refused(ExamappError):
    """A fine request in the wrong state, such as a response after the deadline."""

    status = 409
    title = N_("Not possible now")


class InvalidInput(ExamappError):
    """Input that does not hold; `problems` are (field, message) pairs."""

    status = 422
    title = N_("There is a problem")

    def __init__(
        self, code: str, message: str, problems: list[tuple[str, str]] | None = None, /, **parameters: Any
    ) -> None:
        super().__init__(code, message, **parameters)
        self.problems = problems or []

    def __str__(self) -> str:
        lines = [super().__str__(), *(f"{field}: {message}" for field, message in self.problems)]
        return "\n".join(lines)


class Unavailable(ExamappError):
    """The service is saturated or stopping; the same request may be sent again after `retry_after` seconds."""

    status = 503
    title = N_("Please wait")

    def __init__(self, code: str, message: str, /, retry_after: int = 1, **parameters: Any) -> None:
        super().__init__(code, message, **parameters)
        self.retry_after = retry_after


class Throttled(Unavailable):
    """Too many attempts of one kind; the next one is looked at after `retry_after` seconds."""

    status = 429


class Tampered(ExamappError):
    """A chain, a signature or a proof does not hold: an alarm, never an ordinary refusal."""

    status = 500
    title = N_("Stored data does not hold")
