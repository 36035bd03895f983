import pytest

from examapp.credentials import register
from examapp.errors import NotAllowed
from tests import makers


def test_center_lists_certificates_of_sittings_held_there(config, app):
    home, away = (makers.make_user("center", center_id=makers.make_center().id) for _ in range(2))
    exam, trainee = makers.make_exam(), makers.make_user()
    for part, center_id in (("theory", home.center_id), ("practical", None)):
        administration = makers.make_administration(makers.make_exam_form(exam, part=part))
        makers.make_result(makers.make_registration(trainee, administration, center_id=center_id))
    issued = makers.issue(makers.make_store(config.key_folder)).certificates
    assert register.certificates(home) == issued
    assert register.certificates(away) == []


def test_trainees_do_not_list_certificates(app):
    with pytest.raises(NotAllowed):
        register.certificates(makers.make_user())
