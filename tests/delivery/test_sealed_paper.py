import gzip
import hashlib

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask

from examapp.canonical import digest_of_bytes
from examapp.db import db
from examapp.delivery import paper, sealed_paper
from examapp.delivery.sealed_paper import SealedPaper
from examapp.errors import NotFound
from tests import makers
from tests.conftest import SECRET


@pytest.fixture
def exam_form_id(app: Flask) -> str:
    exam_form = makers.make_exam_form()
    paper.publish(exam_form)
    db.session.commit()
    return exam_form.id


@pytest.fixture
def sealed(exam_form_id: str) -> SealedPaper:
    return sealed_paper.of_form(exam_form_id, SECRET)


def test_the_key_opens_the_very_paper(sealed: SealedPaper):
    nonce, ciphertext = sealed.ciphertext[:12], sealed.ciphertext[12:]
    opened = AESGCM(sealed.key).decrypt(nonce, ciphertext, None)
    assert (opened, digest_of_bytes(opened)) == (sealed.content, sealed.digest)
    assert gzip.decompress(sealed.compressed) == sealed.content


def test_the_name_is_that_of_the_bytes(sealed: SealedPaper, exam_form_id: str):
    assert sealed.name == f"{exam_form_id}-{hashlib.sha256(sealed.ciphertext).hexdigest()}"
    assert sealed_paper.named(sealed.name, SECRET) == sealed


def test_nothing_of_the_paper_can_be_read_without_the_key(sealed: SealedPaper):
    assert b"Option" in sealed.content
    assert b"Option" not in sealed.ciphertext
    with pytest.raises(InvalidTag):
        AESGCM(bytes(32)).decrypt(sealed.ciphertext[:12], sealed.ciphertext[12:], None)


def test_each_paper_and_each_service_has_a_key_of_its_own(sealed: SealedPaper, exam_form_id: str):
    other = makers.make_exam_form(contents=[makers.make_content("numeric")])
    paper.publish(other)
    again = sealed_paper.of_form(exam_form_id, "another secret that is long enough")
    assert len({sealed.key, sealed_paper.of_form(other.id, SECRET).key, again.key}) == 3
    assert again.ciphertext[:12] != sealed.ciphertext[:12]


@pytest.mark.parametrize("wrong", ["", "x", "x-y", "{}", "{}-", "{}-" + "0" * 64])
def test_another_name_is_unknown(sealed: SealedPaper, exam_form_id: str, wrong: str):
    with pytest.raises(NotFound):
        sealed_paper.named(wrong.format(exam_form_id), SECRET)


def test_a_paper_has_no_name_before_it_is_published(app: Flask):
    assert sealed_paper.name_if_published(makers.make_exam_form().id, SECRET) is None
