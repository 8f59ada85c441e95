"""An export through the API's door, the queue and the function, to a link that works."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import pytest

import export_records.handler
import export_records.settings
import export_records.wiring
from tests.cloud import FakeContext, failed_ids, sqs_event
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import image
from triagelens.domain.people import Role


@pytest.fixture(autouse=True)
def _wired(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert api.cloud
    monkeypatch.setenv("EXPORT_BUDGET_S", "60")
    export_records.settings.settings.cache_clear()
    export_records.wiring.making.cache_clear()


def test_what_was_uploaded_is_in_the_file_behind_the_link(api: Api) -> None:
    admin = api.sign_up("admin", Role.ADMIN)
    researcher = api.sign_up("rita", Role.RESEARCHER)
    uploaded = image(api, admin)
    asked = api.client.post(
        "/v1/exports",
        json={"what": "images", "format": "csv"},
        headers={**researcher, "Idempotency-Key": "k"},
    )
    assert asked.status_code == 202, asked.text
    place = f"/v1/exports/{asked.json()['export_id']}"
    assert api.client.get(place, headers=researcher).json()["status"] == "queued"
    event = sqs_event(*api.cloud.waiting("exports"))
    assert failed_ids(dict(export_records.handler.handler(event, FakeContext()))) == []

    ready = api.client.get(place, headers=researcher).json()
    assert (ready["status"], ready["rows"]) == ("ready", 1)
    link = ready["download"]["url"]
    asked_for = parse_qs(urlsplit(link).query)
    assert asked_for["response-content-disposition"] == ['attachment; filename="images.csv"']
    fetched = api.cloud.s3.get_object(
        Bucket="documents",
        Key=urlsplit(link).path.lstrip("/").removeprefix("documents/"),
        VersionId=asked_for["versionId"][0],
    )
    [row] = csv.DictReader(io.StringIO(fetched["Body"].read().decode()))
    assert (row["image_id"], row["status"]) == (uploaded, "awaiting_upload")
    assert [entry["export_id"] for entry in api.client.get("/v1/exports", headers=admin).json()["items"]] == [
        ready["export_id"]
    ]
    subjects = [entry["subject"] for entry in api.audited() if "/v1/exports" in entry["action"]]
    assert subjects[:3] == [ready["export_id"]] * 3
