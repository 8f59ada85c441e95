"""Evidence lands where the model looked, and can be read by everybody."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from triagelens.domain.manifest import InputSpec
from triagelens.imaging.heatmap import can_be_drawn, central_share, evidence_map, heatmap_png, overlay_jpeg
from triagelens.imaging.preprocess import seen_region

STRETCH = InputSpec(name="image", height=224, width=224, resize="stretch", mean=[0.5] * 3, std=[0.5] * 3)
CROPPED = STRETCH.model_copy(update={"resize": "shortest_side", "resize_to": 256})
# Machado et al. (2009), severity 1, on linear RGB: how the three kinds of colour blindness see.
BLINDNESS = {
    "protanopia": [(0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)],
    "deuteranopia": [(0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)],
    "tritanopia": [(1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)],
}


def spot(row: int, column: int, side: int = 7) -> list[list[float]]:
    return [[float((r, c) == (row, column)) for c in range(side)] for r in range(side)]


def peak_of(evidence: NDArray[np.float32]) -> tuple[float, float]:
    """Where the strongest evidence is, as shares of height and width."""
    row, column = np.unravel_index(int(evidence.argmax()), evidence.shape)
    return row / evidence.shape[0], column / evidence.shape[1]


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 3), (6, 2)])
def test_a_cells_evidence_lies_where_the_model_saw_it(row: int, column: int) -> None:
    evidence = evidence_map(spot(row, column), STRETCH, (640, 480))
    assert evidence.shape == (480, 640)
    assert (evidence.min(), evidence.max()) == (0.0, pytest.approx(1.0, abs=0.05))
    down, right = peak_of(evidence)
    assert down == pytest.approx((row + 0.5) / 7, abs=1 / 7)
    assert right == pytest.approx((column + 0.5) / 7, abs=1 / 7)


def test_what_was_cropped_away_has_no_evidence() -> None:
    left, top, right, bottom = seen_region(CROPPED, (1024, 768))
    assert (right - left, bottom - top) == pytest.approx((672, 672), abs=1)  # 224 / 256 of the short side
    evidence = evidence_map([[1.0] * 7] * 7, CROPPED, (1024, 768))
    assert evidence[top:bottom, left:right].min() > 0.99
    evidence[top:bottom, left:right] = 0
    assert evidence.max() == 0


def test_no_evidence_is_a_clear_image_and_has_no_centre() -> None:
    nothing = evidence_map([[0.0] * 7] * 7, STRETCH, (64, 64))
    assert nothing.max() == 0
    assert central_share(nothing, STRETCH) is None
    photo = Image.new("RGB", (64, 64), (10, 200, 30))
    overlay = Image.open(io.BytesIO(overlay_jpeg(photo, nothing, "evidence for nv")))
    assert overlay.getpixel((32, 32)) == pytest.approx((10, 200, 30), abs=6)


@pytest.mark.parametrize("spec", [STRETCH, CROPPED], ids=["stretched", "cropped"])
@pytest.mark.parametrize(("row", "column", "share"), [(3, 3, 1.0), (0, 0, 0.0)])
def test_the_share_of_the_centre_tells_centre_from_corner(
    row: int, column: int, share: float, spec: InputSpec
) -> None:
    evidence = evidence_map(spot(row, column), spec, (900, 700))
    assert central_share(evidence, spec) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("spec", [STRETCH, CROPPED], ids=["stretched", "cropped"])
@pytest.mark.parametrize("size", [(800, 800), (800, 600), (600, 801), (1024, 128), (128, 1024), (64, 67)])
def test_evidence_spread_evenly_gives_a_quarter_however_an_image_is_looked_at(
    spec: InputSpec, size: tuple[int, int]
) -> None:
    assert central_share(evidence_map([[1.0] * 8] * 8, spec, size), spec) == pytest.approx(0.25, abs=1e-6)


def test_the_pictures_have_the_size_of_the_image_and_the_overlay_a_legend_below() -> None:
    evidence = evidence_map(spot(3, 3), STRETCH, (320, 240))
    heatmap = Image.open(io.BytesIO(heatmap_png(evidence)))
    overlay = Image.open(io.BytesIO(overlay_jpeg(Image.new("RGB", (320, 240)), evidence, "evidence for nv")))
    assert (heatmap.format, heatmap.size) == ("PNG", (320, 240))
    assert (overlay.format, overlay.width) == ("JPEG", 320)
    assert overlay.height > 240
    legend = np.asarray(overlay)[240:]
    assert len(np.unique(legend.reshape(-1, 3), axis=0)) > 50, "a bar of colours and words"


@pytest.mark.parametrize("grey", [0, 120, 255])
def test_a_line_goes_around_what_has_half_of_the_evidence_on_any_background(grey: int) -> None:
    evidence = np.tile(np.linspace(0, 1, 400, dtype=np.float32), (300, 1))
    photo = Image.new("RGB", (400, 300), (grey,) * 3)
    row = np.asarray(Image.open(io.BytesIO(overlay_jpeg(photo, evidence, "Evidence for nv"))).convert("L"))[
        150
    ]
    steps = np.abs(np.diff(row.astype(int)))
    assert steps[190:210].max() > 60, "a line in the middle"
    assert steps[:180].max() < 20
    assert steps[220:].max() < 20


def legend_of(width: int, title: str) -> NDArray[np.uint8]:
    """What is below the bar, in grey."""
    nothing = np.zeros((20, width), np.float32)
    drawn = Image.open(io.BytesIO(overlay_jpeg(Image.new("RGB", (width, 20)), nothing, title)))
    assert drawn.width == width
    whole = np.asarray(drawn.convert("L"))[20:]
    return whole[int((whole > 200).all(axis=1).argmax()) :]


def text_rows(legend: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """The legend cut into its lines of text."""
    inked = (legend < 150).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inked, [False]]).astype(int)))
    return [legend[start:end] for start, end in edges.reshape(-1, 2)]


LONGEST = "Occlusion: no evidence for Actinic keratosis / Bowen's disease"


@pytest.mark.parametrize("width", [64, 65, 80, 128, 200, 256, 300, 320, 512, 1024])
@pytest.mark.parametrize("title", [LONGEST, "Grad-CAM: evidence for Glioma", "Occlusion: " + "W" * 5000])
def test_a_legend_is_whole_below_an_image_of_any_width(width: int, title: str) -> None:
    legend = legend_of(width, title)
    assert (legend[:, :2] > 200).all(), "nothing is cut off on the left"
    assert (legend[:, -2:] > 200).all(), "nor on the right"
    rows = text_rows(legend)
    assert len(rows) <= 2 * 9, "the scale's words and eight lines, each perhaps in two with its dots"
    assert (legend[-2:] > 200).all(), "nor below"


@pytest.mark.parametrize("width", [64, 200, 300])
def test_a_narrow_legend_has_all_words_of_a_wide_one(width: int) -> None:
    """As much ink, in more lines: what is printed in the same size takes the same ink wherever it stands."""
    narrow, wide = ((legend_of(one, LONGEST) < 150).sum() for one in (width, 300))
    assert narrow == pytest.approx(wide, rel=0.12), "but for `half`, which has no room below the narrowest"
    assert len(text_rows(legend_of(64, LONGEST))) > len(text_rows(legend_of(300, LONGEST)))


def test_the_scales_words_do_not_run_into_each_other() -> None:
    for width in (64, 80, 100, 128, 300):
        words = text_rows(legend_of(width, "x"))[0]
        inked = (words < 150).any(axis=0)
        gaps = np.diff(np.flatnonzero(inked))
        assert gaps.max() >= 5, f"none and strongest stand apart at {width}"


def test_letters_that_the_font_does_not_have_are_known() -> None:
    assert can_be_drawn("Grad-CAM: no evidence for Bowen's disease / Actinic keratosis, 3 of 7")
    for lacking in ("cataractă", "白内障", "سليم", "two\nlines", "naïve"):
        assert not can_be_drawn(lacking)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_more_evidence_is_lighter_for_whoever_is_colour_blind(kind: str) -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (4, 1))
    colours = np.asarray(Image.open(io.BytesIO(heatmap_png(ramp))))[0] / 255.0
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(BLINDNESS[kind]).T, 0, 1)
    lightness = seen @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > 0).all()
    assert lightness[-1] - lightness[0] > 0.5
