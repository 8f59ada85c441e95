"""What a receiver believes: only what was signed with its secret, unchanged, just now."""

import json
from datetime import UTC, datetime

import pytest

from triagelens.domain.messages import Event
from triagelens.domain.webhooks import Notice, new_secret, signature
from triagelens_client.webhooks import WebhookSignatureError, verify

AT = 1_800_000_000
SECRET = new_secret()
BODY = Notice.of(
    Event(
        event_id="i:3",
        type="image.analyzed",
        time=datetime.fromtimestamp(AT, UTC),
        correlation_id="c",
        detail={"image_id": "i", "status": "analyzed"},
    )
).body
HEADER = signature(SECRET, AT, BODY)


def refused(body: bytes = BODY, header: str = HEADER, secret: str = SECRET, now: float = AT) -> str:
    with pytest.raises(WebhookSignatureError) as error:
        verify(body, header, secret, now=now)
    return error.value.code


def test_what_triagelens_signs_is_believed() -> None:
    event = verify(BODY, HEADER, SECRET, now=AT + 10)
    assert (event.id, event.type, event.data) == (
        "i:3",
        "image.analyzed",
        {"image_id": "i", "status": "analyzed"},
    )
    assert event.created_at.timestamp() == AT


def test_every_changed_byte_of_the_body_is_found() -> None:
    for place in range(len(BODY)):
        changed = bytearray(BODY)
        changed[place] ^= 1
        assert refused(bytes(changed)) == "forged"
    assert refused(BODY + b" ") == "forged"
    assert refused(json.dumps(json.loads(BODY)).encode()) == "forged", "byte for byte, not by meaning"


def test_another_secret_is_found() -> None:
    assert refused(secret=new_secret()) == "forged"


@pytest.mark.parametrize("seconds", [301, 86_400, -301])
def test_what_is_sent_again_later_is_refused(seconds: int) -> None:
    assert refused(now=AT + seconds) == "outdated"


@pytest.mark.parametrize("seconds", [0, 300, -300])
def test_a_clock_may_be_some_minutes_off(seconds: int) -> None:
    assert verify(BODY, HEADER, SECRET, now=AT + seconds).id == "i:3"


def test_a_replay_with_a_newer_time_has_no_signature() -> None:
    later = HEADER.replace(f"t={AT}", f"t={AT + 1_000}")
    assert refused(header=later, now=AT + 1_000) == "forged"


def test_the_time_is_checked_against_the_present_one_by_itself() -> None:
    with pytest.raises(WebhookSignatureError, match="too old"):
        verify(BODY, signature(SECRET, 1_600_000_000, BODY), SECRET)


def test_one_right_signature_among_several_is_enough_and_later_schemes_are_left_alone() -> None:
    t, v1 = HEADER.split(",")
    assert verify(BODY, f"{t},v1={'0' * 64},{v1},v2=later", SECRET, now=AT).id == "i:3"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        f"t={AT}",
        HEADER.partition(",")[2],
        HEADER.replace("v1=", "v0="),
        HEADER.replace(f"t={AT}", f"t={AT},t={AT}"),
        HEADER.replace(f"t={AT}", "t=-1"),
        HEADER.replace(f"t={AT}", f"t={AT}.0"),
        HEADER.replace(f"t={AT}", "t=٣"),
        HEADER.replace("v1=", "v1=é"),
        HEADER[:-1],
        f"{HEADER},v1=",
        "," * 100_000,
    ],
    ids=range(13),  # the secret is another one in each process
)
def test_a_header_that_is_none_is_refused(header: str) -> None:
    assert refused(header=header) == "malformed"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff"])
def test_a_body_that_is_no_event_is_refused_even_if_it_is_signed(body: bytes) -> None:
    assert refused(body, signature(SECRET, AT, body)) == "malformed"
