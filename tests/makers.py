"""Makers of the smallest valid thing of each kind; keywords override. Rows are added and flushed, not committed."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from examapp.accounts.access import OPERATOR
from examapp.accounts.models import Center, User
from examapp.accounts.sign_in import hash_password
from examapp.banks.bank_files import BankContent, BankFiles, write_bank
from examapp.banks.content import ItemContent, StimulusContent
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.models import Item, ItemBank, ItemVersion, Stimulus, StimulusVersion
from examapp.banks.parameters import add_expert_parameters, items_on_scale
from examapp.canonical import digest
from examapp.credentials import issuing, key_store, log
from examapp.credentials.key_store import KeyStore
from examapp.credentials.models import Certificate, LogEntry
from examapp.db import db
from examapp.delivery import paper, sittings
from examapp.delivery.acceptance import Accepted, HandIn, Request, Save
from examapp.delivery.hot_rows import rows_of, settle
from examapp.delivery.models import Sitting
from examapp.exams import exam_forms
from examapp.exams.models import Administration, AdministrationForm, Exam, ExamForm, FormSlot, Registration
from examapp.psychometrics.simulation import simulate_responses
from examapp.scoring import marking, results
from examapp.scoring.models import Result

AT = datetime(2026, 5, 16, 1, 0, tzinfo=UTC)
PASSWORD = "a password for tests"
# Argon2 is slow on purpose; one hash serves all makers
PASSWORD_HASH = hash_password(PASSWORD)
SCALE = "test-scale"
_numbers = itertools.count(1)


def text(words: str) -> dict[str, str]:
    """Return a bilingual text."""
    return {"zh": f"{words}(中)", "en": words}


def make_content(type: str = "single_choice", **overrides: Any) -> ItemContent:
    """Return the content of an item; its secrets carry the word `secret`, so that leaks can be found."""
    number = next(_numbers)
    fields: dict[str, Any] = {
        "id": f"item-{number}", "version": 1, "type": type, "area": "area.one", "cognitive": "remember",
        "expected_share": "0.6", "stem": text(f"Stem {number}"), "rationale": text("secret rationale"),
        "source": "A secret source",
    }  # fmt: skip
    return ItemContent.model_validate({**fields, **_OWN_FIELDS[type], **overrides})


def _options(letters: str) -> list[dict[str, Any]]:
    return [{"id": letter, **text(f"Option {letter.upper()}"), "why": text("secret why")} for letter in letters]


_OWN_FIELDS: dict[str, dict[str, Any]] = {
    "single_choice": {"options": _options("abcd"), "key": "b"},
    "multiple_choice": {"options": _options("abcde"), "key": ["a", "c"]},
    "true_false": {"key": True},
    "numeric": {
        "stem": text("A wavelength at {Eg} eV"),
        "variables": [{"name": "Eg", "unit": "eV", "min": 1, "max": 2, "step": "0.1"}],
        "answer": {
            "expr": "h*c/(Eg*q)*1e9", "unit": "nm", "rel_tol": "0.02",
            "trap": {"expr": "h*c/(Eg*q)*1e10", **text("secret trap")},
        },
    },
    "ordering": {"options": _options("abcd"), "key": ["c", "a", "d", "b"]},
    "matching": {
        "rows": [{"id": name, **text(f"Row {name}")} for name in ("r1", "r2")], "choices": _options("abc"),
        "key": {"r1": "c", "r2": "a"},
    },
    "fault_finding": {"options": _options("abcd"), "key": ["b"]},
}  # fmt: skip
FOUR_TYPES = ("single_choice", "multiple_choice", "true_false", "numeric")


def make_center(**overrides: Any) -> Center:
    """Return a center."""
    number = next(_numbers)
    return _added(Center(**{"code": f"center-{number}", "name_zh": "考点", "name_en": "Center", **overrides}))


def make_user(role: str = "trainee", **overrides: Any) -> User:
    """Return a person whose password is `PASSWORD`."""
    number = next(_numbers)
    fields = {
        "username": f"user-{number}", "name": "李明", "role": role, "password_hash": PASSWORD_HASH, "created_at": AT,
    }  # fmt: skip
    return _added(User(**{**fields, **overrides}))


def make_exam(**overrides: Any) -> Exam:
    """Return an exam of one area with a theory and a practical part, and their cut scores."""
    number = next(_numbers)
    part = {"minutes": 90, "areas": {"area.one": "4"}, "item_types": {}}
    plan = {
        "code": f"exam-{number}", "field": "ic-materials", "level": "primary", "bank": "test-bank", "scale": SCALE,
        "title": text("Exam"), "parts": {"theory": part, "practical": part},
    }  # fmt: skip
    fields = {
        "code": f"exam-{number}", "field": "ic-materials", "level": "primary", "title_zh": "考试", "title_en": "Exam",
        "plan": plan,
    }  # fmt: skip
    exam: Exam = _added(Exam(**{**fields, **overrides}))
    for part_name in ("theory", "practical"):
        exam_forms.decide_cut(make_user("examiner"), exam, part_name, -0.6, "test", at=AT)
    return exam


def make_bank(**overrides: Any) -> ItemBank:
    """Return an empty bank."""
    return _added(ItemBank(**{"code": f"bank-{next(_numbers)}", "content": {}, **overrides}))


def make_item_version(content: ItemContent | None = None, bank: ItemBank | None = None) -> ItemVersion:
    """Return a published item version with expert parameters on `SCALE`."""
    content = content or make_content()
    item = _added(Item(bank=bank or make_bank(), code=content.id))
    version: ItemVersion = _added(
        ItemVersion(
            item=item, version=content.version, type=content.type, area=content.area, content=content.as_json(),
            digest=digest(content.as_json()), published_at=AT,
        )
    )  # fmt: skip
    highest = ITEM_TYPES[content.type].highest(content)
    add_expert_parameters([(version, float(content.expected_share), highest)], SCALE, at=AT)
    return version


def make_stimulus_version(code: str = "stimulus-one") -> StimulusVersion:
    """Return a published stimulus: a text with a figure."""
    numbers = {
        "peak": "8e18", "depth": "120", "straggle": "55", "background": "1e15", "floor": "1e14", "range": "600",
    }  # fmt: skip
    figure = {"kind": "sims_profile", "values": numbers, "alt": text("Concentration against depth")}
    fields = {"id": code, "version": 1, "text": text("A depth profile"), "figure": figure}
    content = StimulusContent.model_validate(fields)
    stimulus = _added(Stimulus(bank_id=make_bank().id, code=code))
    row = StimulusVersion(
        stimulus=stimulus, version=1, content=content.as_json(), digest=content.digest, published_at=AT
    )
    return _added(row)


def make_exam_form(
    exam: Exam | None = None, contents: list[ItemContent] | None = None,
    stimuli: dict[str, StimulusVersion] | None = None, **overrides: Any,
) -> ExamForm:  # fmt: skip
    """Return a form of these contents, one item of each of four types by default."""
    contents = contents or [make_content(kind) for kind in FOUR_TYPES]
    bank = make_bank()
    fields = {"part": "theory", "code": f"F{next(_numbers)}", "digest": "", "created_at": AT}
    exam_form = ExamForm(**{"exam": exam or make_exam(), **fields, **overrides})
    for number, content in enumerate(contents, start=1):
        exam_form.slots.append(
            FormSlot(
                number=number, item_version=make_item_version(content, bank), points="1",
                stimulus_version=(stimuli or {}).get(content.stimulus or ""),
                variant={"Eg": "1.5"} if content.variables else {},
                option_order=list(reversed(ITEM_TYPES[content.type].arranged(content))),
            )
        )  # fmt: skip
    exam_form.digest = exam_forms.digest_of(exam_form)
    return _added(exam_form)


def make_administration(exam_form: ExamForm | None = None, **overrides: Any) -> Administration:
    """Return an administration that opened at `AT` for four hours, with 90 minutes."""
    exam_form = exam_form or make_exam_form()
    fields = {
        "exam": exam_form.exam, "part": exam_form.part, "opens_at": AT, "closes_at": AT + timedelta(hours=4),
        "minutes": 90,
    }  # fmt: skip
    administration = Administration(**{**fields, **overrides})
    administration.forms = [AdministrationForm(number=1, exam_form=exam_form)]
    return _added(administration)


def make_registration(
    trainee: User | None = None, administration: Administration | None = None, **overrides: Any
) -> Registration:
    """Return a trainee's place in an administration."""
    administration = administration or make_administration()
    fields = {"exam_form": administration.forms[0].exam_form, "seat": "A01", "created_at": AT}
    return _added(
        Registration(administration=administration, trainee=trainee or make_user(), **{**fields, **overrides})
    )


