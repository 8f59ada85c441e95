"""Webhooks' own rules: which addresses, what is told, when it ends."""

from ipaddress import ip_address

import pytest

from infra.constructs.webhooks import MAX_RECEIVES, TOLD_EVENTS
from tests.fakes import START
from triagelens.domain.addresses import is_public
from triagelens.domain.cases import CaseStatus
from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.images import ImageStatus
from triagelens.domain.messages import Event
from triagelens.domain.reports import ReportStatus
from triagelens.domain.webhooks import (
    ATTEMPTS,
    PAUSES,
    DisabledReason,
    Notice,
    Webhook,
    WebhookEvent,
    checked_url,
    new_secret,
)

WEBHOOK = Webhook(
    webhook_id="w",
    url="https://hooks.example.org/",
    events=(WebhookEvent.IMAGE_ANALYZED,),
    sealed_secret="sealed",  # a mark
    created_by="sub-ada",
    created_at=START,
    updated_at=START,
)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1"),  # noqa: S104  # none is bound
        *("192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "233.252.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::1"),
        *("100::1", "2001::1", "2001:db8::1", "2002:808:808::1", "2002:7f00:1::", "3fff::1"),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "4000::1"),
    ],
)
def test_an_address_that_is_not_everybodys_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1"])
def test_an_address_of_the_public_net_is_taken(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://hooks.example.org:x/",
        "https://user:password@hooks.example.org/",
        "https://@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org\\@evil.example.net/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://intranet/",
        "https://service.internal/",
        "https://printer.local/",
        "https://receiver.localhost/",
        "https://hooks.example.org./",
        "https://hooks.example.org/\r\nHost: evil",
        "https://hööks.example.org/",
        "https://-hooks.example.org/",
        "https:///path",
        "ftp://hooks.example.org/",
        "hooks.example.org",
        "https://[bad",
        f"https://hooks.example.org/{'x' * 500}",
    ],
)
def test_an_address_that_could_not_be_public_is_a_clear_mistake(url: str) -> None:
    with pytest.raises(InvalidRequestError):
        checked_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org",
        "https://hooks.example.org:443/path?key=1",
        "https://xn--hks-snaa.example.org/",
        "https://HOOKS.example.org/",
    ],
)
def test_a_public_name_over_https_is_taken(url: str) -> None:
    assert checked_url(url) == url


def test_ids_and_status_are_told_and_nothing_else() -> None:
    detail = {
        "image_id": "i",
        "owner": "sub-ada",
        "status": "analyzed",
        "top_label": "mel",
        "probability": 0.9,
        "reasons": ["too_blurry"],
        "patient_id": None,
    }
    event = Event(event_id="i:3", type="image.analyzed", time=START, correlation_id="c", detail=detail)
    notice = Notice.of(event)
    assert notice.data == {"image_id": "i", "status": "analyzed"}
    assert notice.body == Notice.of(event).body
    assert Notice.model_validate_json(notice.body) == notice


def test_the_stack_brings_what_a_webhook_can_be_told_of_and_lets_messages_live_long_enough() -> None:
    assert set(TOLD_EVENTS) == {str(event) for event in WebhookEvent}
    assert {f"case.{status}" for status in CaseStatus} - set(TOLD_EVENTS) == {"case.open"}
    assert {f"report.{status}" for status in ReportStatus} >= {"report.ready", "report.failed"}
    assert {f"image.{status}" for status in ImageStatus} - set(TOLD_EVENTS) == {
        "image.awaiting_upload",
        "image.expired",
    }
    assert ATTEMPTS + 4 <= MAX_RECEIVES
    assert list(PAUSES) == sorted(PAUSES)
    assert max(PAUSES).total_seconds() < 12 * 3600, "SQS hides no message for longer"


def test_the_third_delivery_given_up_in_a_row_disables_and_the_same_event_counts_once() -> None:
    webhook = WEBHOOK
    for event_id in ("e:1", "e:1", "e:2"):
        webhook = webhook.after_giving_up(event_id, START)
    assert webhook.enabled
    disabled = webhook.after_giving_up("e:3", START)
    assert (disabled.enabled, disabled.disabled_reason) == (False, DisabledReason.GIVEN_UP)
    assert not disabled.wants("image.analyzed")
    again = disabled.enabled_again()
    assert (again.enabled, again.given_up, again.disabled_at) == (True, (), None)
    assert again.wants("image.analyzed")
    assert not again.wants("image.failed")


def test_what_a_webhook_was_disabled_for_first_stays() -> None:
    webhook = WEBHOOK.disabled(DisabledReason.BY_ADMIN, START)
    assert webhook.disabled(DisabledReason.GONE, START).disabled_reason is DisabledReason.BY_ADMIN


def test_no_two_secrets_are_alike_and_none_is_shown_with_its_webhook() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert min(map(len, made)) >= 49
    assert "sealed" not in repr(WEBHOOK)
    assert "hooks.example.org" not in repr(WEBHOOK)
