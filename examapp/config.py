"""The service's settings, read from the environment once and checked as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

MINIMUM_SECRET_LENGTH = 32
LEVELS = ("debug", "info", "warning", "error")


class ConfigError(Exception):
    """The environment does not describe a service that may start; the message names every bad value."""


@dataclass(frozen=True)
class Config:
    """Where the service keeps its data, what it is called outside, and how long it is patient."""

    secret_key: str
    database_url: str
    public_url: str = "http://127.0.0.1:8000"
    key_folder: Path = Path("var/keys")
    bank_folder: Path = Path("question_banks")
    grace_seconds: int = 5
    secure_cookies: bool = True
    log_origin: str = "examapp.local/results"
    # how many proxies of ours stand in front: whose word on the sender's address and scheme is believed
    proxies: int = 0
    # whether the WSGI gate answers what running sittings send; without it the views do, with the same bytes
    gate: bool = True
    # of each serving process, most of which only wait: the lanes of `web.admission` are shares of it
    threads: int = 1280
    # who may read /metrics: whoever sends the token, if there is one, and these networks
    metrics_token: str = ""
    metrics_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    log_level: str = "info"

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Config":
        """Return the settings in `environment`; raise `ConfigError` that names all that are missing or wrong."""
        settings: dict[str, object] = {
            "secret_key": environment.get("EXAMAPP_SECRET_KEY", ""),
            "database_url": environment.get("EXAMAPP_DATABASE_URL", ""),
            "public_url": environment.get("EXAMAPP_PUBLIC_URL", cls.public_url).rstrip("/"),
            "key_folder": Path(environment.get("EXAMAPP_KEY_FOLDER", str(cls.key_folder))),
            "bank_folder": Path(environment.get("EXAMAPP_BANK_FOLDER", str(cls.bank_folder))),
            "grace_seconds": _whole_number(environment.get("EXAMAPP_GRACE_SECONDS", str(cls.grace_seconds))),
            "secure_cookies": environment.get("EXAMAPP_SECURE_COOKIES", "1") != "0",
            "proxies": _whole_number(environment.get("EXAMAPP_PROXIES", str(cls.proxies))),
            "gate": environment.get("EXAMAPP_GATE", "1") != "0",
            "threads": _whole_number(environment.get("EXAMAPP_THREADS", str(cls.threads))),
            "log_origin": environment.get("EXAMAPP_LOG_ORIGIN", cls.log_origin),
            "metrics_token": environment.get("EXAMAPP_METRICS_TOKEN", ""),
            "metrics_networks": _words(environment.get("EXAMAPP_METRICS_NETWORKS", " ".join(cls.metrics_networks))),
            "log_level": environment.get("EXAMAPP_LOG_LEVEL", cls.log_level),
        }
        problems = list(_problems(settings))
        if problems:
            raise ConfigError("The service cannot start:\n" + "\n".join(f"- {problem}" for problem in problems))
        return cls(**settings)  # type: ignore[arg-type]


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _problems(settings: Mapping[str, object]) -> list[str]:
    problems = []
    if len(str(settings["secret_key"])) < MINIMUM_SECRET_LENGTH:
        problems.append(
            f"EXAMAPP_SECRET_KEY must have {MINIMUM_SECRET_LENGTH} characters or more; make one with "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    if not str(settings["database_url"]).startswith(("sqlite:///", "postgresql+psycopg://")):
        problems.append("EXAMAPP_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")
    elif str(settings["database_url"]).startswith("postgresql") and find_spec("psycopg") is None:
        problems.append("EXAMAPP_DATABASE_URL names PostgreSQL, whose driver is missing: pip install 'psycopg[binary]'")
    public = urlsplit(str(settings["public_url"]))
    if public.scheme not in ("http", "https") or not public.hostname:
        problems.append("EXAMAPP_PUBLIC_URL must be the http or https address that people type")
    if settings["secure_cookies"] and public.scheme == "http" and public.hostname not in ("127.0.0.1", "localhost"):
        problems.append("EXAMAPP_PUBLIC_URL must be https, or EXAMAPP_SECURE_COOKIES=0 must say that it is not")
    grace = settings["grace_seconds"]
    if not isinstance(grace, int) or not 0 <= grace <= 60:
        problems.append("EXAMAPP_GRACE_SECONDS must be a whole number from 0 to 60")
    proxies = settings["proxies"]
    if not isinstance(proxies, int) or not 0 <= proxies <= 5:
        problems.append("EXAMAPP_PROXIES must be a whole number from 0 to 5")
    threads = settings["threads"]
    if not isinstance(threads, int) or not 16 <= threads <= 4096:
        problems.append("EXAMAPP_THREADS must be a whole number from 16 to 4096")
    problems += [
        f"EXAMAPP_METRICS_NETWORKS must hold networks such as 10.0.0.0/8, not {each}"
        for each in settings["metrics_networks"]  # type: ignore[attr-defined]
        if not _is_network(each)
    ]
    if settings["log_level"] not in LEVELS:
        problems.append(f"EXAMAPP_LOG_LEVEL must be one of {', '.join(LEVELS)}")
    return problems
