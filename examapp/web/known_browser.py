"""Browsers that somebody signed in from before: strangers' wrong guesses do not hold up the person there.

The cookie is `id.HMAC(id, user name)`: it names nobody, and counts for one name only.
"""

import hashlib
import hmac
import secrets

from flask import Response, after_this_request, request

from examapp.accounts.sign_in import Source, fold_username
from examapp.web.signed_in import settings

COOKIE = "browser"
LIFE_SECONDS = 180 * 24 * 3600


def source_of(username: str) -> Source:
    """Return where an attempt to sign in under this name comes from."""
    browser, _, mac = request.cookies.get(COOKIE, "").partition(".")
    if browser and hmac.compare_digest(mac.encode(), _mac(browser, username).encode()):
        return Source(f"browser {browser}", is_known=True)
    return Source(f"address {request.remote_addr}")


def remember(username: str) -> None:
    """Let the answer to this request make the browser a known one of this name."""
    browser = secrets.token_hex(16)
    value = f"{browser}.{_mac(browser, username)}"

    @after_this_request
    def give(response: Response) -> Response:
        response.set_cookie(
            COOKIE, value, max_age=LIFE_SECONDS, httponly=True, samesite="Strict", secure=settings().secure_cookies
        )
        return response


def _mac(browser: str, username: str) -> str:
    # a key of its own: this must never pass for another signed value of the service
    key = hashlib.sha256(b"examapp known browser\0" + settings().secret_key.encode()).digest()
    return hmac.digest(key, f"{browser} {fold_username(username)}".encode(), "sha256").hex()