def make_sitting(registration: Registration | None = None, *, device: str = "", at: datetime = AT) -> Sitting:
    """Return a sitting that began at `at`, committed, so that the committer sees it."""
    registration = registration or make_registration()
    db.session.flush()
    sitting, _ = sittings.start(registration.trainee, registration, device, at=at)
    db.session.commit()
    return sitting


RIGHT = {1: "3", 2: ["3", "5"], 3: True, 4: "826.6"}
WRONG = {1: "1", 2: ["1"], 3: False, 4: "1"}


def answer(sitting: Sitting, values: dict[int, Any], *, at: datetime = AT + timedelta(minutes=5)) -> None:
    """Give these responses and hand the sitting in, through the rules that the committer applies."""
    actions = [*(Save(slot, 1, value, None) for slot, value in values.items()), HandIn()]
    requests = [Request(sitting.id, action, at, sitting.epoch) for action in actions]
    outcomes = settle(rows_of(db.session.connection()), requests, timedelta(0))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    db.session.commit()
    db.session.refresh(sitting)


def make_result(registration: Registration | None = None, values: dict[int, Any] | None = None) -> Result:
    """Return the result of a sitting with these responses, all right by default, scored and released, committed."""
    sitting = make_sitting(registration)
    answer(sitting, RIGHT if values is None else values)
    marking.mark(OPERATOR, sitting, at=AT + timedelta(hours=1))
    result = results.score(OPERATOR, sitting, at=AT + timedelta(hours=1))
    db.session.flush()
    results.release(make_user("examiner"), [result], at=AT + timedelta(hours=2))
    db.session.commit()
    return result


