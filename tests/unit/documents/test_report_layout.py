"""Nothing of a report is cut off or out of order, however tall a picture, long a text, or its direction."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from tests.unit.documents.test_report import document, render, shown
from triagelens.documents.legible import runs_right_to_left
from triagelens.domain.manifest import InputSpec
from triagelens.domain.report_document import Fact, Remark, ShownImage, ShownLabel
from triagelens.imaging.heatmap import evidence_map, overlay_jpeg

RED, BLUE = (230, 20, 20), (20, 20, 230)
A4_MM, FOOTER_MM = 297, 20
POINT_MM = 25.4 / 72
ARABIC = "المريض يأخذ Aspirin 100 mg مرتين يوميا"


def marked(width: int, height: int) -> bytes:
    """A picture with a blue band at its top and a red one at its bottom, as it comes under its evidence."""
    image = Image.new("RGB", (width, height), "tan")
    draw, band = ImageDraw.Draw(image), height // 20
    draw.rectangle((0, 0, width, band), fill=BLUE)
    draw.rectangle((0, height - band, width, height), fill=RED)
    spec = InputSpec(name="image", height=224, width=224, resize="stretch")
    return overlay_jpeg(image, evidence_map([[0.0]], spec, image.size), "No evidence for Melanoma")


def changed(**changes: Any) -> ShownImage:
    return shown().model_copy(update=changes)


class Pages:
    """What can be seen of a report, in millimetres from the upper left corner of a page."""

    def __init__(self, pdf: bytes) -> None:
        opened = pypdfium2.PdfDocument(pdf)
        self.texts, self.letters, self.pixels = [], [], []
        for page in opened:
            text = page.get_textpage()
            self.texts.append(" ".join(text.get_text_range().split()))
            self.letters.append(list(self._letters(page.get_height(), text)))
            self.pixels.append(np.asarray(page.render(scale=1).to_pil().convert("RGB"), np.int16))
        opened.close()

    @staticmethod
    def _letters(height: float, text: Any) -> Iterator[tuple[str, float, float]]:
        for at in range(text.count_chars()):
            left, bottom, _, _ = text.get_charbox(at)
            yield text.get_text_range(at, 1), left * POINT_MM, (height - bottom) * POINT_MM

    def page_of(self, words: str) -> int:
        [page] = [number for number, text in enumerate(self.texts) if words in text]
        return page

    def rows_of(self, page: int, colour: tuple[int, int, int]) -> tuple[float, float]:
        """Where the colour begins and ends on a page, from above."""
        rows = np.flatnonzero((np.abs(self.pixels[page] - np.array(colour)).max(axis=2) < 60).sum(axis=1) > 5)
        assert rows.size, f"there is nothing of {colour}"
        return float(rows[0]) * POINT_MM, float(rows[-1] + 1) * POINT_MM

    def below(self, page: int) -> str:
        """What stands below a page's text: the footer, and nothing that has run over."""
        low = [letter for letter, _, down in self.letters[page] if down > A4_MM - FOOTER_MM]
        return "".join("".join(low).split())

    def down_of(self, page: int, words: str) -> float:
        whole = "".join(letter for letter, _, _ in self.letters[page])
        return self.letters[page][whole.index(words)][2]

    def line_with(self, page: int, words: str) -> list[tuple[str, float]]:
        """The letters of the line in which `words` stand, from left to right."""
        down = self.down_of(page, words)
        line = [(letter, left) for letter, left, below in self.letters[page] if abs(below - down) < 2]
        return sorted((one for one in line if one[0].strip()), key=lambda one: one[1])


@pytest.mark.parametrize(
    "size", [(128, 1024), (220, 1024), (256, 1024), (330, 1024), (768, 1024), (1024, 128)]
)
def test_a_picture_of_any_shape_is_whole_with_its_legend_below_its_heading(size: tuple[int, int]) -> None:
    images = (shown(), changed(picture=marked(*size), caption="The marked one"), shown())
    pages = Pages(render(document(images=images)))
    page = pages.page_of("Image 2 of 3")
    assert page == pages.page_of("The marked one")
    blue, red = pages.rows_of(page, BLUE), pages.rows_of(page, RED)
    caption = pages.down_of(page, "The marked one")
    with Image.open(io.BytesIO(marked(*size))) as whole:
        legend = (whole.height - size[1]) / size[1]
    height = red[1] - blue[0]
    assert red[1] + height * legend < caption < A4_MM - FOOTER_MM
    assert height == pytest.approx(min(62 / size[0], 190 * (1 - legend) / size[1]) * size[1], rel=0.1)
    assert len(pages.texts) <= 3


