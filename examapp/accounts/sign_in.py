"""Who somebody is: names folded so that look-alikes are one, Argon2id passwords, and patience that grows with failures.

Failures are counted by name, never by address: a whole examination hall may sit behind one address.
"""

import unicodedata
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from examapp.accounts.models import SignInThrottle, User
from examapp.db import db
from examapp.errors import N_, NotAllowed

# OWASP's 19 MiB profile: the library's default of 64 MiB is an outage of our own making when a hall signs in
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_NOBODY = _HASHER.hash("nobody has this password")
FREE_FAILURES = 5
LONGEST_WAIT = timedelta(minutes=15)


def fold_username(username: str) -> str:
    """Return the form under which a name is unique: compatibility-folded, case-folded, without outer spaces.

    >>> fold_username(" Ｌi.Ming ")
    'li.ming'
    """
    return unicodedata.normalize("NFKC", username).casefold().strip()


def hash_password(password: str) -> str:
    """Return the Argon2id hash of `password`."""
    return _HASHER.hash(password)


def authenticate(username: str, password: str, *, at: datetime) -> User:
    """Return the user whose name and password these are; the same `NotAllowed` whatever is wrong.

    Failures are recorded, so the caller commits also when this raises.
    """
    folded = fold_username(username)[:80]
    throttle = db.session.get(SignInThrottle, folded)
    if throttle and throttle.blocked_until and throttle.blocked_until > at:
        seconds = int((throttle.blocked_until - at).total_seconds()) + 1
        raise NotAllowed("sign_in.blocked", N_("Too many attempts. Try again in %(seconds)s seconds."), seconds=seconds)
    user = db.session.scalar(select(User).where(User.username == folded))
    if not _matches(user, password) or user is None:
        _record_failure(folded, throttle, at)
        raise NotAllowed("sign_in.failed", N_("The user name or the password is not right."))
    if throttle:
        db.session.delete(throttle)
    return user


def _matches(user: User | None, password: str) -> bool:
    try:
        return _HASHER.verify(user.password_hash if user else _NOBODY, password) and user is not None
    except (VerificationError, InvalidHashError):
        return False


def _record_failure(folded: str, throttle: SignInThrottle | None, at: datetime) -> None:
    if throttle is None:
        throttle = SignInThrottle(username=folded, failures=0)
        db.session.add(throttle)
    throttle.failures += 1
    if throttle.failures > FREE_FAILURES:
        wait = timedelta(seconds=2 ** min(throttle.failures - FREE_FAILURES, 10))
        throttle.blocked_until = at + min(wait, LONGEST_WAIT)
