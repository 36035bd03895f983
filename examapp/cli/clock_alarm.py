"""The alarm for a clock that was set: every process that reads the time to decide something watches for it."""

import threading

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from examapp import clock, heartbeats
from examapp.clock import ClockWatch
from examapp.db import transaction
from examapp.meters import Meters

EVERY_SECONDS = 3.0
log = structlog.stdlib.get_logger("examapp.clock")


def start(app: Flask) -> None:
    """Watch this process's clock for as long as it lives."""
    threading.Thread(target=_watch, args=(app, ClockWatch(), threading.Event()), name="clock", daemon=True).start()


def _watch(app: Flask, watch: ClockWatch, stop: threading.Event) -> None:
    while not stop.wait(EVERY_SECONDS):
        look(app, watch)


def look(app: Flask, watch: ClockWatch) -> None:
    """Raise the alarm when the clock was set: in the log, the numbers, and the database, where `doctor` finds it."""
    step = watch.step()
    if step is None:
        return
    log.error("the clock was set", seconds=round(step, 3))
    meters: Meters = app.extensions["examapp_meters"]
    meters.own.clock_steps += 1
    try:
        with app.app_context(), transaction():
            heartbeats.leave(heartbeats.CLOCK, {"seconds": f"{step:.3f}"}, at=clock.now())
    except SQLAlchemyError:
        log.warning("the database was not told that the clock was set")
