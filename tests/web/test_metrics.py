from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from examapp import clock, heartbeats
from examapp.config import Config
from examapp.db import transaction
from examapp.delivery.acceptance import Flag, Request
from examapp.errors import Refused
from examapp.meters import Meters
from examapp.web import sitting_api
from tests import makers

ELSEWHERE = {"REMOTE_ADDR": "203.0.113.7"}


def read(client: FlaskClient) -> dict[str, float]:
    """Return the numbers by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        ",".join([each.name, *each.labels.values()]): each.value for family in families for each in family.samples
    }  # fmt: skip


@pytest.fixture
def elsewhere(app: Flask) -> Iterator[FlaskClient]:
    app.config["EXAMAPP"] = replace(app.config["EXAMAPP"], metrics_token="a token of the one who watches")
    with app.test_client() as client:
        yield client


@pytest.mark.feature("O18")
def test_numbers_of_a_service_at_rest(client: FlaskClient) -> None:
    makers.make_sitting()
    with transaction():
        heartbeats.leave(heartbeats.WORKER, {}, at=clock.now())
    found = read(client)
    assert (found["examapp_open_sittings"], found["examapp_database_up"]) == (1, 1)
    assert found["examapp_save_seconds_count"] == 0
    assert found["examapp_worker_last_pass_seconds"] > 1.7e9
    assert "examapp_clock_offset_seconds" in found


def test_requests_and_refusals_of_all_processes_are_summed(app: Flask, client: FlaskClient) -> None:
    meters: Meters = app.extensions["examapp_meters"]
    for number in (0, 1):
        meters.take(number)
        meters.waited(0.004)
        meters.committed(3, 0.002)
        meters.refused("response.stale")
    found = read(client)
    assert found["examapp_save_seconds_bucket,0.0025"] == 0
    assert found["examapp_save_seconds_bucket,0.005"] == 2
    assert found["examapp_save_seconds_sum"] == pytest.approx(0.008)
    assert found["examapp_commit_size_bucket,4.0"] == 2
    assert found["examapp_refused_total,response.stale"] == 2


def test_refusal_that_a_page_shows_is_counted(client: FlaskClient) -> None:
    client.get("/no/such/page")
    assert read(client)["examapp_refused_total,http.404"] == 1


def test_sittings_that_wait_for_the_worker_are_counted(client: FlaskClient) -> None:
    ago = clock.now() - timedelta(hours=1)
    window = {"opens_at": ago, "closes_at": ago + timedelta(hours=3)}
    registration = makers.make_registration(administration=makers.make_administration(**window))
    makers.answer(makers.make_sitting(registration, at=ago), makers.RIGHT, at=ago)
    assert read(client)["examapp_unmarked_sittings"] == 1


def test_strangers_are_refused_and_the_token_admits(elsewhere: FlaskClient) -> None:
    assert elsewhere.get("/metrics", environ_base=ELSEWHERE).status_code == 403
    wrong, right = ({"Authorization": f"Bearer {each}"} for each in ("wrong", "a token of the one who watches"))
    assert elsewhere.get("/metrics", environ_base=ELSEWHERE, headers=wrong).status_code == 403
    assert elsewhere.get("/metrics", environ_base=ELSEWHERE, headers=right).status_code == 200


def test_empty_token_admits_nobody(client: FlaskClient) -> None:
    answer = client.get("/metrics", environ_base=ELSEWHERE, headers={"Authorization": "Bearer "})
    assert (answer.status_code, answer.json["code"]) == (403, "metrics.not_allowed")


def test_request_by_an_unknown_proxy_is_not_from_this_machine(client: FlaskClient) -> None:
    assert client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 403


def test_database_that_is_gone_leaves_the_other_numbers(client: FlaskClient, config: Config, app: Flask) -> None:
    app.extensions["examapp_meters"].waited(0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heartbeats, "clock_offset", _fail)
        found = read(client)
    assert (found["examapp_database_up"], found["examapp_save_seconds_count"]) == (0, 1)


def _fail(now: object) -> float:
    raise OperationalError("SELECT", {}, OSError("gone"))


@pytest.mark.feature("O18")
def test_requests_that_wait_are_counted_while_they_wait(app: Flask, client: FlaskClient) -> None:
    sitting, committer = makers.make_sitting(), sitting_api.committer()
    # somebody stores something without end
    waiting = committer._gathering
    waiting._is_led = True
    request = Request(sitting.id, Flag(1, True), makers.AT, sitting.epoch)
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(committer.commit, request) for _ in range(3)]
        while len(waiting) < 3:
            wait(sent, timeout=0.01)
        assert read(client)["examapp_queue_depth"] == 3
        for each in waiting._queue:
            each.answer(Refused("sitting.closed", "The sitting is over."))
    assert read(client)["examapp_queue_depth"] == 0
