"""What people say in confidence reaches no log line, no event, no metric, no audit entry and no mail.

Canaries are planted wherever a text can be put in; then everybody works, and makes mistakes, through the API
and the functions behind it.
"""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodbstreams.models import dynamodbstreams_backends

import chain_audit.handler
import chain_audit.settings
import check_quality.handler
import count_records.handler
import count_records.settings
import notify.settings
import notify.wiring
import publish_events.handler
import rank_cases.handler
import run_inference.handler
from notify.handler import handler as notify_handler
from tests.cloud import REGION, Cloud, FakeContext, client, failed_ids, sqs_event
from tests.e2e.whole_stack.files import CAMERA, told_by_the_camera
from tests.integration.api.conftest import PASSWORD, Api
from triagelens.adapters.aws import ses_client
from triagelens.domain.people import Role

SENDER = "no-reply@clinic.example.org"
ADDRESS = "canary.address@example.org"
PATIENT = {
    "name": "Canary Name-Quux",
    "email": ADDRESS,
    "phone": "+49 30 7770123",
    "address": "7 Canary Street",
    "number": "canary-77",
}
FORM = {
    "consent": True,
    "complaint": "canary-complaint",
    "site": "canary-site",
    "answers": {"canary-question": "canary-answer"},
}
TEXTS = {
    "file": "canary-file.jpg",
    "notes": "canary-notes",
    "comment": "canary-comment",
    "edited": "canary-edited",
    "label": "canary-label-notes",
    "reason": "canary-reason",
    "diagnosis": "canary-diagnosis",
    "feedback": "canary-feedback",
    "profile": "Canary Profile",
    "wrong": "canary-Wrong-7",
    "path": "canary-in-the-path",
    "cursor": "canary-cursor",
}
USERNAMES = ("canary-gp", "canary-doctor", "canary-admin", "canary-patient")
Headers = dict[str, str]


@pytest.fixture
def said(api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> io.StringIO:
    """Everything that any of our loggers writes from here on."""
    out = io.StringIO()
    loggers = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    for each in loggers:
        for handler in each.handlers:
            if isinstance(handler, logging.StreamHandler):
                monkeypatch.setattr(handler, "stream", out)
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.WARNING, "httpx")  # the test's client
    return out


