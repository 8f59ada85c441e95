"""A report as a tagged PDF (PDF/UA-1), set by Typst.

All that people wrote reaches the template as JSON, never as markup: nothing in a name or a comment can be
taken for an instruction. The fonts come with the layer, and nothing of the machine's is used; a letter that
they do not have is replaced.
"""

import io
import json
import tempfile
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import segno
import typst
from PIL import Image

from triagelens.documents.legible import FONTS, legible
from triagelens.domain.report_document import ReportDocument

_TEMPLATE = files("triagelens.documents") / "report.typ"

# Longest side of a picture: 213 dots an inch on the 62 mm that it has.
PRINTED_PX = 520


def typeset(document: ReportDocument) -> tuple[bytes, int]:
    """The report as PDF bytes, and how many pages it has. The same document gives the same bytes."""
    with tempfile.TemporaryDirectory() as name, as_file(_TEMPLATE) as template:
        folder = Path(name)
        content = document.model_dump(
            mode="json", exclude={"clinic": {"logo"}, "images": {"__all__": {"picture"}}}
        )
        for number, image in enumerate(document.images):
            if image.picture is not None:
                (folder / f"image-{number}.jpg").write_bytes(_for_print(image.picture))
                content["images"][number]["file"] = f"image-{number}.jpg"
        if document.clinic.logo is not None:
            file = f"logo.{_extension(document.clinic.logo)}"
            (folder / file).write_bytes(document.clinic.logo)
            content["clinic"]["logo"] = file
        segno.make(document.link, error="m").save(str(folder / "qr.svg"), border=0)
        content["made"] = f"{document.made_at:%Y-%m-%d %H:%M} UTC"
        (folder / "content.json").write_text(json.dumps(_legible(content)), encoding="utf-8")
        (folder / "report.typ").write_bytes(template.read_bytes())
        compiler = typst.Compiler(
            str(folder / "report.typ"),
            root=str(folder),
            font_paths=FONTS,
            ignore_system_fonts=True,
        )
        pdf = compiler.compile(
            format="pdf", pdf_standards=["ua-1"], timestamp=int(document.made_at.timestamp())
        )
        if not isinstance(pdf, bytes):
            raise TypeError("a PDF is one file")
        pages: int = json.loads(compiler.query("<pages>", field="value", one=True))
        return pdf, pages


def _legible(content: Any) -> Any:
    """JSON data with every text in it made legible."""
    if isinstance(content, str):
        return legible(content)
    if isinstance(content, list):
        return [_legible(part) for part in content]
    return {name: _legible(part) for name, part in content.items()} if isinstance(content, dict) else content


def _for_print(picture: bytes) -> bytes:
    """A JPEG at `PRINTED_PX` at most: Typst holds all pictures of a document in memory, decoded."""
    with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
        if max(image.size) <= PRINTED_PX:
            return picture
        image.thumbnail((PRINTED_PX, PRINTED_PX))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
        return out.getvalue()


def _extension(logo: bytes) -> str:
    if logo.startswith(b"\x89PNG"):
        return "png"
    return "jpg" if logo.startswith(b"\xff\xd8") else "svg"
