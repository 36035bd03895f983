import re

import pytest
from markupsafe import escape

from examapp.credentials.certificate_numbers import certificate_number
from examapp.scoring.rules import percent
from tests import makers


@pytest.fixture
def certificate(app, config):
    store = makers.make_store(config.key_folder)
    makers.make_both_results(makers.make_user(name="买买提·艾力", username="holder"))
    return makers.issue(store).certificates[0]


@pytest.fixture
def verify(client):
    """Open a page of the service and, with values, send its form."""

    def send(path: str, **values: str):
        if not values:
            return client.get(path)
        page = client.get(path).text
        token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]
        return client.post(path, data=values | {"csrf_token": token})

    return send


@pytest.fixture
def holder(client, certificate):
    page = client.get("/sign-in").text
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]
    client.post("/sign-in", data={"username": "holder", "password": makers.PASSWORD, "csrf_token": token})
    return client


@pytest.mark.feature("A18", "B1")
def test_page_behind_the_qr_code_says_what_was_certified_without_the_whole_name(verify, certificate):
    page = verify(f"/verify/{certificate.id}").text
    assert certificate.number in page
    assert "买＊＊＊＊力" in page
    assert "买买提·艾力" not in page
    assert escape(percent(certificate.probability)) in page


@pytest.mark.feature("A18")
def test_page_names_the_digests_of_the_signed_records(verify, certificate):
    page = verify(f"/verify/{certificate.id}").text
    assert len(re.findall(r"sha256:[0-9a-f]{64}", page)) == 2


@pytest.mark.parametrize("name", ["买买提·艾力", " 买买提・艾力 ", "买买提 · 艾力"])
def test_name_of_the_holder_is_confirmed_however_it_was_typed(verify, certificate, name):
    assert "买买提·艾力" in verify(f"/verify/{certificate.id}", name=name).text


def test_another_name_is_not_confirmed_and_tells_nothing(verify, certificate):
    page = verify(f"/verify/{certificate.id}", name="李明").text
    assert "买买提·艾力" not in page
    assert 'class="notice bad"' in page


@pytest.mark.feature("A18")
def test_certificate_is_found_by_number_and_name(verify, certificate):
    assert "买买提·艾力" in verify("/verify", number=certificate.number.lower(), name="买买提·艾力").text


def test_number_without_the_right_name_is_not_found(verify, certificate):
    assert verify("/verify", number=certificate.number, name="李明").status_code == 404


def test_unknown_certificate_is_explained(verify, app):
    answer = verify("/verify/0123456789abcdef01234567")
    assert answer.status_code == 404
    assert answer.text.count("<li>") >= 3


def test_number_that_was_never_issued_is_explained(verify, certificate):
    assert verify("/verify", number=certificate_number("CMRS-IC1-2026-", 999), name="x").status_code == 404


def test_empty_form_says_what_is_missing(verify, app):
    assert 'class="error-summary"' in verify("/verify", number="", name="").text


def test_page_stays_whole_for_a_hostile_name(client, config):
    store = makers.make_store(config.key_folder)
    makers.make_both_results(makers.make_user(name="<script>alert(1)</script>"))
    certificate = makers.issue(store).certificates[0]
    assert "<script>alert" not in client.get(f"/verify/{certificate.id}").text


@pytest.mark.feature("A18")
def test_holder_gets_the_certificate(holder, certificate):
    answer = holder.get(f"/certificates/{certificate.id}.pdf")
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")


def test_certificate_is_not_there_for_others(client, certificate):
    assert client.get(f"/certificates/{certificate.id}.pdf").status_code == 404
