import json
import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate
from ruamel.yaml import YAML

import examapp
from examapp.web import JSON_PREFIXES

DESCRIPTION = YAML(typ="safe").load((Path(examapp.__file__).parent / "openapi.yaml").read_text(encoding="utf-8"))


def operations_of(app) -> set[tuple[str, str]]:
    """Return every JSON route of the application as (method, path), with the names of parameters left out."""
    return {
        (method.lower(), re.sub(r"<[^>]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(JSON_PREFIXES)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_description_is_valid_openapi():
    validate(DESCRIPTION)


def test_every_json_route_is_described_and_nothing_else(app):
    described = {
        (method, re.sub(r"\{[^}]+\}", "{}", path)) for path, item in DESCRIPTION["paths"].items() for method in item
    }
    assert described == operations_of(app)


def test_description_is_served_as_json(client):
    assert json.loads(client.get("/openapi.json").data) == json.loads(json.dumps(DESCRIPTION))


@pytest.mark.parametrize("path", sorted(DESCRIPTION["paths"]))
def test_path_parameters_are_declared(path):
    for operation in DESCRIPTION["paths"][path].values():
        names = [
            DESCRIPTION["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            for each in operation.get("parameters", [])
        ]
        declared = {each["name"] for each in names if each["in"] == "path"}
        assert declared == set(re.findall(r"\{([^}]+)\}", path))