def test_a_finding_of_usual_length_stays_on_one_page() -> None:
    """Of those in a row that a page's end could cut through."""
    labels = tuple(
        ShownLabel(title=title, probability=0.1)
        for title in ("Actinic keratosis or Bowen's disease", "Basal cell carcinoma", *["Dermatofibroma"] * 5)
    )
    said = "The model is not certain. Several labels are possible. An urgent one is among them."
    for lines in range(1, 8):
        facts = tuple(Fact(name=f"Fact {number}", value=said) for number in range(lines))
        one = changed(labels=labels, facts=(*facts, Fact(name="Last", value="01jhabcdefghjkmnpqrstvwxyz")))
        pages = Pages(render(document(images=(one,) * 6)))
        for text in pages.texts:
            assert text.count(" of 6") == text.count("Last"), f"with {lines} long facts"


@pytest.mark.parametrize("times", [1, 20, 60, 200, 900])
@pytest.mark.parametrize("word", ["Label, ", "白", "WWWWWWWWWWWW ", "\n"])
@pytest.mark.parametrize("where", ["answer", "labels", "caption"])
def test_however_long_a_text_is_all_of_it_is_seen_and_begins_below_its_heading(
    where: str, word: str, times: int
) -> None:
    said = f"Begin {word * times} End"
    long = {
        "answer": changed(facts=(Fact(name="Answer", value=said),)),
        "caption": changed(caption=said, picture=marked(128, 1024)),
        "labels": changed(labels=(ShownLabel(title=said, probability=0.5),) * 2),
    }[where]
    pages = Pages(render(document(images=(shown(), long))))
    heading = next(number for number, text in enumerate(pages.texts) if "Image 2 of 2" in text)
    assert "Begin" in pages.texts[heading].partition("Image 2 of 2")[2]
    assert sum(text.count("Begin") for text in pages.texts) == (2 if where == "labels" else 1)
    assert sum(text.count("End") for text in pages.texts) == (2 if where == "labels" else 1)
    assert sum(text.count("白") for text in pages.texts) == said.count("白") * (2 if where == "labels" else 1)
    count = len(pages.texts)
    for number in range(count):
        assert pages.below(number).startswith("ExampleClinic·Case10042")
        assert pages.below(number).endswith(f"UTCpage{number + 1}of{count}")
    if where == "caption":
        pages.rows_of(heading, RED)


@pytest.mark.parametrize("where", ["remark", "value"])
def test_a_line_that_begins_in_arabic_runs_from_right_to_left(where: str) -> None:
    lines = f"{ARABIC}\nTaken at 8."
    changes: dict[str, Any] = {"remarks": (Remark(who="د. محمد", when="2026-01-16", text=lines),)}
    if where == "value":
        changes = {"images": (changed(facts=(Fact(name="Notes", value=lines),)),)}
    pages = Pages(render(document(patient=(), summary=(), **changes)))
    left, drug, right = "".join(letter for letter, _ in pages.line_with(0, "Aspirin")).partition("Aspirin")
    assert drug
    assert "ذ" in right, "what is read first stands on the right"
    assert "ذ" not in left
    assert "ت" in left, "and what comes after the drug on its left"
    assert "ت" not in right
    english = pages.line_with(0, "Taken at 8.")
    assert english[0][0] == "T"


@pytest.mark.parametrize(
    ("line", "rightwards"),
    [(ARABIC, True), ("(2) אבג abc", True), ("Aspirin مرتين", False), ("100", False), ("", False)],
)
def test_a_line_runs_as_its_first_letter_does(line: str, rightwards: bool) -> None:
    assert runs_right_to_left(line) is rightwards
