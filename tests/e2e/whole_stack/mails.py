"""Mails that the deployed stack sent, as people read them."""

import html
import re
import ssl
from typing import Any

import httpx

from tests.e2e.whole_stack.stack import Stack, until

_SHOWN = re.compile(r"monospace\">([^<]+)</span>")


def mails(stack: Stack) -> list[dict[str, Any]]:
    """Every mail that the cloud was given to send."""
    trusted = stack.cloud.certificate
    verify = ssl.create_default_context(cafile=trusted) if trusted else True
    answer = httpx.get(f"{stack.cloud.endpoint}/_ministack/ses/messages", verify=verify)
    return [mail for account in answer.raise_for_status().json()["messages"].values() for mail in account]


def mail_to(stack: Stack, address: str, subject: str) -> dict[str, Any]:
    """The mail, as soon as it went out."""

    def look() -> dict[str, Any] | None:
        return next((m for m in mails(stack) if m["To"] == [address] and m["Subject"] == subject), None)

    return until(look, f"a mail {subject!r}")


def invitation(stack: Stack, address: str) -> tuple[str, str]:
    """Username and first password of somebody who was invited by that address."""
    body = mail_to(stack, address, "Your account at Triagelens")["BodyHtml"]
    username, first = (html.unescape(shown) for shown in _SHOWN.findall(body))
    return username, first
