"""Every decision is in the index under its title."""

from infra.config import ROOT

FOLDER = ROOT / "docs" / "adr"


def test_the_index_names_every_decision() -> None:
    pages = sorted(FOLDER.glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for page in pages]
    wanted = [f"- [{title}]({page.name})" for title, page in zip(titles, pages, strict=True)]
    listed = [
        line for line in (FOLDER / "README.md").read_text(encoding="utf-8").splitlines() if line[:1] == "-"
    ]
    assert listed == wanted
    for page, title in zip(pages, titles, strict=True):
        assert title.startswith(f"{int(page.name[:4])}. "), page.name
