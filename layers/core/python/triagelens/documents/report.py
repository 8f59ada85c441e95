"""A report as a tagged PDF (PDF/UA-1), set by Typst.

All that people wrote reaches the template as JSON, never as markup: nothing in a name or a comment can be
taken for an instruction. The fonts come with the layer, and nothing of the machine's is used; a letter that
they do not have is replaced.
"""

import io
import json
import math
import tempfile
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import segno
import typst
from PIL import Image

from triagelens.documents.legible import FONTS, legible, runs_right_to_left
from triagelens.domain.report_document import ReportDocument, percent

_TEMPLATE = files("triagelens.documents") / "report.typ"

# Width of a picture at most: 213 dots an inch on the 62 mm that it has. It has the square's pixels at most.
PRINTED_PX = 520


def typeset(document: ReportDocument) -> tuple[bytes, int]:
    """The report as PDF bytes, and how many pages it has. The same document gives the same bytes."""
    with tempfile.TemporaryDirectory() as name, as_file(_TEMPLATE) as template:
        folder = Path(name)
        content = document.model_dump(
            mode="json", exclude={"clinic": {"logo"}, "images": {"__all__": {"picture"}}}
        )
        for number, image in enumerate(document.images):
            for place, label in enumerate(image.labels):
                content["images"][number]["labels"][place]["percent"] = percent(label.probability)
            if image.picture is not None:
                data, (width, height) = _for_print(image.picture)
                (folder / f"image-{number}.jpg").write_bytes(data)
                content["images"][number] |= {"file": f"image-{number}.jpg", "width": width, "height": height}
        if document.clinic.logo is not None:
            file = f"logo.{_extension(document.clinic.logo)}"
            (folder / file).write_bytes(document.clinic.logo)
            content["clinic"]["logo"] = file
        segno.make(document.link, error="m").save(str(folder / "qr.svg"), border=0)
        content["made"] = f"{document.made_at:%Y-%m-%d %H:%M} UTC"
        content = _legible(content)
        content["right_to_left"] = sorted(set(filter(runs_right_to_left, _lines(content))))
        (folder / "content.json").write_text(json.dumps(content), encoding="utf-8")
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


def _lines(content: Any) -> Iterator[str]:
    """Every line of every text in JSON data."""
    if isinstance(content, str):
        yield from content.split("\n")
    elif isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from _lines(part)


def _for_print(picture: bytes) -> tuple[bytes, tuple[int, int]]:
    """A JPEG of `PRINTED_PX` at most, and its size: Typst holds all pictures of a document decoded."""
    with Image.open(io.BytesIO(picture), formats=["JPEG"]) as image:
        share = PRINTED_PX / max(image.width, math.sqrt(image.width * image.height))
        if share >= 1:
            return picture, image.size
        image.thumbnail((math.ceil(image.width * share), math.ceil(image.height * share)))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=88)
        return out.getvalue(), image.size


def _extension(logo: bytes) -> str:
    if logo.startswith(b"\x89PNG"):
        return "png"
    return "jpg" if logo.startswith(b"\xff\xd8") else "svg"
