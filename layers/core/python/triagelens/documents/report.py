"""A report as a tagged PDF (PDF/UA-1), set by Typst.

All that people wrote reaches the template as JSON, never as markup: nothing in a name or a comment can be
taken for an instruction. The fonts come with the layer; nothing of the machine's is used.
"""

import io
import json
import tempfile
from importlib.resources import as_file, files
from pathlib import Path

import segno
import typst
from PIL import Image

from triagelens.domain.report_document import ReportDocument

_TEMPLATE = files("triagelens.documents") / "report.typ"
_FONTS = [str(files(package)) for package in ("manimgx_fonts", "manimgx_fonts_cjk")]

# Longest side of a picture: 225 dots an inch on the 72 mm that it has.
PRINTED_PX = 640


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
        (folder / "content.json").write_text(json.dumps(content), encoding="utf-8")
        (folder / "report.typ").write_bytes(template.read_bytes())
        compiler = typst.Compiler(
            str(folder / "report.typ"),
            root=str(folder),
            font_paths=_FONTS,
            ignore_system_fonts=True,
        )
        pdf = compiler.compile(
            format="pdf", pdf_standards=["ua-1"], timestamp=int(document.made_at.timestamp())
        )
        if not isinstance(pdf, bytes):
            raise TypeError("a PDF is one file")
        pages: int = json.loads(compiler.query("<pages>", field="value", one=True))
        return pdf, pages


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
