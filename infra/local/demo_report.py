"""What the demo shows: a table for people, then one line of JSON for programs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from triagelens_client import Image
from triagelens_client.cli.output import decision_of
from triagelens_client.files import Source

DEMONSTRATION = "demonstration model, not for clinical use"

_BAR = 20
"""Characters of a probability of 1."""

_VERDICTS = {
    "analyzed": "[green]analysed[/]",
    "rejected": "[yellow]rejected[/]",
    "failed": "[red]failed[/]",
    "expired": "[red]expired[/]",
}


@dataclass(frozen=True)
class Shown:
    """An image's result, and how long the client waited for what.

    Attributes:
        titles: of the specialty's labels, by name.
        upload_s: seconds from asking for an upload to the last byte sent.
        wait_s: seconds from there to the result.
    """

    image: Image
    photo: Source
    api_url: str
    titles: Mapping[str, str]
    upload_s: float
    wait_s: float

    def as_json(self) -> dict[str, Any]:
        """The result in one flat object; what a rejected image does not have is None."""
        finding, quality = self.image.prediction, self.image.quality
        return {
            "image_id": self.image.image_id,
            "specialty": self.image.specialty,
            "status": self.image.status,
            "top_label": finding and finding.top_label,
            "probability": finding and finding.probability,
            "blur_score": quality and quality.focus_score,
            "model": finding and finding.model.name,
            "model_version": finding and finding.model.version,
            "demonstration": finding and finding.demonstration,
            "latency_s": round(self.upload_s + self.wait_s, 3),
        }


def print_report(shown: Shown) -> None:
    """Prints to stdout; the JSON object is the very last line."""
    console = Console(highlight=False)
    table = Table(title=f"Image {shown.image.image_id}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, text in _rows(shown):
        table.add_row(heading, text)
    console.print(table)
    console.print(f"API: {shown.api_url}", soft_wrap=True, markup=False)
    console.print("The laptop cloud stays up; `make down` stops it.", markup=False)
    console.file.write(json.dumps(shown.as_json()) + "\n")
    console.file.flush()


def _rows(shown: Shown) -> list[tuple[str, str]]:
    image, finding, quality = shown.image, shown.image.prediction, shown.image.quality
    size = f", {quality.width} x {quality.height} pixels" if quality is not None and quality.width else ""
    rows = [
        ("Photo", f"{escape(shown.photo.name)}, {shown.photo.size_bytes / 1e6:.1f} MB{size}"),
        ("Specialty", escape(image.specialty)),
        ("Verdict", _VERDICTS.get(image.status, escape(image.status))),
    ]
    if quality is not None and quality.focus_score is not None:
        least = "" if quality.focus_threshold is None else f" (at least {quality.focus_threshold:.0f} needed)"
        rows.append(("Focus score", f"{quality.focus_score:.0f}{least}"))
    for reason in quality.reasons if quality is not None else ():
        rows.append(("Reason" if reason.severity == "reject" else "Remark", escape(reason.message)))
    if image.failure is not None:
        rows.append(("Failure", escape(f"{image.failure.message} ({image.failure.code})")))
    if finding is not None:
        for entry in finding.probabilities:
            title = escape(shown.titles.get(entry.label, ""))
            rows.append((escape(entry.label), f"{_bar(entry.probability)} {title}"))
        rows.append(("Decision", escape(decision_of(finding))))
        rows.append(("Model", escape(f"{finding.model.name} {finding.model.version}")))
        if finding.demonstration:
            rows.append(("", f"[bold yellow]{DEMONSTRATION}[/]"))
    rows.append(("Timings", _timings(shown)))
    return rows


def _bar(probability: float) -> str:
    return f"{probability:6.1%} {'█' * round(probability * _BAR):{_BAR}}"


def _timings(shown: Shown) -> str:
    """What the client waited for, and what the functions measured themselves."""
    lines = [f"upload {shown.upload_s:.2f} s, result after another {shown.wait_s:.2f} s"]
    for part, measured in (("check", shown.image.quality), ("analysis", shown.image.prediction)):
        if measured is not None and measured.timings_ms:
            stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in measured.timings_ms.items())
            lines.append(f"{part} (ms): {stages}")
    return escape("\n".join(lines))
