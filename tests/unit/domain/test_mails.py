"""What the mails say, and that nothing can be slipped into them."""

from html.parser import HTMLParser

import pytest

from triagelens.domain.mails import MailKind, render

PORTAL = "https://portal.example.org/?a=1&b=2"


class Page(HTMLParser):
    """The words and links that a reader of the page gets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words = ""
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]


@pytest.mark.parametrize("kind", MailKind)
def test_text_and_page_say_the_same_and_lead_to_the_portal(kind: MailKind) -> None:
    mail = render(kind, PORTAL, "image:3")
    page = Page(mail.html)
    assert page.links == [PORTAL]
    for line in ("ready" if kind is not MailKind.CASE_WAITS else "waiting", PORTAL, "Reference: image:3"):
        assert line in mail.text
        assert line in page.words
    assert "$" not in mail.subject + mail.text + mail.html


def test_subjects_tell_the_kinds_apart() -> None:
    assert len({render(kind, None, "e").subject for kind in MailKind}) == len(MailKind)


def test_without_a_portal_there_is_no_link() -> None:
    mail = render(MailKind.RESULT_READY, None, "image:3")
    assert Page(mail.html).links == []
    assert "Sign in to Triagelens" in mail.text


def test_what_is_put_in_stays_text() -> None:
    evil = '"><script>alert(1)</script>$sentence'
    page = Page(render(MailKind.REPORT_READY, f"https://example.org/{evil}", evil).html)
    assert "script" not in page.tags
    assert f"Reference: {evil}" in page.words
    assert page.links == [f"https://example.org/{evil}"]
