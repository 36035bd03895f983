import re
from datetime import timedelta

import pytest
from flask import Flask

from examapp.accounts.access import OPERATOR
from examapp.db import db, transaction
from examapp.delivery import closing
from examapp.web import receipts
from tests import makers


@pytest.mark.feature("T7")
def test_receipt_counts_answers_and_names_the_closing_entry(app: Flask) -> None:
    sitting = makers.make_sitting()
    makers.answer(sitting, {1: "2", 3: None})
    receipt = receipts.of_sitting(sitting)
    assert (receipt.status, receipt.answered, receipt.count, receipt.late) == ("submitted", 1, 4, 0)
    assert receipt.receipt == f"{sitting.last_number}:{sitting.last_digest.removeprefix('sha256:')}"
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", receipt.code)


def test_running_sitting_has_no_closing_receipt(app: Flask) -> None:
    receipt = receipts.of_sitting(makers.make_sitting())
    assert (receipt.status, receipt.receipt, receipt.code, receipt.answers) == ("open", "", "", ())


def test_expired_sitting_has_a_receipt_too(app: Flask) -> None:
    sitting = makers.make_sitting()
    with transaction():
        closing.expire(OPERATOR, sitting, timedelta(0), at=makers.AT + timedelta(minutes=90))
    db.session.refresh(sitting)
    assert receipts.of_sitting(sitting).receipt.startswith("2:")


def test_text_has_one_line_for_each_answer(app: Flask) -> None:
    sitting = makers.make_sitting()
    makers.answer(sitting, makers.RIGHT)
    with app.test_request_context("/", headers={"Accept-Language": "en"}):
        text = receipts.as_text(receipts.of_sitting(sitting))
    assert "Answered: 4/4" in text
    assert len(re.findall(r"^\d\t\d\t1\t", text, re.MULTILINE)) == 4
