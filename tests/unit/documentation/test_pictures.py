"""The pages' pictures are the project's own, small, and can be drawn anew."""

from pathlib import Path

import pytest
from PIL import Image

from docs.making import pictures
from docs.making.pictures import FOLDER, MOST_BYTES, checked, main, photo
from tests.unit.documentation.pages import DOCS


def test_they_are_drawn_by_the_project_and_none_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in FOLDER.glob("*.jpg"))
    assert capsys.readouterr().out.count("wrote") == len(made)
    for name in made:
        assert Image.open(tmp_path / name).width == Image.open(FOLDER / name).width


def test_none_is_large() -> None:
    kept = list(FOLDER.iterdir())
    assert len(kept) > 5
    assert [path.name for path in kept if path.stat().st_size > MOST_BYTES] == []


def test_the_page_tells_the_blurred_photos_verdict() -> None:
    page = " ".join((DOCS / "image.md").read_text(encoding="utf-8").split())
    report = checked(photo(pictures.BLUR)).report
    assert report.detail_score is not None
    assert f"its detail score is {report.detail_score:.1f}, and {report.focus_threshold:g} are wanted" in page
    assert report.reasons[0].message in page
    assert f"{len(photo()) / 1e6:.1f} MB" in page
