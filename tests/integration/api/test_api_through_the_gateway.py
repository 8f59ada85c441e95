"""What the function hands back to API Gateway, which sends it on as it is."""

import json
from typing import Any

import pytest

from clinic_api import handler
from tests.cloud import FakeContext
from tests.integration.api.conftest import Api


def ask(path: str) -> dict[str, Any]:
    """The function's answer to a GET, as API Gateway would ask it."""
    event = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": "api.example.org"},
        "multiValueHeaders": {"Host": ["api.example.org"]},
        "requestContext": {"requestId": "from-the-gateway", "resourcePath": "/{proxy+}", "stage": "api"},
        "body": None,
        "isBase64Encoded": False,
    }
    handler.application.cache_clear()
    answer: dict[str, Any] = handler.handler(event, FakeContext())
    return answer


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/v1/me", 401), ("/nowhere", 404)])
def test_every_answer_is_text_that_the_gateway_need_not_decode(api: Api, path: str, status: int) -> None:
    answer = ask(path)
    assert answer["statusCode"] == status
    assert answer["isBase64Encoded"] is False
    assert isinstance(json.loads(answer["body"]), dict)
