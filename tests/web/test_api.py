import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from examapp import clock
from examapp.accounts.models import ApiClient
from examapp.canonical import canonical_bytes
from examapp.credentials import key_store, record
from examapp.credentials.checkpoint import open_checkpoint
from examapp.credentials.merkle import extends
from examapp.credentials.models import Acknowledgement
from examapp.credentials.verification import verify_bundle
from examapp.db import db
from tests import makers
from tests.web.test_openapi import DESCRIPTION

KEY = ECKey.generate_key("P-256")
ORIGIN = "examapp.local/results"


@pytest.fixture(autouse=True)
def stopped(monkeypatch, at):
    monkeypatch.setattr(clock, "now", lambda: at)


@pytest.fixture
def store(app, config):
    return makers.make_store(config.key_folder)


@pytest.fixture
def five(store):
    """Five records in the log, logged in two passes."""
    for _ in range(3):
        makers.make_result()
    makers.issue(store)
    makers.make_both_results()
    makers.issue(store)


class Puller:
    """The client of an examination center."""

    def __init__(self, http, scopes: str = "results.ack results.read", center_id: str | None = None) -> None:
        self.http = http
        self.row = ApiClient(
            name="Center", public_jwk=KEY.as_dict(private=False), scopes=scopes, center_id=center_id,
            created_at=makers.AT,
        )  # fmt: skip
        db.session.add(self.row)
        db.session.commit()
        self.headers = {"Authorization": f"Bearer {self.ask('one').json['access_token']}"}

    def ask(self, jti: str, **overrides: str):
        return self.http.post("/oauth/token", data=self.form(jti) | overrides)

    def form(self, jti: str) -> dict[str, str]:
        claims = {
            "iss": self.row.id, "sub": self.row.id, "aud": "http://127.0.0.1:8000/oauth/token", "jti": jti,
            "exp": int(clock.now().timestamp()) + 300,
        }  # fmt: skip
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jws.serialize_compact({"alg": "ES256"}, canonical_bytes(claims), KEY),
        }

    def get(self, path: str, **headers: str):
        return self.http.get(path, headers=self.headers | headers)

    def acknowledge(self, key: str, up_to: object, checkpoint: object):
        body = {"up_to": up_to, "checkpoint": checkpoint}
        return self.http.post("/v1/acks", json=body, headers=self.headers | {"Idempotency-Key": key})


@pytest.fixture
def puller(client, five) -> Puller:
    return Puller(client)


