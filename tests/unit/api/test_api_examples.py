"""Every route of the document is shown by an example that its own models accept."""

from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

import clinic_api.app
from clinic_api.examples import MissingExampleError, add_examples, example_of
from tests.unit.api.test_api_document import operations

ROUTES = {
    str(route.operation_id): route
    for part in vars(clinic_api.app).values()
    for route in getattr(part, "router", APIRouter()).routes
    if isinstance(route, APIRoute)
}


def json_of(part: dict[str, Any]) -> dict[str, Any] | None:
    content: dict[str, Any] | None = part.get("content", {}).get("application/json")
    return content


@pytest.mark.parametrize("name", ROUTES)
def test_an_answer_and_a_request_have_an_example_that_is_one(name: str) -> None:
    [operation] = [found for _, _, found in operations() if found["operationId"] == name]
    route = ROUTES[name]
    shown = [json_of(answer) for status, answer in operation["responses"].items() if status < "3"]
    for content in shown:
        if content is not None:
            TypeAdapter(route.response_model).validate_python(content["example"])
    asked = json_of(operation.get("requestBody", {}))
    if asked is not None:
        assert route.body_field is not None
        body: Any = route.body_field.field_info.annotation
        TypeAdapter(body).validate_python(asked["example"])
    assert asked or any(shown) or "204" in operation["responses"] or operation["responses"].keys() & {"302"}


def test_every_parameter_is_described_and_those_of_the_path_are_shown() -> None:
    for path, method, operation in operations():
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (path, method, parameter["name"])
            if parameter["in"] == "path":
                assert "example" in parameter or "examples" in parameter["schema"], (path, method)


def test_an_example_is_made_of_the_fields_own_examples_then_of_their_kind() -> None:
    schemas: dict[str, dict[str, Any]] = {
        "Label": {"type": "object", "properties": {"name": {"type": "string", "examples": ["mel"]}}},
        "Kind": {"type": "string", "enum": ["open", "closed"]},
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "labels": {"type": "array", "items": {"$ref": "#/components/schemas/Label"}},
            "kind": {"$ref": "#/components/schemas/Kind"},
            "case_id": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "at": {"type": "string", "format": "date-time"},
            "most": {"type": "integer", "minimum": 3},
        },
    }
    made = example_of(schema, schemas, "")
    assert (made["labels"], made["kind"], made["most"]) == ([{"name": "mel"}], "open", 3)
    assert len(made["case_id"]) == 26


def test_a_text_that_nobody_can_guess_is_refused() -> None:
    with pytest.raises(MissingExampleError, match="wobble"):
        example_of({"type": "string"}, {}, "wobble")
    lonely = {"parameters": [{"in": "path", "name": "wobble", "schema": {}}], "responses": {}}
    with pytest.raises(MissingExampleError, match="wobble"):
        add_examples({"components": {"schemas": {}}, "paths": {"/": {"get": lonely}}})


def test_no_route_is_left_out() -> None:
    assert ROUTES.keys() == {operation["operationId"] for _, _, operation in operations()}
