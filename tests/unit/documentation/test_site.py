"""The built site: whole, strict, and nothing in it is fetched from anywhere else."""

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from infra.config import ROOT

# Attributes and calls that make a browser fetch something by itself; a link that is clicked is none.
_FETCHED = re.compile(r"""(?:\ssrc|<link[^>]*\shref|url\(|@import)\s*=?\s*["'(]?(https?:)?//[^"')\s]+""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
    assert config.strict
    build(config)
    return folder


def test_every_page_and_every_decision_is_built(site: Path) -> None:
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"]
    missing = [
        page for page in pages if not (site / page.relative_to(ROOT / "docs")).with_suffix(".html").exists()
    ]
    assert missing == []
    assert (site / "api" / "images.html").exists()
    assert (site / "changelog.html").exists()
    assert (site / "adr" / "index.html").exists()


def test_a_browser_fetches_nothing_from_elsewhere(site: Path) -> None:
    read = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    assert len(read) > 50
    found = {match[0] for path in read for match in _FETCHED.finditer(path.read_text(encoding="utf-8"))}
    assert found == set()


def test_no_code_of_ours_is_published(site: Path) -> None:
    assert list(site.rglob("*.py")) == []


def test_the_readmes_sections_stand_in_the_quick_start(site: Path) -> None:
    text = (site / "quick-start.html").read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]+>", "", text)
    assert "make demo" in plain
    assert "triagelens sign-up ada" in plain
    assert "README.md" not in text
