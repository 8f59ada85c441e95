"""`python -m bench.reports`: what reports of 1, 20 and 200 images take to set, added to build/bench.json.

It runs in the environment that the functions are tested in, which has Typst; each report in a process of
its own.
"""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

REPORT = Path("build/bench.json")
IMAGES = (1, 20, 200)
AIMS = {"report_200_s": ("at most", 30.0), "report_200_mb": ("at most", 512.0)}
_ROUNDS = 3
_SIZE = (1024, 768 + 128)  # with the legend


def main() -> None:
    measured = {count: [_in_a_new_process(count) for _ in range(_ROUNDS)] for count in IMAGES}
    figures = report(measured)
    known = json.loads(REPORT.read_text(encoding="utf-8")) if REPORT.exists() else {}
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(known | figures, indent=2) + "\n", encoding="utf-8")
    _show(figures)


def report(measured: dict[int, list[dict[str, float]]]) -> dict[str, Any]:
    """By number of images: the quickest round (others share the machine), the largest memory, the pages."""
    rows = {
        str(count): {
            "s": round(min(one["s"] for one in rounds), 2),
            "mb": round(max(one["mb"] for one in rounds)),
            "pages": round(rounds[0]["pages"]),
        }
        for count, rounds in measured.items()
    }
    return {"report_200_s": rows["200"]["s"], "report_200_mb": rows["200"]["mb"], "reports": rows}


def measure(count: int) -> dict[str, float]:
    """Sets a report of so many images with noise. Seconds, megabytes at most, pages."""
    from triagelens.documents.report import typeset

    document = _document(count)
    begun = time.perf_counter()
    _, pages = typeset(document)
    taken = time.perf_counter() - begun
    return {"s": taken, "mb": _peak_mb(), "pages": pages}


def _peak_mb() -> float:
    """What the process has held at most, by Linux's own count."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


def _document(count: int) -> Any:
    """As `render_report` gathers it: overlays of working images as JPEG."""
    import numpy as np
    from PIL import Image

    from triagelens.domain.report_document import Clinic, Fact, Remark, ReportDocument, ShownImage, ShownLabel

    noise = np.random.default_rng(1)
    images = []
    for number in range(count):
        pixels = noise.normal(140, 25, (_SIZE[1], _SIZE[0], 3)).clip(0, 255).astype(np.uint8)
        picture = BytesIO()
        Image.fromarray(pixels).save(picture, "JPEG", quality=88)
        labels = tuple(ShownLabel(title=f"Label {place}", probability=0.5**place) for place in range(1, 8))
        said = tuple(Fact(name=name, value=f"value {number}") for name in ("Status", "Quality", "Model"))
        images.append(
            ShownImage(picture=picture.getvalue(), caption=f"Image {number}.", labels=labels, facts=said)
        )
    return ReportDocument(
        title="Patient 1042",
        clinic=Clinic(name="Example Clinic", address="1 Example Street"),
        about=(Fact(name="Cases", value=str(count)),),
        images=tuple(images),
        remarks=tuple(Remark(who="Reader", when="2026-01-16", text="Stable. " * 20) for _ in range(count)),
        disclaimer="Not for clinical use.",
        link="https://clinic.example.org/patients/01JD",
        version=1,
        made_at=datetime(2026, 1, 16, tzinfo=UTC),
    )


def _in_a_new_process(count: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.reports", str(count)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def _show(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Figure", "Measured", "Aim")
    for name, (word, aim) in AIMS.items():
        table.add_row(name, f"{figures[name]}", f"{word} {aim:g}")
    for count, row in figures["reports"].items():
        table.add_row(f"report of {count}", f"{row['s']} s, {row['mb']} MB, {row['pages']} pages", "")
    Console().print(table)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]))))
    else:
        main()
