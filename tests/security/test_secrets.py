"""Scores before their release, and addresses that a proxy reports."""

from dataclasses import replace
from datetime import timedelta

from flask import request

from examapp.accounts.access import OPERATOR
from examapp.app import create_app
from examapp.config import Config
from examapp.db import db
from examapp.scoring import marking, results
from tests import makers
from tests.cast import Cast, register


def test_no_page_or_program_shows_a_score_before_its_release(cast: Cast, config: Config):
    registration = register(cast.trainee)
    sitting = makers.make_sitting(registration)
    makers.answer(sitting, makers.RIGHT)
    marking.mark(OPERATOR, sitting, at=makers.AT + timedelta(hours=1))
    result = results.score(OPERATOR, sitting, at=makers.AT + timedelta(hours=1))
    db.session.commit()
    assert makers.issue(makers.make_store(config.key_folder)).records == []
    administration = f"/center/administrations/{registration.administration_id}"
    pages = {
        cast.trainee: ("/", f"/results/{result.id}", f"/api/sittings/{sitting.public_id}/result", "/api/registrations",
                       f"/sittings/{sitting.public_id}", f"/sittings/{sitting.public_id}/receipt",
                       f"/sittings/{sitting.public_id}/receipt.txt", f"/api/sittings/{sitting.public_id}"),
        cast.center: (administration, f"{administration}/results", f"{administration}/live", "/center/certificates",
                      f"/center/sittings/{sitting.public_id}"),
        cast.stranger: ("/v1/checkpoint", "/v1/results"),
    }  # fmt: skip
    secrets = (result.scaled, result.theta, result.standard_error, result.probability)
    for member, addresses in pages.items():
        for address in addresses:
            text = member.get(address).text
            assert not [secret for secret in secrets if len(secret) > 3 and secret in text], address


def test_a_senders_word_on_their_address_counts_only_from_our_own_proxies(config: Config):
    seen = []
    for proxies in (0, 1):
        app = create_app(replace(config, proxies=proxies))
        app.before_request(lambda: seen.append((request.remote_addr, request.scheme)))
        app.test_client().get("/help", headers={"X-Forwarded-For": "9.9.9.9, 8.8.8.8", "X-Forwarded-Proto": "https"})
        with app.app_context():
            db.engine.dispose()
    assert seen == [("127.0.0.1", "http"), ("8.8.8.8", "https")]
