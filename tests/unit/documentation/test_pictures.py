"""The pages' pictures are the project's own, small, and can be drawn anew."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from docs.making import pictures
from docs.making.pictures import FOLDER, MOST_BYTES, checked, main, photo
from tests.unit.documentation.pages import DOCS
from triagelens.imaging.heatmap import overlay_jpeg

MOST_DIFFERENCE = 6.0
"""Of 255."""


def test_they_are_drawn_by_the_project_and_none_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in FOLDER.glob("*.jpg"))
    assert capsys.readouterr().out.count("wrote") == len(made)
    stale = [name for name in made if difference(tmp_path / name, FOLDER / name) > MOST_DIFFERENCE]
    assert stale == [], "make docs-pictures"


def difference(made: Path, kept: Path) -> float:
    """Of the mean greys of 8 x 8 pixels, the largest: another word shows, another encoder does not."""
    cells = [np.asarray(Image.open(path).convert("L").reduce(8), float) for path in (made, kept)]
    if cells[0].shape != cells[1].shape:
        return 255.0
    return float(np.abs(cells[0] - cells[1]).max())


def test_another_word_in_a_legend_is_a_difference_and_another_compression_is_none(tmp_path: Path) -> None:
    picture = Image.open(FOLDER / "evidence.jpg")
    picture.save(tmp_path / "again.jpg", quality=75)
    assert difference(tmp_path / "again.jpg", FOLDER / "evidence.jpg") < MOST_DIFFERENCE
    nothing = np.zeros((40, picture.width), np.float32)
    for word in ("Melanoma", "Melanocyte"):
        legend = overlay_jpeg(
            Image.new("RGB", nothing.shape[::-1]), nothing, f"Grad-CAM: evidence for {word}"
        )
        (tmp_path / word).write_bytes(legend)
    assert difference(tmp_path / "Melanoma", tmp_path / "Melanocyte") > 2 * MOST_DIFFERENCE


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
