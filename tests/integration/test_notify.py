"""The function that mails, from the bus's envelope to what SES is asked, on real tables."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

import notify.settings
import notify.wiring
from notify.handler import handler
from tests.cloud import REGION, Cloud, FakeContext, client, failed_ids, sqs_event
from triagelens.adapters.aws import ses_client
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.people import Person, Role

SENDER, OWNER = "no-reply@clinic.example.org", "gina.planted@example.org"
NOW = datetime.now(UTC)
Sent = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _wired(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MAIL_FROM", SENDER)
    monkeypatch.setenv("VISIBILITY_TIMEOUT_S", "360")
    client("sesv2").create_email_identity(EmailIdentity=SENDER)
    for cache in (notify.settings.settings, notify.wiring.mailing, ses_client):
        cache.cache_clear()
    people = DynamoPeople("users", REGION)
    people.add_person(
        Person(sub="sub-gina", username="gina", role=Role.GP, email=OWNER, created_at=NOW, version=None)
    )
    DynamoCasework("casework", REGION, "ephemeral").add_image(image(), None)
    yield
    ses_client.cache_clear()


def image() -> ImageRecord:
    return ImageRecord(
        image_id="image",
        owner="sub-gina",
        specialty="skin",
        status=ImageStatus.REJECTED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1, original_filename="planted.jpg"),
        upload_expires_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        correlation_id="c",
    )


def envelope(event_id: str = "image:2") -> str:
    """As EventBridge puts an event into the queue."""
    detail = {"event_id": event_id, "correlation_id": "c", "detail": {"image_id": "image"}}
    return json.dumps(
        {
            "version": "0",
            "source": "triagelens",
            "detail-type": "image.rejected",
            "time": "2026-11-23T10:00:00Z",
            "detail": detail,
        }
    )


@pytest.fixture
def asked() -> Sent:
    """What SES is asked from here on."""
    sent: Sent = []
    ses_client(REGION).meta.events.register(
        "provide-client-params.sesv2.SendEmail", lambda params, **_: sent.append(params)
    )
    return sent


def deliver(*bodies: str, **more: Any) -> list[str]:
    answer: Any = handler(sqs_event(*bodies, **more), FakeContext())
    return failed_ids(answer)


def refuse_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> Sent:
    """Lets SES answer with an error."""
    asked: Sent = []

    def send_email(**request: Any) -> None:
        asked.append(request)
        raise error

    monkeypatch.setattr(ses_client(REGION), "send_email", send_email)
    return asked


def refusal(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "SendEmail")


def test_a_mail_goes_to_the_owner_with_the_events_id_in_its_header(asked: Sent) -> None:
    assert deliver(envelope()) == []
    [request] = asked
    assert request["Destination"] == {"ToAddresses": [OWNER]}
    assert request["FromEmailAddress"] == f"Triagelens <{SENDER}>"
    headers = {header["Name"]: header["Value"] for header in request["Content"]["Simple"]["Headers"]}
    assert headers == {"X-Triagelens-Event-Id": "image:2", "Auto-Submitted": "auto-generated"}


def test_five_copies_of_an_event_are_one_mail(asked: Sent) -> None:
    assert deliver(*[envelope()] * 5) == []  # five messages with ids of their own
    assert deliver(envelope(), receive_count=2) == []
    assert len(asked) == 1
    assert deliver(envelope("image:3")) == []
    assert len(asked) == 2


@pytest.mark.parametrize(
    "error",
    [
        refusal("TooManyRequestsException"),
        refusal("LimitExceededException"),
        refusal("SendingPausedException"),
        refusal("MessageRejected", f"Email address is not verified: {SENDER}, {OWNER}"),
        refusal("AccessDeniedException"),
        ReadTimeoutError(endpoint_url="https://email.example.org"),
    ],
)
def test_what_may_work_later_comes_again_and_is_then_one_mail(
    error: Exception, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        tried = refuse_with(patch, error)
        assert deliver(envelope()) == ["m0"]
        assert deliver(envelope(), receive_count=5) == ["m0"]
        assert len(tried) == 2
    asked: Sent = request.getfixturevalue("asked")
    assert deliver(envelope(), receive_count=6) == []
    assert deliver(envelope()) == []
    assert len(asked) == 1
    assert "somebody was not told" in caplog.text
    assert "planted" not in caplog.text


@pytest.mark.parametrize(
    "error",
    [
        refusal("MessageRejected", f"Email address is not verified: {OWNER}"),
        refusal("BadRequestException", f"Illegal address {OWNER}"),
    ],
)
def test_a_refused_address_is_not_tried_again_and_never_logged(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tried = refuse_with(monkeypatch, error)
    assert deliver(envelope()) == []
    assert deliver(envelope()) == []
    assert len(tried) == 1
    assert counted(capsys.readouterr().out, "MailsRefused") == [1, 0]
    assert "addresses were refused" in caplog.text
    assert "planted" not in caplog.text


def test_without_a_sender_mails_are_counted_and_nothing_fails(
    asked: Sent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MAIL_FROM")
    notify.settings.settings.cache_clear()
    notify.wiring.mailing.cache_clear()
    assert deliver(envelope(), envelope("image:3")) == []
    assert asked == []
    assert counted(capsys.readouterr().out, "MailsNotSent") == [1, 1]


def test_a_message_that_is_no_event_of_ours_keeps_no_other_back(asked: Sent) -> None:
    assert deliver("{}", envelope()) == ["m0"]
    assert len(asked) == 1


def test_a_copy_of_what_another_message_is_at_comes_again_until_it_is_known_to_be_sent(asked: Sent) -> None:
    with pytest.MonkeyPatch.context() as patch:
        refuse_with(patch, refusal("TooManyRequestsException"))
        assert deliver(envelope()) == ["m0"]
    assert deliver("{}", envelope()) == ["m0", "m1"]
    assert asked == []
    assert deliver(envelope(), receive_count=2) == []
    assert deliver("{}", envelope(), receive_count=2) == ["m0"]
    assert len(asked) == 1


def test_what_was_given_up_is_sent_by_the_message_that_its_redrive_makes(
    asked: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim of a dead message ends with it, so that a new message of the same event is not a copy."""
    with pytest.MonkeyPatch.context() as patch:
        refuse_with(patch, refusal("TooManyRequestsException"))
        assert deliver(envelope(), receive_count=5) == ["m0"]
    monkeypatch.setattr(notify.wiring, "now", lambda: datetime.now(UTC) + timedelta(seconds=361))
    notify.wiring.mailing.cache_clear()
    assert deliver("{}", envelope()) == ["m0"]  # the redriven one is `m1`
    assert len(asked) == 1


def counted(log: str, metric: str) -> list[int]:
    """The values of a metric in a log, in their order."""
    lines = [json.loads(line) for line in log.splitlines() if f'"{metric}"' in line]
    return [int(value) for line in lines if "_aws" in line for value in line[metric]]
