"""`python -m training_job ingest`: a folder or an archive becomes a snapshot that training reads."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests import archives as make
from tests.archives import picture
from training_job.__main__ import main
from training_job.arrangement import DatasetError
from training_job.ingest.by_hand import ingest_by_hand
from training_job.snapshots import images_in, snapshot_entries, snapshot_in
from training_job.working_images import WorkingImages
from triagelens.domain.snapshots import SnapshotEntry

MIB = 1 << 20


def folder_of(path: Path, count: int = 6, label: str = "mel") -> Path:
    for number in range(count):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{number}.jpg").write_bytes(picture(number + 300))
    return path


def entries_in(output: Path) -> list[SnapshotEntry]:
    made = snapshot_in(output)
    assert made is not None
    return snapshot_entries(output / made.key)


def test_a_folder_and_an_archive_of_it_make_the_same_images(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos")
    with tarfile.open(tmp_path / "photos.tgz", "w:gz") as archive:
        archive.add(folder, "photos")
    output = tmp_path / "out"
    ingest_by_hand(folder, output)
    one = entries_in(output)
    ingest_by_hand(tmp_path / "photos.tgz", output)
    other = entries_in(output)
    assert len(one) == 6
    assert [(e.sha256, e.label, e.group, e.split) for e in one] == [
        (e.sha256, e.label, e.group, e.split) for e in other
    ]


def test_done_again_it_makes_the_same_snapshot(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos")
    first = ingest_by_hand(folder, tmp_path / "out")
    again = ingest_by_hand(folder, tmp_path / "out")
    assert again.snapshot_id == first.snapshot_id
    assert (tmp_path / "out" / first.key).is_file()


def test_the_specialty_is_found_or_named_after_the_folder(tmp_path: Path) -> None:
    assert ingest_by_hand(folder_of(tmp_path / "a"), tmp_path / "out").specialty == "skin"
    foot = folder_of(tmp_path / "Foot Ulcers", label="grade 1")
    assert ingest_by_hand(foot, tmp_path / "out").specialty == "foot-ulcers"


def test_a_column_says_what_belongs_together(tmp_path: Path) -> None:
    rows = [f"i{number},mel/{number}.jpg,mel,one" for number in range(12)]
    folder = folder_of(tmp_path / "photos", 12)
    table = "\n".join(["image_id,image_path,label,visit", *rows])
    (folder / "metadata.csv").write_text(table, encoding="utf-8")
    ingest_by_hand(folder, tmp_path / "out", group_column="visit")
    assert len({entry.group for entry in entries_in(tmp_path / "out")}) == 1
    with pytest.raises(DatasetError, match="lacks the column clinic"):
        ingest_by_hand(folder, tmp_path / "other", group_column="clinic")


def test_training_finds_the_images_of_a_snapshot_and_notices_changed_ones(tmp_path: Path) -> None:
    output = tmp_path / "out"
    made = ingest_by_hand(folder_of(tmp_path / "photos"), output)
    images = images_in(output, made, WorkingImages(tmp_path / "cache"))
    assert {image.sha256 for image in images} == {entry.sha256 for entry in entries_in(output)}
    assert all(WorkingImages(tmp_path / "cache").path(image.sha256).is_file() for image in images)
    (output / entries_in(output)[0].key).write_bytes(b"another image")
    with pytest.raises(DatasetError, match="has changed"):
        images_in(output, made, WorkingImages(tmp_path / "fresh"))


def test_the_command_tells_what_is_in_the_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_of(tmp_path / "photos")
    (folder / "mel" / "bad.jpg").write_bytes(b"no photo")
    with pytest.raises(SystemExit) as ended:
        main(["ingest", str(folder), "--output", str(tmp_path / "out")])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "left out: 1 (not an image)" in told
    assert "snapshots/" in told
    (problems,) = (tmp_path / "out" / "snapshots").glob("*.problems.jsonl")
    assert json.loads(problems.read_text())["file"] == "mel/bad.jpg"


@pytest.mark.parametrize("what", ["missing", "a text", "nothing"])
def test_the_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    source = tmp_path / "source"
    if what == "a text":
        source.write_text("no archive")
    elif what == "nothing":
        source.mkdir()
    with pytest.raises(SystemExit) as ended:
        main(["ingest", str(source), "--output", str(tmp_path / "out")])
    assert ended.value.code == 2
    assert {"missing": "neither a folder nor", "a text": "no archive", "nothing": "No images found!"}[
        what
    ] in capsys.readouterr().err


def test_ingesting_needs_no_torch() -> None:
    source = (
        "import sys, training_job.ingest.job, training_job.ingest.by_hand; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


MEASURE = """
import sys
from pathlib import Path
from training_job.ingest.by_hand import ingest_by_hand
ingest_by_hand(Path(sys.argv[1]), Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads a process's peak memory from Linux")
@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_peak_memory_does_not_grow_with_the_archive(tmp_path: Path, kind: str) -> None:
    """An archive that is larger by more than 60 MiB may take a quarter of that more, in all."""
    peaks: list[int] = []
    sizes: list[int] = []
    for count in (8, 80):
        path = tmp_path / f"{count}.{kind}"
        files = {f"mel/{number}.bmp": noise(number) for number in range(count)}
        path.write_bytes(
            make.zipped(files, base={}) if kind == "zip" else make.tarred(mode="w:gz", extra=files)
        )
        command = [sys.executable, "-c", MEASURE, str(path), str(tmp_path / f"out{count}")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(done.stdout) * 1024)
        sizes.append(path.stat().st_size)
    assert sizes[1] - sizes[0] > 60 * MIB
    assert peaks[1] - peaks[0] < (sizes[1] - sizes[0]) / 4


def noise(seed: int) -> bytes:
    """A BMP of about a mebibyte that cannot be packed."""
    rows = np.random.default_rng(seed).integers(0, 256, (592, 592, 3), dtype=np.uint8)
    size = (592).to_bytes(4, "little")
    header = b"BM" + (54 + rows.nbytes).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    info = (40).to_bytes(4, "little") + size + size + b"\1\0\x18\0" + bytes(24)
    return header + info + rows.tobytes()
