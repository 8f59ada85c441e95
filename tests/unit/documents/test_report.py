"""A report can be read by everybody, and shows what it was given."""

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pypdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from triagelens.documents.report import typeset
from triagelens.domain.report_document import (
    Clinic,
    Fact,
    Remark,
    ReportDocument,
    ShownImage,
    ShownLabel,
)

REFERENCE = Path(__file__).parent / "report_page.png"
MADE = datetime(2026, 1, 16, 12, 0, tzinfo=UTC)


def picture(number: int = 0, side: int = 300) -> bytes:
    image = Image.new("RGB", (side, side * 3 // 4), (225, 190, 170 - number % 160))
    draw = ImageDraw.Draw(image)
    draw.ellipse((side // 3, side // 4, side // 3 + 60 + number % 40, side // 4 + 70), fill=(90, 50, 40))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def shown(number: int = 0, side: int = 300) -> ShownImage:
    return ShownImage(
        picture=picture(number, side),
        caption=f"Photo {number} with the evidence for Melanoma",
        labels=(
            ShownLabel(title="Melanoma", probability=0.873),
            ShownLabel(title="Nevus", probability=0.127),
        ),
        facts=(Fact(name="Quality", value="accepted"), Fact(name="Model", value="phantom-skin 1.0.0")),
    )


def render(what: ReportDocument) -> bytes:
    pdf, pages = typeset(what)
    assert pages == len(read(pdf).pages)
    return pdf


def document(**changes: Any) -> ReportDocument:
    return ReportDocument.model_validate(
        {
            "title": "Case 10042",
            "clinic": Clinic(name="Example Clinic", address="1 Example Street"),
            "about": (Fact(name="Opened", value="2026-01-15"),),
            "patient": (Fact(name="Number", value="P-1042"),),
            "summary": (Fact(name="Images", value="1"),),
            "images": (shown(),),
            "remarks": (Remark(who="Reader", when="2026-01-16", text="Grown since spring."),),
            "disclaimer": "Demonstration model, not for clinical use.",
            "link": "https://clinic.example.org/cases/01JD",
            "version": 3,
            "made_at": MADE,
            **changes,
        }
    )


def read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in read(pdf).pages)


def test_all_that_it_was_given_is_in_the_text() -> None:
    text = text_of(render(document()))
    for said in (
        *("Case 10042", "Example Clinic", "1 Example Street", "P-1042", "2026-01-15", "Grown since spring."),
        *("Melanoma", "87.3 %", "12.7 %", "phantom-skin 1.0.0", "not for clinical use", "version 3"),
        *("page 1 of 1", "2026-01-16 12:00 UTC"),
    ):
        assert said in text, said


@pytest.mark.parametrize(
    "name", ["José Ångström", "王小明", "Łukasz Żółć", "Никита", "Ελένη", "さくら", "한지민"]
)
def test_names_of_any_script_can_be_read_back(name: str) -> None:
    assert name in text_of(render(document(patient=(Fact(name="Name", value=name),))))


@pytest.mark.parametrize("name", ["محمد", "אבג", "अनु"])
def test_scripts_that_join_or_run_the_other_way_are_set_in_a_font_that_has_them(name: str) -> None:
    pdf = render(document(patient=(Fact(name="Name", value=name),)))
    missing = render(document(patient=(Fact(name="Name", value="\U0001f9ff" * 3),)))
    assert set("".join(name.split())) & set(text_of(pdf))
    assert page_picture(pdf).tobytes() != page_picture(missing).tobytes()


def test_it_is_tagged_for_those_who_listen_to_it() -> None:
    reader = read(render(document()))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Case 10042"
    assert b"pdfuaid" in root["/Metadata"].get_data()
    told: list[str] = []
    collect_alternatives(root["/StructTreeRoot"], told)
    assert "Photo 0 with the evidence for Melanoma" in told
    assert any("QR code" in text for text in told)


def collect_alternatives(node: Any, told: list[str]) -> None:
    """The texts that stand for pictures, out of the tree of tags."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            collect_alternatives(child, told)
    elif isinstance(node, dict):
        if "/Alt" in node:
            told.append(str(node["/Alt"]))
        collect_alternatives(node.get("/K", []), told)


def test_each_image_is_on_a_page_and_pages_are_counted() -> None:
    pdf = render(document(images=tuple(shown(number) for number in range(7))))
    reader = read(pdf)
    pictures = [image for page in reader.pages for image in page.images]
    assert len([one for one in pictures if one.name.endswith((".jpg", ".jpeg"))]) == 7
    assert len(reader.pages) > 1
    assert f"page {len(reader.pages)} of {len(reader.pages)}" in reader.pages[-1].extract_text()
    for number in range(7):
        assert f"Image {number + 1} of 7" in text_of(pdf)


def test_without_images_patient_or_remarks_it_is_a_report_all_the_same() -> None:
    text = text_of(render(document(images=(), patient=(), remarks=(), summary=())))
    assert "Patient" not in text
    assert "Readers' remarks" not in text


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "SVG"])
def test_a_clinics_logo_is_shown(kind: str) -> None:
    logo = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    if kind != "SVG":
        out = io.BytesIO()
        Image.new("RGB", (40, 20), "teal").save(out, kind)
        logo = out.getvalue()
    with_logo = render(document(clinic=Clinic(name="Example Clinic", logo=logo)))
    assert page_picture(with_logo).tobytes() != page_picture(render(document())).tobytes()


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render(document()) == render(document())
    assert render(document()) != render(document(version=4))


@pytest.mark.parametrize(
    "link", ["https://clinic.example.org/cases/01JD", "01JHABCDEFGHJKMNPQRSTVWXYZ", "x" * 200]
)
def test_the_qr_code_leads_to_the_case(link: str) -> None:
    seen = np.asarray(page_picture(render(document(link=link)), scale=3))
    found, _, _ = cv2.QRCodeDetector().detectAndDecode(seen)
    assert found == link


def test_the_pictures_in_the_file_are_those_that_it_was_given() -> None:
    images = (shown(0), shown(90))
    inside = [image.image for page in read(render(document(images=images))).pages for image in page.images]
    photos = [one for one in inside if one is not None and one.format == "JPEG"]
    assert len(photos) == len(images)
    for given_one, kept in zip(images, photos, strict=True):
        assert given_one.picture is not None
        original = Image.open(io.BytesIO(given_one.picture))
        assert kept.size == original.size
        assert np.abs(np.asarray(kept, np.int16) - np.asarray(original, np.int16)).mean() < 1


@pytest.mark.parametrize("size", [(3000, 300), (1024, 896), (768, 1100), (334, 1064), (128, 1064)])
def test_pictures_are_as_fine_as_they_can_be_read_and_no_finer(size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, "tan").save(out, "JPEG")
    pdf = render(document(images=(shown().model_copy(update={"picture": out.getvalue()}),)))
    [kept] = [one for one in read(pdf).pages[-1].images if one.image and one.image.format == "JPEG"]
    assert kept.image is not None
    width, height = kept.image.size
    assert width <= 520
    assert width * height <= 520 * 525, "what Typst holds of each in memory"
    assert width / height == pytest.approx(size[0] / size[1], rel=0.02)
    assert width == size[0] or width > 0.97 * min(520, 520 * (size[0] / size[1]) ** 0.5)


def test_nothing_is_said_to_be_certain() -> None:
    labels = (
        ShownLabel(title="Melanoma", probability=0.99962),
        ShownLabel(title="Nevus", probability=0.00038),
    )
    text = text_of(render(document(images=(shown().model_copy(update={"labels": labels}),))))
    assert ">99.9 %" in text
    assert "<0.1 %" in text
    assert "100" not in text.replace("Case 10042", "").replace("1.0.0", "")


def test_a_bar_is_as_long_as_its_label_is_probable() -> None:
    lengths = {share: bar_length(share) for share in (0.2, 0.4, 0.8)}
    assert lengths[0.4] / lengths[0.2] == pytest.approx(2, rel=0.05)
    assert lengths[0.8] / lengths[0.2] == pytest.approx(4, rel=0.05)


def bar_length(share: float) -> int:
    """Pixels of the most probable label's bar: all of its colour to the right of the picture."""
    one = shown().model_copy(update={"labels": (ShownLabel(title="Melanoma", probability=share),)})
    opened = pypdfium2.PdfDocument(render(document(images=(one,))))
    pixels = np.asarray(opened[0].render(scale=2).to_pil().convert("RGB"), np.int16)
    opened.close()
    blue = np.abs(pixels - np.array([0x1F, 0x4E, 0x79])).max(axis=2) < 12
    blue[blue[:, int(blue.shape[1] * 0.12)]] = False  # the lines that go from rim to rim
    return int(blue[:, int(blue.shape[1] * 0.45) :].sum(axis=1).max())


def page_picture(pdf: bytes, scale: float = 0.75) -> Image.Image:
    opened = pypdfium2.PdfDocument(pdf)
    try:
        drawn: Image.Image = opened[0].render(scale=scale).to_pil()
        return drawn.convert("L")
    finally:
        opened.close()


def furthest(seen: Image.Image, reference: Image.Image) -> float:
    """The largest difference of brightness (0 to 255) among squares of 4 x 4 pixels."""
    assert seen.size == reference.size
    small = (seen.width // 4, seen.height // 4)
    pixels = (np.asarray(one.resize(small, Image.Resampling.BOX), np.int16) for one in (seen, reference))
    return float(np.abs(next(pixels) - next(pixels)).max())


def test_the_first_page_looks_as_it_did() -> None:
    seen = page_picture(render(document()))
    reference = Image.open(REFERENCE)
    assert furthest(seen, reference) < 30, "if it is meant to: save `page_picture(render(document()))` there"
    surer = shown().model_copy(update={"labels": (ShownLabel(title="Melanoma", probability=0.973),)})
    for other in (
        document(title="Case 20071"),
        document(patient=()),
        document(clinic=Clinic(name="Another Clinic")),
        document(images=(surer,)),
    ):
        assert furthest(page_picture(render(other)), reference) >= 30, "the comparison sees such changes"


def test_two_hundred_images_stay_under_half_a_gigabyte() -> None:
    command = [sys.executable, "-m", "bench.reports", "200"]  # in a process that has held nothing else
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    assert measured["mb"] < 512
    assert 40 < measured["pages"] < 120
