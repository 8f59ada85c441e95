"""For who receives webhooks: was this told by Triagelens, just now, and as it is?

    from triagelens_client.webhooks import verify

    event = verify(request.body, request.headers["Triagelens-Signature"], secret)
    if not already_seen(event.id):
        ...

A signature holds for `tolerance_s` seconds. Within them, and after a crash on either side, the same event
can come again: remember the ids of the events that you have dealt with.
"""

import hashlib
import hmac
import re
import time
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from triagelens_client.errors import TriagelensClientError
from triagelens_client.models import Answer

TOLERANCE_S = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_MOST_PARTS = 10


class WebhookSignatureError(TriagelensClientError):
    """What came is not to be believed. `code` is `malformed`, `forged` or `outdated`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class WebhookEvent(Answer):
    """What a webhook is told.

    Attributes:
        id: the same for each copy of the event.
        data: ids, and where the thing stands.
    """

    id: str
    type: str
    created_at: datetime
    data: dict[str, Any]


def verify(
    body: bytes, header: str, secret: str, tolerance_s: int = TOLERANCE_S, *, now: float | None = None
) -> WebhookEvent:
    """The event in `body`, once its signature and its age were checked.

    Args:
        body: as it came, byte for byte; parsed and written again it has another signature.
        header: of the name `Triagelens-Signature`.
        tolerance_s: how far the signature's time may be from the present one.
        now: the present moment in seconds since 1970, for tests.

    Raises:
        WebhookSignatureError: it is not signed with the secret, was changed, or is too old.
    """
    timestamp, signatures = _parts(header)
    expected = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    matches = [hmac.compare_digest(expected, signature) for signature in signatures]
    if not any(matches):
        raise WebhookSignatureError("forged", "The signature does not fit.")
    if abs((time.time() if now is None else now) - int(timestamp)) > tolerance_s:
        raise WebhookSignatureError("outdated", "The signature is too old, or from the future.")
    try:
        return WebhookEvent.model_validate_json(body)
    except ValidationError:
        raise WebhookSignatureError("malformed", "The body is not an event.") from None


def _parts(header: str) -> tuple[str, list[str]]:
    """The timestamp's text and the signatures of `t=...,v1=...`; parts of other names are left alone."""
    pairs = [part.strip().partition("=") for part in header.split(",", _MOST_PARTS)]
    timestamps = [value for name, _, value in pairs if name == "t"]
    signatures = [value for name, _, value in pairs if name == "v1"]
    well_formed = (
        len(timestamps) == 1
        and _TIMESTAMP.fullmatch(timestamps[0])
        and signatures
        and all(_SIGNATURE.fullmatch(signature) for signature in signatures)
    )
    if not well_formed:
        raise WebhookSignatureError("malformed", "The signature header is not one.")
    return timestamps[0], signatures
