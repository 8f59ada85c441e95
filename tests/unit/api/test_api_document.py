"""The committed OpenAPI document is the one that the code gives, and it explains itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clinic_api.openapi import document, main

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(document())
OPEN = {
    *("/health", "/v1/auth/sign-up", "/v1/auth/confirm", "/v1/auth/resend", "/v1/auth/sign-in"),
    *("/v1/auth/refresh", "/v1/auth/forgot-password", "/v1/auth/reset-password"),
    *("/v1/auth/totp", "/v1/auth/totp/verify"),  # these ask for the password
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == document(), "run: make openapi"


def test_the_command_writes_the_document(tmp_path: Path) -> None:
    main([str(tmp_path / "openapi.json")])
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == document()


def test_every_operation_has_a_summary_a_description_and_a_readable_name() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names) >= 16
    for path, method, operation in operations():
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert operation["operationId"].isidentifier()
        assert operation["tags"]


def test_every_operation_but_sign_in_and_health_needs_an_access_token() -> None:
    without = {path for path, _, operation in operations() if not operation.get("security")}
    assert without == OPEN
    assert DOCUMENT["components"]["securitySchemes"]["accessToken"]["scheme"] == "bearer"


def test_errors_are_documented_as_problem_documents_and_as_nothing_else() -> None:
    checked = 0
    for path, method, operation in operations():
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            assert set(answer["content"]) == {"application/problem+json"}, (path, method, status)
            checked += 1
    assert checked > 50
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize(
    "schema",
    [name for name in DOCUMENT["components"]["schemas"] if name.endswith(("Request", "Response", "List"))],
)
def test_every_schema_of_the_api_is_described(schema: str) -> None:
    assert DOCUMENT["components"]["schemas"][schema]["description"]
