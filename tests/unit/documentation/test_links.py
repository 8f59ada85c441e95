"""Links lead somewhere. Those between pages are looked at by mkdocs' strict build (test_site.py).

Other sites are not asked: nothing here reaches into the network. Their addresses are read.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from docs.making.hooks import readme_section
from infra.config import ROOT
from tests.unit.documentation.pages import DOCS, PAGES

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
_BLOCK = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
ALL = [*PAGES, ROOT / "CHANGELOG.md"]
_ADDRESS = re.compile(r"\bhttps?://[^\s)`\"'<>\]}|]+")
# Addresses that are nobody's, of examples, and of this machine.
_NOT_HTTPS = {"127.0.0.1", "localhost"}
OF_THE_ROOT = [ROOT / "README.md", ROOT / "CHANGELOG.md"]


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> Iterator[str]:
    """Where a heading can be linked to, as GitHub and mkdocs make it of plain headings."""
    for title in re.findall(r"^#+ (.*)$", prose(page), flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", OF_THE_ROOT, ids=lambda page: page.name)
def test_relative_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if urlsplit(target).scheme:
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in set(anchors(file)), target


def test_the_readme_leads_to_every_page_of_the_first_rank() -> None:
    linked = {target for target in _LINK.findall(prose(ROOT / "README.md")) if target.startswith("docs/")}
    assert {"docs/index.md", "docs/image.md", "docs/security.md", "docs/cost.md"} <= linked


def test_what_a_page_takes_from_the_readme_has_no_link_out_of_the_documentation() -> None:
    asked = [anchor for page in PAGES for anchor in re.findall(r"\(\.\./README\.md#([\w-]+)\)", prose(page))]
    assert len(asked) > 3
    for anchor in asked:
        for target in _LINK.findall(readme_section(anchor)):
            path = target.partition("#")[0]
            assert urlsplit(target).scheme or (path and (DOCS / path).exists()), target


@pytest.mark.parametrize("page", ALL, ids=lambda page: str(page.relative_to(ROOT)))
def test_addresses_elsewhere_are_whole_and_safe(page: Path) -> None:
    for address in _ADDRESS.findall(page.read_text(encoding="utf-8")):
        parts = urlsplit(address.removesuffix("...").rstrip(".,;:*"))
        if not parts.netloc and address.startswith("https://..."):
            continue  # any address, in a table
        assert parts.scheme == "https" or parts.hostname in _NOT_HTTPS, address
        assert parts.hostname, address


def test_every_picture_says_what_it_shows() -> None:
    shown = [(page, *found) for page in PAGES for found in _PICTURE.findall(prose(page))]
    assert len(shown) > 5
    for page, told, _ in shown:
        assert len(told) > 10, page
