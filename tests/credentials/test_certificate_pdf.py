import base64
import hashlib
import io
import json
from datetime import date

import pytest
from pypdf import PdfReader

from examapp.canonical import digest_of_bytes
from examapp.credentials import certificate_pdf
from examapp.credentials.certificate_pdf import FONT, CertificatePage, drawable, page_of, render


def make_page(**overrides: object) -> CertificatePage:
    usual = {
        "number": "CMRS-IC1-2026-000001-K", "holder": "张瑄䶮", "title_zh": "集成电路材料工程师(初级)",
        "title_en": "Integrated-circuit materials engineer (primary level)", "theory": "68.4", "practical": "71.0",
        "probability": "0.9733", "issued_on": date(2026, 5, 16), "verify_url": "https://exam.example/verify/0123abcd",
        "record_digests": ("sha256:" + "a" * 64, "sha256:" + "b" * 64),
    }  # fmt: skip
    return CertificatePage(**(usual | overrides))  # type: ignore[arg-type]


def text_of(page: CertificatePage) -> str:
    (only,) = PdfReader(io.BytesIO(render(page))).pages
    return only.extract_text()


@pytest.mark.feature("A18")
@pytest.mark.parametrize("name", ["张瑄䶮", "买买提·艾力", "王𬍛", "Li Ming"])
def test_name_stands_whole_on_the_certificate(name):
    assert drawable(name) == (name, [])
    assert name in text_of(make_page(holder=name))


def test_certificate_says_what_was_found_in_both_languages():
    text = text_of(make_page())
    for words in ("集成电路材料工程师(初级)", "Integrated-circuit materials engineer", "68.4", "97.3 %", "2026-05-16"):
        assert words in text


@pytest.mark.feature("B1")
def test_certificate_carries_the_probability_that_the_level_is_right():
    assert "probability that both abilities truly reach the pass marks" in text_of(make_page())


def test_certificate_never_claims_certainty():
    text = text_of(make_page(probability="0.9999"))
    assert "> 99.9 %" in text
    assert "100" not in text.partition("99.9")[2].partition("probability")[0]


def test_character_that_the_face_lacks_is_named_and_not_dropped():
    text = text_of(make_page(holder="张𠮷"))
    assert "张〓" in text
    assert "U+20BB7" in text


def test_equal_certificates_have_equal_bytes():
    assert render(make_page()) == render(make_page())


def test_page_of_a_stored_certificate_names_its_records(issued):
    page = page_of(issued.certificates[0], "https://exam.example")
    assert page.verify_url == f"https://exam.example/verify/{issued.certificates[0].id}"
    assert set(page.record_digests) == {digest_of_bytes(entry.record.encode()) for entry in issued.records}


def test_face_is_the_vendored_one():
    (known,) = json.loads((FONT.parent / "vendor.json").read_text(encoding="utf-8"))["files"]
    data = FONT.read_bytes()
    assert known["file"] == FONT.name
    assert known["sha384"] == base64.b64encode(hashlib.sha384(data).digest()).decode()
    assert len(certificate_pdf._face()) > 30_000