def make_marked_sittings(exam_form: ExamForm, abilities: Sequence[float], seed: int = 1) -> list[Sitting]:
    """Return marked sittings of trainees of these abilities; who gets a choice wrong takes any of the wrong ones."""
    rng, administration = np.random.default_rng(seed), make_administration(exam_form)
    items = items_on_scale([slot.item_version_id for slot in exam_form.slots], SCALE)
    sittings = []
    for categories in simulate_responses(rng, np.array(abilities), items).astype(int).tolist():
        sitting = make_sitting(make_registration(administration=administration))
        pairs = zip(exam_form.slots, categories, strict=True)
        answer(sitting, {slot.number: _given(slot, category, rng) for slot, category in pairs})
        marking.mark(OPERATOR, sitting, at=AT + timedelta(hours=1))
        sittings.append(sitting)
    db.session.commit()
    return sittings


def _given(slot: FormSlot, category: int, rng: np.random.Generator) -> Any:
    content = ItemContent.from_json(slot.item_version.content)
    kind, variant = ITEM_TYPES[content.type], paper.variant_of(slot)
    if content.type != "single_choice" or category:
        return kind.response_for(content, variant, category)
    right = kind.right_response(content, variant)
    return str(rng.choice([number for number in ("1", "2", "3", "4") if number != right]))


def make_both_results(trainee: User | None = None, values: dict[int, Any] | None = None) -> tuple[Result, Result]:
    """Return one trainee's released results of the theory and the practical part of one exam."""
    trainee, exam = trainee or make_user(), make_exam()
    theory, practical = (
        make_result(make_registration(trainee, make_administration(make_exam_form(exam, part=part))), values)
        for part in ("theory", "practical")
    )
    return theory, practical