@pytest.fixture(autouse=True)
def _wired(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    url = cloud.sqs.create_queue(QueueName="counts-dlq")["QueueUrl"]
    monkeypatch.setenv("DEAD_LETTERS_URL", url)
    monkeypatch.setenv("MAIL_FROM", SENDER)
    monkeypatch.setenv("VISIBILITY_TIMEOUT_S", "360")
    client("sesv2").create_email_identity(EmailIdentity=SENDER)
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    cloud.dynamodb.update_table(TableName="audit", StreamSpecification=stream)
    made = (
        notify.settings.settings,
        notify.wiring.mailing,
        count_records.settings.settings,
        count_records.handler.counting,
        count_records.handler.dead_letters,
        chain_audit.settings.settings,
        chain_audit.handler.chain,
        ses_client,
    )
    for cache in made:
        cache.cache_clear()
    yield
    ses_client.cache_clear()


class Scenario:
    """A day on which everything is tried, and some of it goes wrong."""

    def __init__(self, api: Api) -> None:
        self.api, self.cloud = api, api.cloud
        self.gp, self.doctor = api.sign_up(USERNAMES[0], Role.GP), api.sign_up(USERNAMES[1], Role.DOCTOR)
        self.admin, self.patient = api.sign_up(USERNAMES[2], Role.ADMIN), api.sign_up(USERNAMES[3])
        self.events: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        ses_client(REGION).meta.events.register(
            "provide-client-params.sesv2.SendEmail", lambda params, **_: self.mails.append(params)
        )

    def ask(self, who: Headers, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self.api.client.request(method, path, json=body, headers=who | headers)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.content else {}

    def run(self) -> None:
        self.accounts()
        patient_id = self.ask(self.gp, "POST", "/v1/patients", PATIENT)["patient_id"]
        image_id = self.photo(patient_id)
        self.functions()
        self.casework(patient_id, image_id)
        self.functions()
        self.mistakes(patient_id, image_id)
        self.functions()

    def accounts(self) -> None:
        wrong, name = {"username": USERNAMES[3], "password": TEXTS["wrong"]}, USERNAMES[3]
        self.ask({}, "POST", "/v1/auth/sign-in", wrong)
        self.ask({}, "POST", "/v1/auth/forgot-password", {"username": name})
        self.ask({}, "POST", "/v1/auth/sign-up", {"username": name, "password": PASSWORD, "email": ADDRESS})
        self.ask(self.patient, "PATCH", "/v1/me", {"name": TEXTS["profile"]})
        body = {"username": "canary-invited", "email": ADDRESS, "role": "gp", "name": TEXTS["profile"]}
        self.ask(self.admin, "POST", "/v1/users", body)
        self.ask(self.patient, "POST", "/v1/feedback", {"rating": 1, "text": TEXTS["feedback"]})

    def photo(self, patient_id: str) -> str:
        data = told_by_the_camera(3)
        body = {"specialty": "skin", "content_type": "image/jpeg", "size_bytes": len(data)}
        body |= {"original_filename": TEXTS["file"], "patient_id": patient_id}
        announced = self.ask(self.gp, "POST", "/v1/images", body)
        notified = self.cloud.upload(announced["upload"]["fields"]["key"], data)
        check_quality.handler.handler(sqs_event(notified), FakeContext())
        run_inference.handler.handler(sqs_event(*self.cloud.waiting("inference")), FakeContext())
        image_id = str(announced["image_id"])
        assert self.ask(self.gp, "GET", f"/v1/images/{image_id}")["status"] == "analyzed"
        return image_id

    def casework(self, patient_id: str, image_id: str) -> None:
        body = {"specialty": "skin", "image_ids": [image_id], "patient_id": patient_id}
        case = (
            "/v1/cases/" + self.ask(self.gp, "POST", "/v1/cases", body | {"notes": TEXTS["notes"]})["case_id"]
        )
        self.ask(self.gp, "PUT", f"{case}/form", {"image_index": 0, "form": FORM})
        comment = self.ask(self.doctor, "POST", f"{case}/comments", {"text": TEXTS["comment"]})
        path = f"{case}/comments/{comment['comment_id']}"
        self.ask(self.doctor, "PATCH", path, {"text": TEXTS["edited"]})
        label = {"correct_label": "nv", "notes": TEXTS["label"]}
        assert self.ask(self.doctor, "PUT", f"{case}/label", label)["correct_label"] == "nv"
        version = {"If-Match": '"1"'}
        self.ask(self.doctor, "POST", f"{case}/uncertain", {"reason": TEXTS["reason"]}, **version)
        self.ask(self.doctor, "POST", f"{case}/confirm", {"final_diagnosis": "late"}, **version)
        decision = {"final_diagnosis": TEXTS["diagnosis"], "reason": TEXTS["reason"]}
        decided = self.ask(self.doctor, "POST", f"{case}/confirm", decision, **{"If-Match": '"2"'})
        assert decided["status"] == "confirmed"
        for path in ("", "/history", "/comments", "/labels", "/form"):
            self.ask(self.doctor, "GET", f"{case}{path}")

    def mistakes(self, patient_id: str, image_id: str) -> None:
        for path in (f"/v1/patients/{TEXTS['path']}", f"/v1/cases/{TEXTS['path']}", f"/v1/{TEXTS['path']}"):
            self.ask(self.patient, "GET", path, **{"X-Correlation-Id": ADDRESS})
        for path in (f"/v1/patients/{patient_id}", f"/v1/images/{image_id}"):
            self.ask(self.patient, "GET", path)
        self.ask(self.gp, "GET", f"/v1/images?cursor={TEXTS['cursor']}")
        self.ask(self.gp, "POST", "/v1/patients", PATIENT)  # the number is taken
        self.ask(self.gp, "POST", "/v1/patients", {**PATIENT, "age": TEXTS["wrong"]})
        self.ask(self.gp, "POST", "/v1/images", {"original_filename": TEXTS["file"]})
        self.ask(self.gp, "PATCH", f"/v1/patients/{patient_id}", PATIENT, **{"If-Match": TEXTS["wrong"]})
        self.ask({"Authorization": f"Bearer {TEXTS['wrong']}"}, "GET", "/v1/me")

    def functions(self) -> None:
        """What the streams and the bus set going."""
        assert failed_ids(publish_events.handler.handler(self.cloud.stream_event(), FakeContext())) == []
        count_records.handler.handler(self.cloud.stream_event(), FakeContext())
        chain_audit.handler.handler({"Records": self.audit_stream()}, FakeContext())
        published = self.cloud.published()
        self.events += published
        bodies = [json.dumps(event) for event in published]
        for body in bodies:
            notify_handler(sqs_event(body), FakeContext())
            rank_cases.handler.handler(sqs_event(body), FakeContext())

    def audit_stream(self) -> Any:
        streams = dynamodbstreams_backends[DEFAULT_ACCOUNT_ID][REGION]
        arn = self.cloud.dynamodb.describe_table(TableName="audit")["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(arn)["Shards"]
        iterator = streams.get_shard_iterator(arn, shard["ShardId"], "TRIM_HORIZON")
        return streams.get_records(iterator.arn, 1000)["Records"]

    @property
    def canaries(self) -> list[str]:
        tokens = [who["Authorization"].removeprefix("Bearer ") for who in (self.gp, self.doctor, self.admin)]
        form = ["canary-complaint", "canary-site", "canary-question", "canary-answer", "canary-invited"]
        told = [*PATIENT.values(), *TEXTS.values(), *USERNAMES, *form, *tokens]
        return [*map(str, told), PASSWORD, CAMERA, "canary", "@example.org"]


def test_what_is_told_in_confidence_is_in_no_log_line_event_metric_or_audit_entry(
    api: Api, said: io.StringIO, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = Scenario(api)
    scenario.run()
    others = [record.getMessage() for record in caplog.records]
    printed = capsys.readouterr()
    audited = [item for item in api.audited() if "action" in item]
    seen = {
        "log": said.getvalue() + "\n".join(others) + printed.out + printed.err,
        "events": json.dumps(scenario.events),
        "audit": json.dumps(audited),
    }
    assert all(word in seen["log"] for word in ("answered", "Triagelens", "MailsSent")), "nothing is captured"
    kinds = {event["detail-type"] for event in scenario.events}
    assert {"image.analyzed", "case.created", "case.uncertain", "case.confirmed"} <= kinds
    assert {entry["outcome"] for entry in audited} == {"allowed", "denied"}
    found = [
        (where, canary) for where, text in seen.items() for canary in scenario.canaries if canary in text
    ]
    assert found == []
    contents = json.dumps([mail["Content"] for mail in scenario.mails])
    assert scenario.mails
    assert [canary for canary in scenario.canaries if canary in contents] == []
