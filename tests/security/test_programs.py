"""What programs that are not who they say, or ask for more than theirs, are told by the pull API."""

import base64
import json
from datetime import datetime

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from examapp.accounts.api_tokens import ASSERTION_TYPE
from examapp.accounts.models import ApiClient
from examapp.db import db
from tests import makers
from tests.cast import Cast

KEY, OTHER_KEY = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
AUDIENCE = "http://127.0.0.1:8000/oauth/token"


def part(data: object) -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def make_client(center_id: str | None, jwk: object = None, scopes: str = "results.ack results.read") -> ApiClient:
    """Return a program of a center, committed."""
    row = ApiClient(
        name="Registry", public_jwk=KEY.as_dict(private=False) if jwk is None else jwk, scopes=scopes,
        center_id=center_id, created_at=makers.AT,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def ask(cast: Cast, assertion: str, scope: str = ""):
    fields = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE, "scope": scope}
    return cast.stranger.send("POST", "/oauth/token", data={**fields, "client_assertion": assertion})


def signed(client: ApiClient, at: datetime, key: ECKey = KEY, **changes: object) -> str:
    claims = {
        "iss": client.id, "sub": client.id, "aud": AUDIENCE, "jti": "one", "exp": int(at.timestamp()) + 300, **changes,
    }  # fmt: skip
    return jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), key)


def test_what_is_no_assertion_of_the_client_is_refused_and_never_an_accident(cast: Cast, at: datetime):
    client = make_client(None)
    good = signed(client, at)
    claims = good.split(".")[1]
    attacks = [
        f"{part('[' * 50_000)}.{claims}.AA", f"{part({'alg': 'ES256'})}.{part('[' * 50_000)}.AA", "..", "a.b.c",
        "é.é.é",
        f"{part({'alg': 'none'})}.{claims}.", f"{part({'alg': 'HS256'})}.{claims}.AA",
        f"{part({'alg': 'ES256', 'crit': ['b64'], 'b64': False})}.{claims}.{good.split('.')[2]}",
        f"{part({'alg': 'ES256', 'jku': 'http://127.0.0.1:9/'})}.{claims}.{good.split('.')[2]}",
        good[:-4] + "AAAA", signed(client, at, OTHER_KEY), signed(make_client(None, {}), at),
        signed(client, at, sub="\ud800"), signed(client, at, exp=1e308), signed(client, at, aud=[AUDIENCE, "x"]),
        signed(client, at, jti=["one"]), signed(client, at, exp=int(at.timestamp()) + 86400),
    ]  # fmt: skip
    assert [ask(cast, attack).status_code for attack in attacks] == [401] * len(attacks)
    assert ask(cast, good).status_code == 200
    assert ask(cast, good).json["error"] == "invalid_client"


def test_scopes_cannot_grow(cast: Cast, at: datetime):
    client = make_client(None, scopes="results.read")
    for scope in ("results.ack", "results.read results.ack", "*", "roster.write", "RESULTS.READ"):
        assert (ask(cast, signed(client, at), scope).status_code, scope) == (400, scope)
    token = ask(cast, signed(client, at)).json["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    answer = cast.stranger.send("POST", "/v1/acks", json={"up_to": 0, "checkpoint": ""}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.feature("A13")
def test_another_centers_record_is_as_unknown_as_none(cast: Cast, config, at: datetime):
    makers.make_result(makers.make_registration(center_id=cast.center.user.center_id))
    record = makers.issue(makers.make_store(config.key_folder)).records[0].record_id
    bodies = []
    for center_id, name, status in (
        (cast.center.user.center_id, record, 200),
        (cast.other_center.user.center_id, record, 404),
        (cast.other_center.user.center_id, "urn:uuid:none", 404),
    ):
        token = ask(cast, signed(make_client(center_id), at)).json["access_token"]
        for tail in ("", "/evidence"):
            headers = {"Authorization": f"Bearer {token}"}
            answer = cast.stranger.get(f"/v1/results/{name}{tail}", headers=headers)
            assert answer.status_code == status
            bodies.append(answer.data)
        assert len(cast.stranger.get("/v1/results", headers=headers).json["items"]) == (status == 200)
    assert len(set(bodies[2:])) == 1


def test_an_acknowledgement_that_cannot_be_stored_is_refused(cast: Cast, at: datetime):
    token = ask(cast, signed(make_client(None), at)).json["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k"}
    for body in (
        b'{"up_to":%s,"checkpoint":""}' % (b"9" * 30), b'{"up_to":0,"checkpoint":"\\ud800"}',
        b'{"up_to":true,"checkpoint":""}',
        b'{"up_to":-1,"checkpoint":""}', b'{"up_to":1e400,"checkpoint":""}', b'{"up_to":0,"up_to":1,"checkpoint":""}',
        b"[",
    ):  # fmt: skip
        answer = cast.stranger.send("POST", "/v1/acks", data=body, headers=headers, content_type="application/json")
        assert answer.status_code == 422


def test_proofs_out_of_range_are_refused(cast: Cast, config):
    makers.make_result()
    makers.issue(makers.make_store(config.key_folder))
    for query in ("index=1&size=1", "index=0&size=2", "index=0&size=0", "index=-1&size=1", "index=²&size=1",
                  "index=0&size=999999999999999", "index=1e0&size=1", "index=&size="):  # fmt: skip
        assert cast.stranger.get(f"/v1/proofs/inclusion?{query}").status_code == 422
    for query in ("from=0&to=1", "from=2&to=1", "from=1&to=2", "from=-1&to=1"):
        assert cast.stranger.get(f"/v1/proofs/consistency?{query}").status_code == 422
    for query in ("after=-1", "limit=0", "limit=1001", "after=1' OR 1=1--", "after=9" + "9" * 30):
        assert cast.stranger.get(f"/v1/results?{query}").status_code in (401, 422)
