"""The one byte form of everything that is hashed or signed: canonical JSON (RFC 8785) and SHA-256.

Numbers that are not whole are written as decimal strings before they get here, so no reader's floating point can change
a digest. Times are written in UTC with microseconds.
"""

import hashlib
import json
import math
import re
from datetime import UTC, datetime
from typing import Any, NoReturn

import rfc8785

DIGEST_PREFIX = "sha256:"
LARGEST_INTEGER = 2**53 - 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
# a text as JSON; anything else is a `TypeError`
quoted = json.encoder.encode_basestring
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))


def canonical_bytes(value: Any) -> bytes:
    """Return the RFC 8785 bytes of `value`; floats and whole numbers beyond 2**53 are refused with `ValueError`."""
    try:
        is_plain = _is_plain(value)
    except _Fraction:
        raise ValueError(_place_of_fraction(value, "$")) from None
    # with ASCII keys and no fractions the standard encoder writes the same bytes, several times as fast
    return _ENCODER.encode(value).encode() if is_plain else rfc8785.dumps(value)


def canonical_text(value: Any) -> str:
    """Return the canonical bytes of `value` as text; a text, which most responses are, is written at once."""
    if type(value) is str and value.isascii():
        return quoted(value)
    return canonical_bytes(value).decode()


def digest(value: Any) -> str:
    """Return `sha256:<hex>` of the canonical bytes of `value`."""
    return digest_of_bytes(canonical_bytes(value))


def digest_of_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of `data`."""
    return DIGEST_PREFIX + hashlib.sha256(data).hexdigest()


def is_digest(text: object) -> bool:
    """Say whether `text` has the form of a digest made here."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def decimal_string(number: float) -> str:
    """Return the shortest text that reads back as exactly this float.

    >>> decimal_string(0.1), decimal_string(2.0), decimal_string(-0.0)
    ('0.1', '2.0', '0.0')
    """
    return repr(float(number) + 0.0)


def utc_string(at: datetime) -> str:
    """Return `at` in UTC as ISO 8601 with microseconds and `Z`; a naive time is refused with `ValueError`.

    >>> utc_string(datetime(2026, 5, 1, 9, 0, tzinfo=UTC))
    '2026-05-01T09:00:00.000000Z'
    """
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    # most are in UTC already; `isoformat` takes five times as many instructions
    own, two = at if at.tzinfo is UTC else at.astimezone(UTC), _TWO_DIGITS
    day = f"{own.year:04d}-{two[own.month]}-{two[own.day]}"
    return f"{day}T{two[own.hour]}:{two[own.minute]}:{two[own.second]}.{own.microsecond:06d}Z"


def parse_utc(text: str) -> datetime:
    """Return the aware UTC time that `utc_string` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def loads(text: str | bytes) -> Any:
    """Read JSON strictly: what programs read differently, or text that cannot be stored, is a `ValueError`.

    So are a repeated key, NaN, 1e400, half a surrogate pair, bytes that are not UTF-8, and nesting beyond the reader.
    """
    text = text.decode() if isinstance(text, bytes) else text
    try:
        value = _DECODER.decode(text)
        if "\\u" in text:
            # an escape may bring in half a pair, which encoding refuses
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    text.encode()
    return value


def _is_plain(value: Any) -> bool:
    """Say whether the standard encoder's bytes are canonical too; refuse fractions on the way."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(-LARGEST_INTEGER <= value <= LARGEST_INTEGER)
    if kind is dict:
        # no shortcut: a fraction must be found wherever it stands
        return all([_is_key(key) & (type(inner) is str or _is_plain(inner)) for key, inner in value.items()])  # noqa: C419
    if kind is list or kind is tuple:
        return all([_is_plain(inner) for inner in value])  # noqa: C419
    if isinstance(value, float):
        raise _Fraction
    return False


class _Fraction(Exception):
    """A fraction was met; where it stands is looked for only then."""


def _place_of_fraction(value: Any, path: str) -> str:
    """Return where the first fraction stands, with the number itself, or nothing."""
    if isinstance(value, float):
        return f"{path}: write the number {value!r} as a decimal string"
    inner = {f".{key}": each for key, each in value.items()} if isinstance(value, dict) else {}
    if isinstance(value, list | tuple):
        inner = {f"[{index}]": each for index, each in enumerate(value)}
    return next(filter(None, (_place_of_fraction(each, path + step) for step, each in inner.items())), "")


def _is_key(key: Any) -> bool:
    return type(key) is str and key.isascii()


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one JSON object")
    return result


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique_pairs, parse_constant=_refuse_constant, parse_float=_finite)
