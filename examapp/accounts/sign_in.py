"""Who somebody is: names folded so that look-alikes are one, Argon2id passwords, and patience that grows with failures.

Failures are counted by name and source. Never by source alone: a whole examination hall may sit behind one address.
And not by name alone: a stranger elsewhere must not be able to lock the hall's trainees out. A browser from which the
person signed in before is a source of its own. Only a name that fails very often, whatever the sources, is held back
for all but its known browsers, and then shortly.

An attempt is counted before its password is looked at, so that many at once are not more than one after another; the
slow hash is computed between two transactions, so that nobody's save waits for it.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select

from examapp.accounts.models import SignInThrottle, User
from examapp.db import db
from examapp.errors import N_, NotAllowed, Throttled

# OWASP's 19 MiB profile: the library's default of 64 MiB is an outage of our own making when a hall signs in
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_NOBODY = _HASHER.hash("nobody has this password")
FREE_FAILURES = 5
# a minute can be waited out at the start of an exam, a quarter of an hour cannot
LONGEST_WAIT = timedelta(minutes=1)
FREE_FAILURES_ANYWHERE = 100
LONGEST_WAIT_ANYWHERE = timedelta(seconds=15)
ANYWHERE = ""
REMEMBERED = timedelta(days=1)


def fold_username(username: str) -> str:
    """Return the form under which a name is unique: compatibility-folded, case-folded, without outer spaces.

    >>> fold_username(" Ｌi.Ming ")
    'li.ming'
    """
    return unicodedata.normalize("NFKC", username).casefold().strip()


def hash_password(password: str) -> str:
    """Return the Argon2id hash of `password`."""
    return _HASHER.hash(password)


@dataclass(frozen=True)
class Source:
    """Where an attempt comes from: an address, or a browser from which this very name signed in before."""

    name: str
    is_known: bool = False


@dataclass(frozen=True)
class Attempt:
    """An attempt to sign in that was counted; `user_id` is None if there is nobody of this name."""

    username: str
    source: Source
    user_id: str | None
    password_hash: str

    def is_right(self, password: str) -> bool:
        """Say whether this is the password; as slow for nobody as for somebody."""
        try:
            return _HASHER.verify(self.password_hash, password) and self.user_id is not None
        except (VerificationError, InvalidHashError):
            return False


def authenticate(username: str, password: str, source: Source = Source("unknown"), *, at: datetime) -> User:
    """Return the user whose name and password these are; the same `NotAllowed` whatever is wrong."""
    attempt = begin(username, source, at=at)
    if not attempt.is_right(password):
        raise wrong()
    return succeed(attempt)


def begin(username: str, source: Source, *, at: datetime) -> Attempt:
    """Count an attempt as failed until it succeeds; `Throttled` if the name has to wait here."""
    folded = fold_username(username)[:80]
    db.session.execute(delete(SignInThrottle).where(SignInThrottle.last_at < at - REMEMBERED))
    counted = [(source.name, FREE_FAILURES, LONGEST_WAIT)]
    if not source.is_known:
        counted.append((ANYWHERE, FREE_FAILURES_ANYWHERE, LONGEST_WAIT_ANYWHERE))
    throttles = [_throttle(folded, name, at) for name, _, _ in counted]
    _refuse_blocked(throttles, at)
    for throttle, (_, free, longest) in zip(throttles, counted, strict=True):
        _count(throttle, free, longest, at)
    user = db.session.scalar(select(User).where(User.username == folded))
    return Attempt(folded, source, user.id if user else None, user.password_hash if user else _NOBODY)


def succeed(attempt: Attempt) -> User:
    """Forget the failures of an attempt whose password was right, and return its user."""
    db.session.execute(
        delete(SignInThrottle).where(
            SignInThrottle.username == attempt.username, SignInThrottle.source.in_([attempt.source.name, ANYWHERE])
        )
    )
    return db.session.get_one(User, attempt.user_id)


def wrong() -> NotAllowed:
    """Return the refusal of a name or password, which does not say which of them is wrong."""
    return NotAllowed("sign_in.failed", N_("The user name or the password is not right."))


def _throttle(folded: str, source: str, at: datetime) -> SignInThrottle:
    throttle = db.session.get(SignInThrottle, (folded, source))
    if throttle is None:
        throttle = SignInThrottle(username=folded, source=source, failures=0, last_at=at)
        db.session.add(throttle)
    return throttle


def _refuse_blocked(throttles: list[SignInThrottle], at: datetime) -> None:
    until = max((each.blocked_until for each in throttles if each.blocked_until), default=at)
    if until > at:
        seconds = int((until - at).total_seconds()) + 1
        message = N_("Too many attempts. Try again in %(seconds)s seconds.")
        raise Throttled("sign_in.blocked", message, retry_after=seconds, seconds=seconds)


def _count(throttle: SignInThrottle, free: int, longest: timedelta, at: datetime) -> None:
    throttle.failures += 1
    throttle.last_at = at
    if throttle.failures > free:
        throttle.blocked_until = at + min(timedelta(seconds=2 ** min(throttle.failures - free, 10)), longest)
