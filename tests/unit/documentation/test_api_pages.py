"""The API's pages have every operation, with its parameters, examples and refusals."""

import json
import re
from typing import Any

import pytest

from docs.making.api_pages import Page, reference
from docs.making.schemas import Schemas
from infra.config import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
PAGES = reference(DOCUMENT)
OPERATIONS = [
    (method.upper(), path, of)
    for path, methods in DOCUMENT["paths"].items()
    for method, of in methods.items()
]


def section(operation_id: str) -> str:
    [text] = [page.text for page in PAGES if f"{{#{operation_id}}}" in page.text]
    after = text[text.index(f"{{#{operation_id}}}") :]
    return re.split(r"^## ", after, flags=re.MULTILINE)[0]


def test_there_is_a_page_for_each_tag_and_an_overview() -> None:
    tags = {of["tags"][0] for _, _, of in OPERATIONS}
    assert len(PAGES) == len(tags) + 1
    assert len({page.path for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize(
    ("method", "path", "of"), OPERATIONS, ids=[of["operationId"] for *_, of in OPERATIONS]
)
def test_an_operation_is_described(method: str, path: str, of: dict[str, Any]) -> None:
    text = section(of["operationId"])
    assert f"`{method} {path}`" in text
    assert of["description"].strip().splitlines()[0] in text
    for parameter in of.get("parameters", ()):
        assert f"| `{parameter['name']}` | {parameter['in']} |" in text
    for code in of["responses"]:
        assert f"**Answers {code}**" in text or f"| {code} |" in text
    for content in of.get("requestBody", {}).get("content", {}).values():
        assert "example" not in content or "Example of a request" in text
    assert ("No access token is needed." in text) == (not of.get("security"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_every_object_that_a_page_names_is_told_of_on_it(page: Page) -> None:
    linked = set(re.findall(r"\]\(#(object-\w+)\)", page.text))
    told = set(re.findall(r"\{#(object-\w+)\}", page.text))
    assert linked <= told


def test_the_overview_links_to_every_operation() -> None:
    [overview] = [page.text for page in PAGES if page.path == "api/index.md"]
    for _, _, of in OPERATIONS:
        assert f".md#{of['operationId']})" in overview


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 100}, "integer (1 to 100)"),
        ({"type": "string", "minLength": 1, "maxLength": 200}, "string (1 to 200 characters)"),
        ({"type": "string", "format": "date-time"}, "date-time"),
        ({"anyOf": [{"type": "number", "exclusiveMinimum": 2}, {"type": "null"}]}, "number (above 2)"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
            "list of [Thing](#object-thing)",
        ),
        ({"$ref": "#/components/schemas/Kind"}, "`a`, `b`"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "map to string"),
        ({"const": "x"}, "`x`"),
        ({}, "anything"),
    ],
)
def test_a_schema_is_told_in_words(schema: dict[str, Any], told: str) -> None:
    named = {"Thing": {"type": "object", "properties": {}}, "Kind": {"type": "string", "enum": ["a", "b"]}}
    assert Schemas(named).describe(schema) == told


def test_what_a_docstring_says_of_fields_goes_to_their_rows() -> None:
    thing = {
        "type": "object",
        "description": "A thing.\n\nAttributes:\n    size: in metres,\n        rounded.\n    name: a | b.",
        "properties": {"size": {"type": "number", "default": 1.5}, "name": {"type": "string"}},
        "required": ["name"],
    }
    lines = Schemas({"Thing": thing}).table("Thing").splitlines()
    assert "A thing." in lines
    assert "| `size` | number | in metres, rounded; `1.5` if not given |" in lines
    assert "| `name` | string | a \\| b; always there |" in lines
