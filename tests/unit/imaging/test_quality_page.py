"""docs/quality.md tells the bounds that the code holds."""

from pathlib import Path

import pytest

from triagelens.domain.quality import ImageLimits
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging import exposure

PAGE = (Path(__file__).parents[3] / "docs" / "quality.md").read_text(encoding="utf-8")
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in PAGE.splitlines()
    if line.startswith("|")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def row(name: str) -> list[str]:
    return next(cells for first, cells in ROWS.items() if name in first)


@pytest.mark.parametrize("specialty", SPECIALTIES)
def test_the_focus_threshold_of_a_specialty_is_told(specialty: str) -> None:
    assert row(specialty)[-1] == f"**{SPECIALTIES[specialty].focus_threshold:g}**"


@pytest.mark.parametrize(
    ("code", "bounds"),
    [
        ("too_dark", [f"under {bound:g}" for bound in exposure.DARK]),
        ("too_bright", [f"over {bound:g}" for bound in exposure.BRIGHT]),
        (
            "clipped_highlights",
            [f"over {bound:.0%}".replace("%", " %") for bound in exposure.CLIPPED_HIGHLIGHTS],
        ),
        ("clipped_shadows", [f"over {exposure.CLIPPED_SHADOWS:.0%}".replace("%", " %"), "never"]),
    ],
)
def test_the_bounds_of_exposure_are_told(code: str, bounds: list[str]) -> None:
    assert row(code)[1:] == bounds


def test_the_bounds_of_a_file_are_told() -> None:
    limits = ImageLimits()
    assert f"over {limits.max_bytes / 1e6:g} MB" in row("too_many_bytes")[0]
    assert f"over {limits.max_pixels / 1e6:g} megapixels" in row("too_many_pixels")[0]
    assert f"{limits.max_side:,} pixels" in row("too_many_pixels")[0]
    assert f"under {limits.min_side} pixels" in row("too_small")[0]
    assert limits.max_aspect_ratio == 8
    assert "eight times" in row("too_small")[0]