def described(path: str, method: str = "get") -> Draft202012Validator:
    content = DESCRIPTION["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    return Draft202012Validator({**content["schema"], "components": DESCRIPTION["components"]})


@pytest.mark.feature("A13")
def test_paging_gives_every_record_exactly_once_in_log_order(puller):
    pulled, cursor = [], 0
    while items := (page := puller.get(f"/v1/results?after={cursor}&limit=2").json)["items"]:
        pulled += [item["index"] for item in items]
        cursor = page["next"]
    assert pulled == [0, 1, 2, 3, 4]
    assert (page["next"], page["head"]) == (5, 5)


@pytest.mark.feature("A13")
def test_client_that_died_in_a_page_begins_where_its_own_store_ends(puller):
    first = puller.get("/v1/results?after=0&limit=3").json["items"][:2]
    rest = puller.get(f"/v1/results?after={first[-1]['index'] + 1}&limit=100").json["items"]
    assert [item["index"] for item in first + rest] == [0, 1, 2, 3, 4]


def test_page_matches_its_description(puller):
    described("/v1/results").validate(puller.get("/v1/results").json)


@pytest.mark.feature("A13")
def test_page_that_the_client_has_is_not_sent_again(puller):
    first = puller.get("/v1/results?after=0")
    again = puller.get("/v1/results?after=0", **{"If-None-Match": first.headers["ETag"]})
    assert not first.headers["ETag"].startswith("W/")
    assert (again.status_code, again.data) == (304, b"")
    assert puller.get("/v1/results?after=1", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.feature("A13", "A14", "B2")
def test_what_is_pulled_makes_a_bundle_that_verifies(puller):
    item = puller.get("/v1/results?after=2&limit=1").json["items"][0]
    answer = puller.get(f"/v1/results/{item['id']}")
    assert answer.mimetype == "application/vc+jwt"
    note = puller.get("/v1/checkpoint").text
    proof = puller.get(f"/v1/proofs/inclusion?index={item['index']}&size=5").json
    evidence = puller.get(f"/v1/results/{item['id']}/evidence")
    keys = {key["kid"]: key for key in puller.get("/.well-known/jwks.json").json["keys"]}
    bundle = {
        "schema": 1, "record": answer.text, "evidence": evidence.json, "inclusion": proof, "checkpoint": note,
    }  # fmt: skip
    assert verify_bundle(bundle, keys).holds
    described("/v1/results/{record}/evidence").validate(evidence.json)


@pytest.mark.feature("A13", "B3")
def test_log_only_grew_since_the_last_pull(puller, store):
    keys = key_store.trusted_keys().values()
    before = open_checkpoint(puller.get("/v1/checkpoint").text, ORIGIN, keys)
    makers.make_result()
    makers.issue(store)
    after = open_checkpoint(puller.get("/v1/checkpoint").text, ORIGIN, keys)
    proof = puller.get(f"/v1/proofs/consistency?from={before.size}&to={after.size}").json["path"]
    assert extends(before.size, after.size, before.root, after.root, [bytes.fromhex(step) for step in proof])


@pytest.mark.feature("A13")
def test_acknowledgement_sent_twice_is_one_row_and_one_answer(puller):
    note = puller.get("/v1/checkpoint").text
    first, again = puller.acknowledge("k", 5, note), puller.acknowledge("k", 5, note)
    assert (first.status_code, first.json) == (again.status_code, again.json) == (200, first.json)
    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 1
    described("/v1/acks", "post").validate(first.json)


def test_same_idempotency_key_with_another_body_is_refused(puller):
    note = puller.get("/v1/checkpoint").text
    puller.acknowledge("k", 5, note)
    answer = puller.acknowledge("k", 4, note)
    assert (answer.status_code, answer.json["code"]) == (409, "ack.key_reused")


@pytest.mark.parametrize(
    ("up_to", "checkpoint", "code"),
    [
        (6, None, "ack.beyond_head"), (5, "no note", "ack.checkpoint"), (5, 7, "ack.malformed"),
        ("5", None, "ack.malformed"),
    ],
)  # fmt: skip
def test_acknowledgement_that_cannot_be_is_refused(puller, up_to, checkpoint, code):
    answer = puller.acknowledge("k", up_to, checkpoint or puller.get("/v1/checkpoint").text)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_token_without_the_scope_is_refused(client, five):
    reader = Puller(client, scopes="results.read")
    answer = reader.acknowledge("k", 5, reader.get("/v1/checkpoint").text)
    assert (answer.status_code, answer.json["code"]) == (403, "token.scope")


@pytest.mark.parametrize("path", ["/v1/results", "/v1/results/urn:uuid:0", "/v1/results/urn:uuid:0/evidence"])
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer no"}, {"Authorization": "Basic no"}], ids=str)
def test_request_without_a_token_is_told_how_to_prove_itself(client, app, path, header):
    answer = client.get(path, headers=header)
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_assertion_sent_twice_gives_one_token(puller):
    answer = puller.ask("one")
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_unknown_scope_is_refused_with_the_code_of_rfc_6749(puller):
    answer = puller.ask("two", scope="results.write")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_refused_assertion_is_not_used_up(puller):
    assert puller.ask("two", scope="results.write").status_code == 400
    assert puller.ask("two").status_code == 200


def test_center_sees_the_records_of_its_own_registrations_only(client, store):
    own, other = makers.make_center(), makers.make_center()
    for center in (own, other, own):
        makers.make_result(makers.make_registration(center_id=center.id))
        makers.issue(store)
    puller = Puller(client, center_id=own.id)
    page = puller.get("/v1/results?after=0&limit=1").json
    rest = puller.get(f"/v1/results?after={page['next']}&limit=5").json
    assert [item["index"] for item in page["items"] + rest["items"]] == [0, 2]
    everything = Puller(client).get("/v1/results").json["items"]
    assert puller.get(f"/v1/results/{everything[1]['id']}").json["code"] == "record.unknown"
    assert puller.get(f"/v1/results/{everything[1]['id']}/evidence").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/results?after=-1", "/v1/results?limit=0", "/v1/results?limit=1001", "/v1/results?after=x",
        "/v1/results?after=%D9%A1", "/v1/proofs/inclusion", "/v1/proofs/inclusion?index=5&size=5",
        "/v1/proofs/inclusion?index=0&size=6", "/v1/proofs/inclusion?index=0&size=0",
        "/v1/proofs/consistency?from=0&to=5", "/v1/proofs/consistency?from=5&to=4",
        "/v1/proofs/consistency?from=1&to=6",
    ],
)  # fmt: skip
def test_numbers_out_of_range_are_invalid_input(puller, path):
    assert puller.get(path).status_code == 422


