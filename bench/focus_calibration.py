"""Calibrates the focus threshold of each specialty on a graded blur series of phantoms.

`python -m bench.focus_calibration` prints the tables of docs/quality.md; with `--write FILE` it puts
them between that file's markers. Scenes are drawn once, blurred (defocus: a Gaussian; shake: a
straight motion), recorded by several cameras (size, noise, file), and go through the platform's own
header, decoder and focus measure. Takes about ten minutes on two cores.
"""

import argparse
import io
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training_job.phantoms import camera, render
from triagelens.domain.quality import ImageLimits
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging.decode import decode
from triagelens.imaging.focus import measure_focus
from triagelens.imaging.header import read_header

BEGIN, END = "<!-- focus calibration: begin -->", "<!-- focus calibration: end -->"
DEFOCUS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
SHAKE = (6, 12, 24)
SHARP, BLURRED = 0.5, 3.0  # defocus that must pass, and that must not
SEEDS = (101,)
_ANY_SIZE = ImageLimits(max_bytes=10**9)


@dataclass(frozen=True)
class Camera:
    """What records a scene. `noise` is in grey levels at the sensor; `counts` for the calibration."""

    name: str
    size: tuple[int, int]
    noise: float
    format: str = "JPEG"
    quality: int = 85
    counts: bool = True

    def take(self, scene: NDArray[np.float32], rng: np.random.Generator, grey: bool) -> bytes:
        """The file that this camera writes of a scene (rows, columns, 3), 0..1."""
        pixels = camera.sense(scene.copy(), rng, self.size, self.noise, grey)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, self.format, quality=self.quality, compress_level=1)
        return buffer.getvalue()


CAMERAS = (
    Camera("phone, 12 MP", (4032, 3024), noise=5),
    Camera("dim room, 3 MP", (2016, 1512), noise=8),
    Camera("scan, 1024 x 768, PNG", (1024, 768), noise=2, format="PNG"),
    Camera("file of 640 x 480", (640, 480), noise=2, quality=90, counts=False),
    Camera("extreme noise, 1024 x 768", (1024, 768), noise=8, counts=False),
)


@dataclass(frozen=True)
class Shot:
    """One photo's outcome; blur in pixels of a 1024-pixel working image."""

    camera: Camera
    kind: str
    blur: float
    score: float
    detail: float

    @property
    def decisive(self) -> float:
        """What is compared with the threshold."""
        return min(self.score, self.detail)


def series(specialty: str) -> Iterator[Shot]:
    """Every label, scene, blur and camera of a specialty."""
    rng = np.random.default_rng(7)
    labels = SPECIALTIES[specialty].label_names
    for label, seed in ((label, seed) for label in labels for seed in SEEDS):
        drawn = render(specialty, label, seed, noise=0.0)
        scene = np.asarray(drawn, np.float32) / np.float32(255)
        for kind, blur, blurred in _blurred(scene):
            for recorder in CAMERAS:
                data = recorder.take(blurred, rng, specialty == "brain")
                pixels = decode(data, read_header(data, _ANY_SIZE))
                focus = measure_focus(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8))
                yield Shot(recorder, kind, blur, focus.score, focus.detail)


def _blurred(scene: NDArray[np.float32]) -> Iterator[tuple[str, float, NDArray[np.float32]]]:
    for sigma in DEFOCUS:
        yield "defocus", sigma, camera.focus(scene, sigma)
    for length in SHAKE:
        streak = np.eye(length, dtype=np.float32) / length  # along the diagonal
        yield "shake", length, np.asarray(cv2.filter2D(scene, -1, streak), np.float32)


def suggestion(shots: list[Shot]) -> tuple[float, float, float]:
    """(highest score of a blurred photo, lowest of a sharp one, geometric mean of both)."""
    counted = [shot for shot in shots if shot.kind == "defocus" and shot.camera.counts]
    blurred = max(shot.decisive for shot in counted if shot.blur >= BLURRED)
    sharp = min(shot.decisive for shot in counted if shot.blur <= SHARP)
    return blurred, sharp, float(np.sqrt(blurred * sharp))


def tables(results: dict[str, list[Shot]]) -> str:
    """The Markdown of docs/quality.md."""
    lines = ["| specialty | blurred, at most | sharp, at least | geometric mean | threshold |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name, shots in results.items():
        blurred, sharp, mean = suggestion(shots)
        set_to = SPECIALTIES[name].focus_threshold
        lines.append(f"| {name} | {blurred:.1f} | {sharp:.1f} | {mean:.1f} | **{set_to:g}** |")
    for name, shots in results.items():
        lines += ["", f"### {name}", "", *_acceptance(shots, SPECIALTIES[name].focus_threshold)]
    return "\n".join(lines)


def _acceptance(shots: list[Shot], threshold: float) -> list[str]:
    columns = [("defocus", blur) for blur in DEFOCUS] + [("shake", float(length)) for length in SHAKE]
    cells: dict[tuple[Camera, str, float], list[Shot]] = defaultdict(list)
    for shot in shots:
        cells[shot.camera, shot.kind, shot.blur].append(shot)
    rows = ["| camera | " + " | ".join(f"{kind} {blur:g}" for kind, blur in columns) + " |"]
    rows.append("| --- |" + " ---: |" * len(columns))
    for recorder in CAMERAS:
        shares = [np.mean([s.decisive >= threshold for s in cells[recorder, *column]]) for column in columns]
        rows.append(f"| {recorder.name} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
    middle = [
        np.median([s.score for r in CAMERAS if r.counts for s in cells[r, *column]]) for column in columns
    ]
    detail = [
        np.median([s.detail for r in CAMERAS if r.counts for s in cells[r, *column]]) for column in columns
    ]
    rows.append("| *median focus score* | " + " | ".join(f"{value:.1f}" for value in middle) + " |")
    rows.append("| *median detail score* | " + " | ".join(f"{value:.1f}" for value in detail) + " |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    results = {}
    for name in SPECIALTIES:
        results[name] = list(series(name))
        sys.stderr.write(f"{name}: {len(results[name])} photos\n")
    text = tables(results)
    if arguments.write is None:
        sys.stdout.write(text + "\n")
        return
    page = arguments.write.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    arguments.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
