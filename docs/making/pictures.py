"""The pages' pictures, by the project's own code: `python -m docs.making.pictures [FOLDER]`.

They show generated photos: no patient is in any of them. What each one shows is asserted while it is drawn.
"""

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
from PIL import Image

from training_job.phantoms import photograph, render
from triagelens.documents.report import typeset
from triagelens.domain.explanations import Method
from triagelens.domain.prediction import Prediction
from triagelens.domain.quality import ImageLimits
from triagelens.domain.report_document import Clinic, Fact, Remark, ReportDocument, ShownImage, ShownLabel
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging.heatmap import evidence_map, overlay_jpeg
from triagelens.imaging.quality import Assessment, assess
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.session import LoadedModel
from triagelens.services.report_content import model_facts

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
MOST_BYTES = 150_000
SPECIALTY, LABEL, SEED = "skin", "mel", 12
TITLES = {label.name: label.title for label in SPECIALTIES[SPECIALTY].labels}
BLUR = 3.0  # pixels of the working image
_SHOWN = {"skin": "mel", "eye": "cataract", "oral": "lesion", "brain": "glioma"}
_WIDTH, _GAP = 448, 4
_REPORT_DPI = 80
_LABELS_SHOWN = 4


def photo(defocus: float = 0.0) -> bytes:
    """The photo that the pages follow, or the same out of focus: 12 megapixels, as from a phone."""
    return photograph(SPECIALTY, LABEL, SEED, defocus=defocus)


def checked(data: bytes) -> Assessment:
    """What the quality check says of a photo of the specialty."""
    return assess(data, focus_threshold=SPECIALTIES[SPECIALTY].focus_threshold, limits=ImageLimits())


def pictures() -> Iterator[tuple[str, bytes]]:
    """Each picture's file name and bytes.

    Raises:
        ValueError: a photo is judged, or read, otherwise than the pages say.
    """
    sharp, soft = photo(), photo(BLUR)
    judged = checked(sharp)
    if judged.working_image is None or checked(soft).report.verdict != "rejected":
        raise ValueError("the quality check judges the photos otherwise than the pages say")
    yield "photo.jpg", _small(sharp)
    yield "blurred.jpg", _small(soft)
    working = Image.open(io.BytesIO(judged.working_image), formats=["JPEG"])
    package = PackagedBaselines().package(SPECIALTY)
    if package is None:
        raise ValueError(f"there is no demonstration model of {SPECIALTY}")
    model = LoadedModel.open(package)
    finding = model.predict(working, demonstration=True)
    if finding.top_label != LABEL:
        raise ValueError(f"the model says {finding.top_label}")
    small = _as_wide(working, _WIDTH)  # before it is drawn on: the legend stays readable
    overlay = _overlay(model, finding, small)
    yield "evidence.jpg", overlay
    yield "finding.jpg", _jpeg(_beside([small, Image.open(io.BytesIO(overlay))]))
    phantoms = [render(specialty, label, SEED) for specialty, label in _SHOWN.items()]
    yield "phantoms.jpg", _jpeg(_beside(phantoms, width=224))
    yield "report.jpg", _first_page(typeset(_report(finding, _overlay(model, finding, working)))[0])


def _overlay(model: LoadedModel, finding: Prediction, image: Image.Image) -> bytes:
    """An image, as large as it is to be shown, under the evidence for `LABEL`."""
    grid = finding.features.values(LABEL) if finding.features else None
    if grid is None:
        raise ValueError("the finding has no evidence")
    evidence = evidence_map(grid, model.manifest.input, image.size)
    return overlay_jpeg(image, evidence, f"{Method.GRAD_CAM.at_first}: evidence for {TITLES[LABEL]}")


def _report(finding: Prediction, overlay: bytes) -> ReportDocument:
    ranked = sorted(finding.probabilities, key=lambda one: -one.probability)[:_LABELS_SHOWN]
    shown = ShownImage(
        picture=overlay,
        caption=f"Image 1, with the evidence for {TITLES[LABEL]}",
        labels=tuple(ShownLabel(title=TITLES[one.label], probability=one.probability) for one in ranked),
        facts=(
            Fact(name="Quality", value="accepted"),
            Fact(name="Model", value=f"{finding.model.name} {finding.model.version}"),
        ),
    )
    return ReportDocument(
        title="Case 10000",
        clinic=Clinic(name="Example Clinic"),
        about=(Fact(name="Specialty", value=SPECIALTIES[SPECIALTY].title), Fact(name="Status", value="open")),
        patient=(Fact(name="Number", value="P-1042"),),
        images=(shown,),
        remarks=(Remark(who="Doctor", when="2026-01-15", text="Compare with last year's photo."),),
        models=model_facts([finding]),
        disclaimer="This finding is a demonstration model's. It is not for clinical use.",
        link="https://portal.example.org/cases/10000",
        version=1,
        made_at=datetime(2026, 1, 15, 9, 30, tzinfo=UTC),
    )


def _first_page(pdf: bytes) -> bytes:
    page = pypdfium2.PdfDocument(pdf)[0].render(scale=_REPORT_DPI / 72).to_pil()
    return _jpeg(page.convert("RGB"))


def _small(data: bytes) -> bytes:
    return _jpeg(_as_wide(Image.open(io.BytesIO(data)), _WIDTH))


def _as_wide(image: Image.Image, width: int) -> Image.Image:
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def _beside(images: list[Image.Image], width: int = _WIDTH) -> Image.Image:
    """Pictures of one width in a row, on white."""
    row = [_as_wide(image, width) for image in images]
    whole = Image.new("RGB", (len(row) * (width + _GAP) - _GAP, max(one.height for one in row)), "white")
    for number, one in enumerate(row):
        whole.paste(one, (number * (width + _GAP), 0))
    return whole


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=85, optimize=True)
    return out.getvalue()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in pictures():
        if len(data) > MOST_BYTES:
            raise ValueError(f"{name} has {len(data)} bytes")
        (folder / name).write_bytes(data)
        print(f"wrote {folder / name}: {len(data) / 1000:.0f} KB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
