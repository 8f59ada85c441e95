"""A report as a tagged PDF (PDF/UA-1), set by Typst.

All that people wrote reaches the template as JSON, never as markup: nothing in a name or a comment can be
taken for an instruction. The fonts come with the layer; nothing of the machine's is used.
"""

import json
import tempfile
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

import segno
import typst
from pydantic import BaseModel, ConfigDict

_TEMPLATE = files("triagelens.documents") / "report.typ"
_FONTS = [str(files(package)) for package in ("manimgx_fonts", "manimgx_fonts_cjk")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Fact(_Part):
    """One line of a table: what, and its value."""

    name: str
    value: str


class Clinic(_Part):
    """Who issues the report. `logo` is a PNG, JPEG or SVG file's bytes."""

    name: str
    address: str = ""
    logo: bytes | None = None


class ShownLabel(_Part):
    """A label of the model and its probability, 0 to 1."""

    title: str
    probability: float


class ShownImage(_Part):
    """One image of the case, with what was found in it.

    Attributes:
        picture: JPEG: the overlay with its legend, or the working image where there is no explanation.
        caption: what the picture shows, also for who cannot see it.
        labels: most probable first; empty where there is no finding.
        facts: quality, model, decision.
    """

    picture: bytes
    caption: str
    labels: tuple[ShownLabel, ...] = ()
    facts: tuple[Fact, ...] = ()


class Remark(_Part):
    """What a reader wrote, who and when."""

    who: str
    when: str
    text: str


class ReportDocument(_Part):
    """Everything that a report shows, in its order.

    Attributes:
        link: address of the case in the clinic's portal, for the QR code.
        version: counts the reports of the same case or patient.
    """

    title: str
    clinic: Clinic
    about: tuple[Fact, ...]
    patient: tuple[Fact, ...] = ()
    summary: tuple[Fact, ...] = ()
    images: tuple[ShownImage, ...] = ()
    remarks: tuple[Remark, ...] = ()
    disclaimer: str
    link: str
    version: int
    made_at: datetime


def render(document: ReportDocument) -> bytes:
    """The report as PDF bytes. The same document gives the same bytes."""
    with tempfile.TemporaryDirectory() as name, as_file(_TEMPLATE) as template:
        folder = Path(name)
        content = document.model_dump(
            mode="json", exclude={"clinic": {"logo"}, "images": {"__all__": {"picture"}}}
        )
        for number, image in enumerate(document.images):
            (folder / f"image-{number}.jpg").write_bytes(image.picture)
            content["images"][number]["file"] = f"image-{number}.jpg"
        if document.clinic.logo is not None:
            file = f"logo.{_extension(document.clinic.logo)}"
            (folder / file).write_bytes(document.clinic.logo)
            content["clinic"]["logo"] = file
        segno.make(document.link, error="m").save(str(folder / "qr.svg"), border=0)
        content["made"] = f"{document.made_at:%Y-%m-%d %H:%M} UTC"
        (folder / "content.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / "report.typ").write_bytes(template.read_bytes())
        return typst.compile(
            str(folder / "report.typ"),
            root=str(folder),
            font_paths=_FONTS,
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
            timestamp=int(document.made_at.timestamp()),
        )


def _extension(logo: bytes) -> str:
    if logo.startswith(b"\x89PNG"):
        return "png"
    return "jpg" if logo.startswith(b"\xff\xd8") else "svg"