def make_store(folder: Path) -> KeyStore:
    """Return a key store in `folder`, with keys, committed."""
    store = KeyStore(folder, "http://127.0.0.1:8000", "examapp.local/results")
    key_store.create_missing(OPERATOR, store, at=AT)
    db.session.commit()
    return store


@dataclass(frozen=True)
class Issued:
    """What was issued at once; `refused` says why a result could not be recorded."""

    records: list[LogEntry]
    certificates: list[Certificate]
    refused: dict[str, str]


def issue(store: KeyStore, *, at: datetime = AT + timedelta(hours=3)) -> Issued:
    """Issue what is due, committed."""
    keys, tree = key_store.load(store), log.whole_tree()
    signed, refused = issuing.sign_due(keys, at=at)
    log.append(OPERATOR, keys, tree, signed, at=at)
    certificates = issuing.certify(OPERATOR, issuing.qualified(), at=at)
    db.session.commit()
    ids = [each.result_id for each in signed]
    entries = db.session.scalars(select(LogEntry).where(LogEntry.result_id.in_(ids)).order_by(LogEntry.index))
    return Issued(list(entries), certificates, refused)


def _added(row: Any) -> Any:
    db.session.add(row)
    db.session.flush()
    return row


def make_item_fields(**overrides: Any) -> dict[str, Any]:
    """Return the fields of an item file, a single choice, as its author writes them."""
    id = overrides.get("id", "ic-one")
    fields = {
        "id": id, "version": 1, "type": "single_choice", "area": "ic-materials.t.physics", "cognitive": "remember",
        "expected_share": 0.62, "stem": {"zh": f"{id} 中哪一项正确?", "en": f"Which one of {id} is right?"},
        "options": _options("abcd"), "key": "b", "rationale": {"zh": "因为如此。", "en": "Because."},
        "source": "A book, 2nd ed.",
    }  # fmt: skip
    return {**fields, **overrides}


def make_numeric_fields(**overrides: Any) -> dict[str, Any]:
    """Return the fields of a parametric item file: the area of a rectangle, with the circumference as its trap."""
    fields = make_item_fields(
        id="ic-area",
        type="numeric",
        stem={"zh": "长 {w} cm、宽 {t} cm 的面积是多少?", "en": "What is the area of {w} cm by {t} cm?"},
        variables=[
            {"name": "w", "unit": "cm", "min": 5, "max": 9, "step": 1},
            {"name": "t", "unit": "cm", "values": [3.5, 4.5]},
        ],
        answer={
            "expr": "w*t", "unit": "cm²", "rel_tol": 0.01,
            "trap": {"expr": "2*(w+t)", "zh": "这是周长。", "en": "This is the circumference."},
        },
    )  # fmt: skip
    return {name: value for name, value in fields.items() if name not in ("options", "key")} | overrides


def make_bank_files(*items: dict[str, Any], stimuli: tuple[dict[str, Any], ...] = (), **overrides: Any) -> BankFiles:
    """Return a bank with items of these fields, or with one item."""
    fields = {
        "code": "ic-test", "field": "ic-materials", "level": "primary", "title": text("Bank"), "scale": SCALE,
        "review": text("To be reviewed"), "licence": "CC-BY-4.0",
    }  # fmt: skip
    contents = [ItemContent.model_validate(item) for item in items or (make_item_fields(),)]
    contents.sort(key=lambda item: item.id)
    texts = tuple(StimulusContent.model_validate(stimulus) for stimulus in stimuli)
    return BankFiles(BankContent.model_validate({**fields, **overrides}), tuple(contents), texts)


def make_bank_folder(folder: Path, *items: dict[str, Any], **overrides: Any) -> Path:
    """Write such a bank to a folder and return the folder."""
    write_bank(make_bank_files(*items, **overrides), folder)
    return folder
