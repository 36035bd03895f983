"""Roles and what each may do: one table, asked by every verb before it acts."""

from dataclasses import dataclass
from typing import Protocol

from examapp.errors import N_, NotAllowed

TRAINEE = "trainee"
EXAMINER = "examiner"
CENTER = "center"
OPERATOR_ROLE = "operator"
# of what belongs to no center in particular; None is a thing that should have a center and has none
ANYWHERE = "anywhere"
ROLES = (TRAINEE, EXAMINER, CENTER, OPERATOR_ROLE)

PERMISSIONS: dict[str, frozenset[str]] = {
    "sitting.take": frozenset({TRAINEE}),
    "result.read_own": frozenset({TRAINEE}),
    "bank.read": frozenset({EXAMINER, OPERATOR_ROLE}),
    "bank.publish": frozenset({EXAMINER, OPERATOR_ROLE}),
    "form.assemble": frozenset({EXAMINER, OPERATOR_ROLE}),
    "cut.decide": frozenset({EXAMINER, OPERATOR_ROLE}),
    "calibration.run": frozenset({EXAMINER, OPERATOR_ROLE}),
    "result.read": frozenset({EXAMINER, CENTER, OPERATOR_ROLE}),
    "result.release": frozenset({EXAMINER}),
    "administration.schedule": frozenset({CENTER, OPERATOR_ROLE}),
    "registration.manage": frozenset({CENTER, OPERATOR_ROLE}),
    "sitting.invigilate": frozenset({CENTER, OPERATOR_ROLE}),
    "response.count_late": frozenset({CENTER, OPERATOR_ROLE}),
    "client.manage": frozenset({CENTER, OPERATOR_ROLE}),
    "account.manage": frozenset({OPERATOR_ROLE}),
    "key.manage": frozenset({OPERATOR_ROLE}),
    "work.run_due": frozenset({OPERATOR_ROLE}),
}


class Actor(Protocol):
    """Whoever does a verb: a `User`, or `OPERATOR` for the command line."""

    @property
    def id(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def center_id(self) -> str | None: ...


@dataclass(frozen=True)
class Operator:
    """The actor of commands: the person at the server's own terminal, and what runs by the clock."""

    id: str = "operator"
    role: str = OPERATOR_ROLE
    center_id: str | None = None


OPERATOR = Operator()


def may(actor: Actor, permission: str, center_id: str | None = ANYWHERE) -> bool:
    """Say whether `actor` has `permission`; center staff only within their own center, and none without a center."""
    if actor.role not in PERMISSIONS[permission]:
        return False
    return actor.role != CENTER or (actor.center_id is not None and center_id in (ANYWHERE, actor.center_id))


def require(actor: Actor, permission: str, center_id: str | None = ANYWHERE) -> None:
    """Raise `NotAllowed` unless `actor` has `permission` (for `center_id`, where the thing belongs to a center)."""
    if not may(actor, permission, center_id):
        raise NotAllowed("access.denied", N_("Your account may not do this (%(permission)s)."), permission=permission)