def test_empty_log_has_pages_but_no_checkpoint(client, store):
    puller = Puller(client)
    assert puller.get("/v1/results").json == {"items": [], "next": 0, "head": 0}
    assert puller.get("/v1/checkpoint").status_code == 404


@pytest.mark.feature("A13")
def test_issuer_publishes_its_keys_and_who_it_is(client, store):
    did = client.get("/.well-known/did.json").json
    keys = client.get("/.well-known/jwks.json").json["keys"]
    assert did["id"] == "did:web:127.0.0.1%3A8000"
    assert [method["publicKeyJwk"] for method in did["verificationMethod"]] == keys
    assert not any("d" in key for key in keys)


def test_record_signed_before_a_key_was_replaced_verifies_after(puller, store, at):
    item = puller.get("/v1/results?after=0&limit=1").json["items"][0]
    key_store.create(makers.OPERATOR, store, "record", at=at)
    db.session.commit()
    keys = {key["kid"]: key for key in puller.get("/.well-known/jwks.json").json["keys"]}
    assert record.open_record(item["record"], keys).record_id == item["id"]


def test_record_served_is_the_one_that_was_logged(puller):
    for item in puller.get("/v1/results").json["items"]:
        assert puller.get(f"/v1/results/{item['id']}").text == item["record"]
        assert record.leaf(item["record"]).hex() == item["leaf_hash"]


def test_evidence_is_sent_as_the_bytes_whose_digest_was_signed(puller):
    item = puller.get("/v1/results?limit=1").json["items"][0]
    data = puller.get(f"/v1/results/{item['id']}/evidence").data
    assert data == canonical_bytes(json.loads(data))


def at_once(app, send, times: int = 8) -> list:
    """Return what `send(http)` gives when several clients send at the same moment."""
    barrier = threading.Barrier(times)

    def run(_: int):
        barrier.wait()
        return send(app.test_client())

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_one_assertion_sent_by_eight_clients_at_once_gives_one_token(app, puller):
    form = puller.form("two")
    answers = at_once(app, lambda http: http.post("/oauth/token", data=form).status_code)
    assert sorted(answers) == [200] + [401] * 7


@pytest.mark.feature("A13")
def test_one_acknowledgement_sent_by_eight_clients_at_once_is_one_row(app, puller):
    body = {"up_to": 5, "checkpoint": puller.get("/v1/checkpoint").text}
    headers = puller.headers | {"Idempotency-Key": "k"}
    answers = at_once(app, lambda http: http.post("/v1/acks", json=body, headers=headers))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Acknowledgement)) == 1
