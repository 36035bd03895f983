"""The application: database and doors put together, nothing else."""

# ruff: noqa: E402 - no garbage is looked for while all of this is loaded: it stays, and looking takes a fifth of a start
import gc

gc.disable()

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from flask_migrate import Migrate
from sqlalchemy import make_url
from werkzeug.middleware.proxy_fix import ProxyFix

from examapp import cli, logs, web
from examapp.config import Config, ConfigError
from examapp.db import db
from examapp.web.admission import Admission
from examapp.web.assets import Assets
from examapp.web.gate import Gate

gc.freeze()
gc.enable()

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
# connections kept open, and how many more in need: to open one takes longer than most of what it is asked. The last
# one used is used first, so that few are held while little is asked. On PostgreSQL, with the committer's own, a process
# holds 21 of the 100 that its server allows all processes
_HELD = {"pool_timeout": 10, "pool_use_lifo": True}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "sqlite": {"pool_size": 48, "max_overflow": 96, **_HELD},
    "postgresql": {"pool_size": 16, "max_overflow": 4, **_HELD},
}


def create_app(config: Config) -> Flask:
    """Return the WSGI application for `config`."""
    app = Flask("examapp", template_folder="web/templates", static_folder="web/static")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=24),
        # what is stored is personal; an error in the log names the statement, not the values
        SQLALCHEMY_ENGINE_OPTIONS={"hide_parameters": True, **_connections(config)},
        MAX_CONTENT_LENGTH=1_000_000,
        WTF_CSRF_TIME_LIMIT=None,
        EXAMAPP=config,
    )
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), compare_type=True, render_as_batch=True)
    web.init_app(app)
    admission = app.wsgi_app = Admission(app, config)  # type: ignore[method-assign]
    if config.gate:
        app.wsgi_app = Gate(app, config, admission)  # type: ignore[method-assign]
    app.wsgi_app = Assets(app)  # type: ignore[method-assign]
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.proxies, x_proto=config.proxies)  # type: ignore[method-assign]
    return app


def _connections(config: Config) -> dict[str, Any]:
    return CONNECTIONS[make_url(config.database_url).get_backend_name()]


def create_app_from_env() -> Flask:
    """Return the application for the environment's settings; end the process when they do not hold."""
    try:
        config = Config.from_env(os.environ)
    except ConfigError as error:
        sys.exit(str(error))
    logs.configure(config.log_level)
    return create_app(config)


def main() -> None:
    """Run the `examapp` command."""
    # not a FlaskGroup: that one makes the application, and so needs every setting, before it shows its help
    group = click.Group(help="Exam delivery with verifiable results. Every command has --help with an example.")
    for command in cli.COMMANDS:
        group.add_command(command)
    group.main(prog_name="examapp", obj=ScriptInfo(create_app=create_app_from_env))
