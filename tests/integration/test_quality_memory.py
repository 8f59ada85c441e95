"""Peak memory of the whole quality check on the largest images allowed, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infra.config import ROOT

PEAK_MB = 512

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory of one process is read from Linux's /proc"
)


def picture(mode: str, width: int, height: int) -> Image.Image:
    """A texture with noise, so that the file is of the size that a camera's would have."""
    tile = np.random.default_rng(1).normal(0, 6, (500, 500)) + np.linspace(60, 190, 500)
    rows, columns = -(-height // 500), -(-width // 500)
    plane = np.tile(tile.clip(0, 255).astype(np.uint8), (rows, columns))[:height, :width]
    grey = Image.fromarray(np.ascontiguousarray(plane))
    return Image.merge(mode, [grey] * len(Image.new(mode, (1, 1)).getbands()))


@pytest.mark.parametrize(
    ("mode", "size", "kind", "options"),
    [
        ("RGB", (8660, 5773), "JPEG", {"quality": 85}),
        ("RGB", (8660, 5773), "JPEG", {"quality": 85, "progressive": True, "subsampling": 0}),
        ("CMYK", (7070, 5303), "JPEG", {"quality": 85, "progressive": True, "subsampling": 0}),
        ("RGB", (8660, 5773), "PNG", {"compress_level": 1}),
        ("RGBA", (6120, 4084), "PNG", {"compress_level": 1}),
        ("RGB", (8660, 5773), "WEBP", {"quality": 60, "method": 0}),
    ],
    ids=["jpeg", "progressive", "cmyk", "png", "png with alpha", "webp"],
)
def test_the_largest_image_stays_within_the_functions_memory(
    mode: str, size: tuple[int, int], kind: str, options: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "largest"
    picture(mode, *size).save(path, kind, **options)
    child = subprocess.run(
        [sys.executable, "-m", "tests.one_quality_check", str(path), f"image/{kind.lower()}"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    outcome = json.loads(child.stdout.splitlines()[-1])
    report = outcome["record"]["quality"]
    assert (report["width"], report["height"]) == size
    assert report["working_width"] >= 960  # it was decoded
    assert outcome["peak_mb"] < PEAK_MB
    sys.stdout.write(f"{kind} {path.stat().st_size / 1e6:.1f} MB: peak {outcome['peak_mb']:.0f} MB\n")
