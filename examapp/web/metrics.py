"""What monitoring reads: numbers of all serving processes of this machine, and of the database they share."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hmac import compare_digest
from ipaddress import ip_address, ip_network
from time import perf_counter

from flask import Blueprint, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError
from werkzeug.wrappers import Response

from examapp import clock, heartbeats
from examapp.db import db
from examapp.delivery import closing
from examapp.delivery.acceptance import Accepted, Request
from examapp.delivery.committer import Committer
from examapp.delivery.models import Sitting
from examapp.delivery.state import OPEN
from examapp.errors import N_, NotAllowed
from examapp.meters import SECONDS, SIZES, Histogram, Meters
from examapp.scoring import marking, results
from examapp.web.signed_in import settings

bp = Blueprint("metrics", __name__)
# counting beyond this would itself be a load
MOST = 10_000


class MeteredCommitter(Committer):
    """A committer that counts how long its callers wait, and what it does."""

    def __init__(self, engine: Engine, grace: timedelta, meters: Meters) -> None:
        super().__init__(engine, grace, observe=self._seen)
        self._meters = meters

    def commit(self, request: Request) -> Accepted:
        """As its parent does."""
        began = perf_counter()
        self._meters.came()
        try:
            return super().commit(request)
        finally:
            self._meters.waited(perf_counter() - began)

    def _seen(self, size: int, seconds: float) -> None:
        self._meters.committed(size, seconds)
        self._meters.own.tried_again = self._tried_again


def meters() -> Meters:
    """Return the meters of this application."""
    found: Meters = current_app.extensions["examapp_meters"]
    return found


@bp.get("/metrics")
def show() -> Response:
    """Say the numbers in Prometheus' text format, to whoever watches this service."""
    _check_reader()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers())
    return current_app.response_class(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _check_reader() -> None:
    """Admit whoever has the token, and the networks of the settings unless an unknown proxy stands between."""
    config = settings()
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if config.metrics_token and compare_digest(token.encode(), config.metrics_token.encode()):
        return
    is_passed_on = not config.proxies and ("X-Forwarded-For" in request.headers or "Forwarded" in request.headers)
    sender = ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - no network of ours
    if is_passed_on or not any(sender in ip_network(each) for each in config.metrics_networks):
        raise NotAllowed("metrics.not_allowed", N_("Only those who watch this service may read its numbers."))


class _Numbers:
    """Gathers the numbers when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        found = meters()
        yield _histogram("examapp_save_seconds", "From taking a request of a sitting to its durable answer.", SECONDS,
                         found.total("waited"))  # fmt: skip
        yield _histogram("examapp_commit_seconds", "Durable transactions of saves.", SECONDS,
                         found.total("batch_seconds"))  # fmt: skip
        yield _histogram("examapp_commit_size", "Requests of one transaction.", SIZES, found.total("batch_sizes"))
        yield _gauge("examapp_queue_depth", "Requests that wait to be durable.", found.sum("waiting"))
        yield _counter("examapp_transactions_again", "Transactions that were run again.", found.sum("tried_again"))
        yield _counter("examapp_clock_steps", "How often the clock was set by over 2 s.", found.sum("clock_steps"))
        refused = CounterMetricFamily("examapp_refused", "Requests refused, by code.", labels=["code"])
        for code, count in sorted(found.refusals().items()):
            refused.add_metric([code], count)
        yield refused
        yield from _stored(clock.now())


def _stored(at: datetime) -> Iterator[Metric]:
    """Yield what the database says; only that it says nothing when it does not answer."""
    grace, lately = timedelta(seconds=settings().grace_seconds), at - timedelta(days=1)
    try:
        offset = heartbeats.clock_offset(clock.now)
        seen = heartbeats.last(heartbeats.WORKER)
        numbers = [
            ("examapp_open_sittings", "Sittings that run.", _open_sittings()),
            ("examapp_overdue_sittings", "Sittings past their end that nobody closed yet.",
             len(closing.overdue(grace, at=at, limit=MOST))),
            ("examapp_unmarked_sittings", "Sittings that ended in the last day, not marked yet.",
             len(marking.unmarked(since=lately, limit=MOST))),
            ("examapp_unscored_sittings", "Sittings that ended in the last day, marked and not scored yet.",
             len(results.unscored(since=lately, limit=MOST))),
            ("examapp_clock_offset_seconds", "The database server's clock minus ours.", offset),
        ]  # fmt: skip
        if seen:
            numbers.append(("examapp_worker_last_pass_seconds", "When a worker last did all that was due, since 1970.",
                            seen.at.timestamp()))  # fmt: skip
    except DBAPIError:
        yield _gauge("examapp_database_up", "Whether the database answers.", 0)
        return
    yield _gauge("examapp_database_up", "Whether the database answers.", 1)
    for name, told, value in numbers:
        yield _gauge(name, told, value)


def _open_sittings() -> int:
    return db.session.scalar(select(func.count()).select_from(Sitting).where(Sitting.status == OPEN)) or 0


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _counter(name: str, told: str, value: float) -> Metric:
    return CounterMetricFamily(name, told, value=value)


def _histogram(name: str, told: str, bounds: Iterable[float], found: Histogram) -> Metric:
    cells, below = [], 0
    for place, bound in enumerate(bounds):
        below += found.counts[place]
        cells.append((str(bound), below))
    cells.append(("+Inf", below + found.counts[len(cells)]))
    return HistogramMetricFamily(name, told, buckets=cells, sum_value=found.total)
