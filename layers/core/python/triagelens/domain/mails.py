"""The mails that tell people of something, in one table. They name nothing clinical, nobody and no file."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Template
from types import MappingProxyType

# Receivers tell copies of a mail by it: a delivery that crashed is repeated.
EVENT_ID_HEADER = "X-Triagelens-Event-Id"


class MailKind(StrEnum):
    RESULT_READY = "result_ready"
    CASE_WAITS = "case_waits"
    REPORT_READY = "report_ready"


@dataclass(frozen=True)
class Mail:
    """A mail without its addresses."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class _Words:
    subject: str
    sentence: str


_WORDS: Mapping[MailKind, _Words] = MappingProxyType(
    {
        MailKind.RESULT_READY: _Words("A result is ready", "The result of an image is ready."),
        MailKind.CASE_WAITS: _Words("A case needs you", "A case is waiting for a reader."),
        MailKind.REPORT_READY: _Words("A report is ready", "A report that is for you is ready."),
    }
)
_WITH_LINK = "You find it here:"
_WITHOUT_LINK = "Sign in to Triagelens to see it."
_TEXT = Template("$sentence\n$way\n\nTriagelens\nReference: $reference\n")
_PAGE = Template(
    '<div style="font:16px/1.5 sans-serif;color:#1f2933;max-width:480px">'
    '<p style="margin:0 0 16px;font-weight:bold">Triagelens</p>'
    '<p style="margin:0 0 16px">$sentence</p>'
    '<p style="margin:0 0 16px">$way</p>'
    '<p style="margin:0;font-size:12px;color:#616e7c">Reference: $reference</p></div>'
)
_LINK = Template('$words <a href="$url">$url</a>')


def render(kind: MailKind, portal_url: str | None, event_id: str) -> Mail:
    """The mail of this kind, with the way to the portal and the event's id as its reference."""
    words = _WORDS[kind]
    way_of_text = f"{_WITH_LINK} {portal_url}" if portal_url else _WITHOUT_LINK
    way_of_page = html.escape(_WITHOUT_LINK)
    if portal_url:
        way_of_page = _LINK.substitute(words=_WITH_LINK, url=html.escape(portal_url))
    return Mail(
        subject=words.subject,
        text=_TEXT.substitute(sentence=words.sentence, way=way_of_text, reference=event_id),
        html=_PAGE.substitute(
            sentence=html.escape(words.sentence), way=way_of_page, reference=html.escape(event_id)
        ),
    )
