"""The page on HAM10000: its program prepares archives of that shape, and its estimates are the formula's."""

import io
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from infra.config import ROOT
from tests.archives import picture
from training_job.ingest.by_hand import ingest_by_hand
from training_job.snapshots import snapshot_entries
from triagelens.domain.training_settings import Prices, TrainingSettings, estimated_cost_usd

PAGE = (ROOT / "docs" / "ham10000.md").read_text(encoding="utf-8")
[PROGRAM] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
IMAGES = 10_015
# image -> label and lesion; two photos of one lesion
KNOWN = {"ISIC_1": ("mel", "L1"), "ISIC_2": ("mel", "L1"), "ISIC_3": ("nv", "L2"), "ISIC_4": ("df", "L3")}


def table(delimiter: str, quote: str = "") -> bytes:
    columns = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    rows = [
        [lesion, image, label, "histo", "45.0", "male", "back"] for image, (label, lesion) in KNOWN.items()
    ]
    return "\n".join(
        delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in [columns, *rows]
    ).encode()


def zipped(files: Mapping[str, bytes], compression: int = ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", compression) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return stream.getvalue()


PICTURES = {f"{image}.jpg": picture(700 + number) for number, image in enumerate(KNOWN)}


def half(first: bool) -> dict[str, bytes]:
    names = sorted(PICTURES)
    return {name: PICTURES[name] for name in (names[:2] if first else names[2:])}


SHAPES = {
    "zips in a zip": {
        "HAM10000_metadata": table(","),
        "HAM10000_images_part_1.zip": zipped(half(True)),
        "HAM10000_images_part_2.zip": zipped(half(False)),
        "HAM10000_segmentations_lesion_tschandl.zip": zipped({"masks/ISIC_1.png": b"a mask"}),
        "ISIC2018_Task3_Test_Images.zip": zipped({"ISIC_9.jpg": picture(9)}),
    },
    "a table with tabs": {
        "dataverse_files/HAM10000_metadata.tab": table("\t", '"'),
        "dataverse_files/HAM10000_images_part_1.zip": zipped(PICTURES),
    },
    "folders, each image twice": {
        "HAM10000_metadata.csv": table(","),
        **{f"HAM10000_images_part_1/{name}": data for name, data in PICTURES.items()},
        **{f"ham10000_images_part_1/{name}": data for name, data in PICTURES.items()},
        "hmnist_28_28_L.csv": b"pixel0000,label\n1,2\n",
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_program_makes_an_archive_that_is_ingested_whole(tmp_path: Path, shape: str) -> None:
    (tmp_path / "prepare.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "given.zip").write_bytes(zipped(SHAPES[shape]))
    done = subprocess.run(
        [sys.executable, "prepare.py", "given.zip", "ham10000.zip"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "4 images; 0 without a file\n"), done.stderr
    made = ingest_by_hand(tmp_path / "ham10000.zip", tmp_path / "snapshots", "skin", None)
    assert (made.images, made.problems) == (4, {})
    entries = {e.image_id: e for e in snapshot_entries((tmp_path / "snapshots" / made.key).read_bytes())}
    assert {name: entry.label for name, entry in entries.items()} == {
        name: label for name, (label, _) in KNOWN.items()
    }
    assert entries["ISIC_1"].group == entries["ISIC_2"].group != entries["ISIC_3"].group


def test_the_estimates_are_those_of_the_formula() -> None:
    usual = Prices(usd_per_hour=1.22, start_up_s=600, overhead=1.3)
    for name in ("DenseNet169", "ResNet18", "ResNet50", "EfficientNet-B3"):
        cost = estimated_cost_usd(TrainingSettings(architecture=name, epochs=30), IMAGES, usual)
        assert f"${cost:.2f}" in PAGE, name
