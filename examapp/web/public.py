"""Pages without sign-in: verify a certificate."""

from flask import Blueprint

bp = Blueprint("public", __name__)
