"""Adding people, centers and API clients."""

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.errors import JoseError
from sqlalchemy import select

from examapp.accounts import access
from examapp.accounts.api_tokens import import_public
from examapp.accounts.models import ApiClient, Center, User
from examapp.accounts.sign_in import fold_username, hash_password
from examapp.canonical import loads
from examapp.db import db
from examapp.errors import N_, InvalidInput, NotFound, Refused

SHORTEST_PASSWORD = 8
SCOPES = ("results.read", "results.ack", "roster.write")
# no letter or digit that looks like another one: these passwords are read off paper
LEGIBLE = "abcdefghjkmnpqrstuvwxyz23456789"
# controls, invisible and direction marks, lone surrogates, line and paragraph separators
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
UNSEEN_CHARACTERS = N_("There is an invisible character in it; type it anew.")


def add_center(actor: access.Actor, code: str, name_zh: str, name_en: str) -> Center:
    """Add a center; its code must be new."""
    access.require(actor, "account.manage")
    if db.session.scalar(select(Center).where(Center.code == code)):
        raise Refused("center.exists", N_("There is a center with the code %(code)s already."), code=code)
    center = Center(code=code, name_zh=name_zh, name_en=name_en)
    db.session.add(center)
    return center


def center_by_code(code: str) -> Center:
    """Return the center with this code."""
    center = db.session.scalar(select(Center).where(Center.code == code))
    if center is None:
        raise NotFound("center.unknown", N_("There is no center with the code %(code)s."), code=code)
    return center


def add_user(
    actor: access.Actor, *, username: str, name: str, role: str, password: str, center: Center | None = None,
    language: str = "zh", at: datetime,
) -> User:  # fmt: skip
    """Add a person; the folded user name must be new."""
    access.require(actor, "account.manage")
    folded = fold_username(username)
    _check_person(folded, name, role, password, center.id if center else None)
    if db.session.scalar(select(User).where(User.username == folded)):
        raise Refused("user.exists", N_("There is a user called %(username)s already."), username=folded)
    user = User(
        username=folded, name=name.strip(), role=role, password_hash=hash_password(password),
        center_id=center.id if center else None, language=language, created_at=at,
    )  # fmt: skip
    db.session.add(user)
    return user


@dataclass(frozen=True)
class NewPassword:
    """A password made for somebody: its text, to be shown once, and the hash to store."""

    text: str
    hash: str


def new_password() -> NewPassword:
    """Return a random password of 59 bits; hashing is slow, so make it before the transaction that stores it."""
    text = "-".join("".join(secrets.choice(LEGIBLE) for _ in range(4)) for _ in range(3))
    return NewPassword(text, hash_password(text))


def add_trainee(
    actor: access.Actor, *, username: str, name: str, password: NewPassword, center_id: str | None, at: datetime
) -> User:
    """Add a trainee of a center with a password that was made for them; center staff may, for their own center."""
    access.require(actor, "registration.manage", center_id)
    folded = fold_username(username)
    _check_person(folded, name, access.TRAINEE, password.text, center_id)
    if user_named(folded):
        raise Refused("user.exists", N_("There is a user called %(username)s already."), username=folded)
    trainee = User(
        username=folded, name=name.strip(), role=access.TRAINEE, password_hash=password.hash, center_id=center_id,
        created_at=at,
    )  # fmt: skip
    db.session.add(trainee)
    return trainee


def user_named(username: str) -> User | None:
    """Return the person with this user name, however it is typed."""
    return db.session.scalar(select(User).where(User.username == fold_username(username)))


def has_unseen(text: str) -> bool:
    """Say whether `text` holds a character that nobody sees, or that changes how others are read."""
    return any(unicodedata.category(character) in UNSEEN for character in text)


def _check_person(username: str, name: str, role: str, password: str, center_id: str | None) -> None:
    problems = []
    if not 1 <= len(username) <= 80:
        problems.append(("username", N_("Give a user name of 1 to 80 characters.")))
    if not 1 <= len(name.strip()) <= 200:
        problems.append(("name", N_("Give the name as it should stand on the certificate.")))
    problems += [(field, UNSEEN_CHARACTERS) for field, text in (("username", username), ("name", name))
                 if has_unseen(text)]  # fmt: skip
    if role not in access.ROLES[:3]:
        problems.append(("role", N_("The role is trainee, examiner or center.")))
    if role == access.CENTER and center_id is None:
        problems.append(("center", N_("Name the center whose staff this is.")))
    if len(password) < SHORTEST_PASSWORD:
        problems.append(("password", N_("Give a password of 8 characters or more.")))
    if problems:
        raise InvalidInput("user.invalid", N_("The account was not added."), problems)


def add_api_client(
    actor: access.Actor, *, name: str, public_jwk: str, scopes: list[str], center: Center | None, at: datetime
) -> ApiClient:
    """Add a program that may pull results; `public_jwk` is the JSON of its public P-256 or Ed25519 key."""
    access.require(actor, "client.manage", center.id if center else None)
    problems = []
    key = _public_key(public_jwk)
    if key is None:
        problems.append(("public_jwk", N_("Paste a public key in JWK form: EC P-256 or OKP Ed25519, without d.")))
    if not name.strip():
        problems.append(("name", N_("Give the program a name.")))
    if not scopes or set(scopes) - set(SCOPES):
        problems.append(("scopes", N_("Choose what the program may do.")))
    if problems:
        raise InvalidInput("client.invalid", N_("The program was not added."), problems)
    client = ApiClient(
        name=name.strip(), public_jwk=key, scopes=" ".join(sorted(scopes)), center_id=center.id if center else None,
        created_at=at,
    )  # fmt: skip
    db.session.add(client)
    return client


def _public_key(text: str) -> dict[str, Any] | None:
    try:
        key = loads(text)
        if not isinstance(key, dict) or "d" in key or not all(isinstance(value, str) for value in key.values()):
            return None
        if (key.get("kty"), key.get("crv")) not in (("EC", "P-256"), ("OKP", "Ed25519")):
            return None
        import_public(key)
    except (ValueError, KeyError, JoseError):
        return None
    return {name: key[name] for name in ("kty", "crv", "x", "y", "kid") if name in key}


def api_clients(actor: access.Actor) -> list[ApiClient]:
    """Return the programs that the actor may manage, by name; center staff see those of their own center."""
    access.require(actor, "client.manage", actor.center_id)
    query = select(ApiClient).order_by(ApiClient.name, ApiClient.created_at)
    if actor.center_id is not None:
        query = query.where(ApiClient.center_id == actor.center_id)
    return list(db.session.scalars(query))


def api_client(actor: access.Actor, client_id: str) -> ApiClient:
    """Return the program with this id; another center's is as unknown as none."""
    client = db.session.get(ApiClient, client_id)
    if client is None or not access.may(actor, "client.manage", client.center_id):
        raise NotFound("client.unknown", N_("There is no such program."))
    return client


def deactivate_client(actor: access.Actor, client: ApiClient) -> None:
    """Take a program's access away at once."""
    access.require(actor, "client.manage", client.center_id)
    client.is_active = False
