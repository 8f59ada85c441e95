"""mkdocs' hook: pages that are made from what is in the repository, not written twice."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.making.api_pages import reference

ROOT = Path(__file__).resolve().parents[2]
_SECTION = re.compile(r"^\[[^\]]*\]\(\.\./README\.md#([a-z-]+)\)$", flags=re.MULTILINE)
_DECISIONS = re.compile(r"(?<!\[)\b(?:ADRs?|[Dd]ecisions?) \d+(?:(?:, | and | to )\d+)*")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Puts the API's pages into the navigation, where it names them as `api`."""
    pages = reference(_openapi())
    listed: list[dict[str, Any]] = [{page.title: page.path} for page in pages]
    config.nav = [{title: listed} if value == "api" else {title: value} for title, value in _entries(config)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the API's pages and the changelog."""
    for page in reference(_openapi()):
        files.append(File.generated(config, page.path, content=page.text))
    changelog = as_page((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    files.append(File.generated(config, "changelog.md", content=changelog))
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts a section of the README where a line links to it, and links to decisions that are named."""
    markdown = _SECTION.sub(lambda found: readme_section(found[1]), markdown)
    return markdown if "/" in page.file.src_uri else with_links_to_decisions(markdown)


def readme_section(anchor: str) -> str:
    """The text below a heading of the README, for a page in `docs`.

    Raises:
        LookupError: the README has no such heading.
    """
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, below = section.partition("\n")
        if title.lower().replace(" ", "-") == anchor:
            return as_page(below).strip()
    raise LookupError(f"The README has no section {anchor!r}.")


def with_links_to_decisions(text: str) -> str:
    """`ADR 41 and 50` with a link at each number that is a decision's; what is linked already stays so."""
    pages = {int(path.name[:4]): path.name for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}

    def linked(number: re.Match[str]) -> str:
        page = pages.get(int(number[0]))
        return f"[{number[0]}](adr/{page})" if page else number[0]

    return _DECISIONS.sub(lambda found: re.sub(r"\d+", linked, found[0]), text)


def as_page(text: str) -> str:
    """Text of the repository's root with its links as a page in `docs` has them."""
    return text.replace("](docs/", "](").replace("](CHANGELOG.md)", "](changelog.md)")


def _openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return document


def _entries(config: MkDocsConfig) -> list[tuple[str, Any]]:
    return [(title, value) for entry in config.nav or [] for title, value in entry.items()]
