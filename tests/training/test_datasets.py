"""A folder of images is understood as it is, and whatever is left out is named with its reason."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training_job.arrangement import DatasetError, Problem
from training_job.dataset import find_images
from training_job.pixels import ModelInputs, load_pixels
from training_job.splits import group_names
from training_job.working_images import TrainingImage, WorkingImages, snapshot, take_in, write_lists
from triagelens.domain.manifest import InputSpec
from triagelens.domain.splits import SHARES, split_of
from triagelens.imaging.preprocess import preprocess

KEY = "a key"


def picture(path: Path, seed: int, size: tuple[int, int] = (120, 90)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def table(folder: Path, *rows: str, columns: str = "image_id,image_path,label") -> None:
    (folder / "metadata.csv").write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")


def taken_in(folder: Path, cache: Path) -> tuple[list[TrainingImage], list[Problem]]:
    return take_in(find_images(folder), WorkingImages(cache), KEY, workers=1)


def test_one_folder_per_class_is_found_at_any_depth(tmp_path: Path) -> None:
    picture(tmp_path / "mel" / "a.png", 1)
    picture(tmp_path / "mel" / "2020" / "b.PNG", 2)
    picture(tmp_path / "nv" / "a.jpg", 3)
    listing = find_images(tmp_path)
    assert listing.arrangement.layout == "folders"
    assert {(entry.file, entry.label) for entry in listing.entries} == {
        ("mel/a.png", "mel"),
        ("mel/2020/b.PNG", "mel"),
        ("nv/a.jpg", "nv"),
    }


def test_an_unpacked_archive_with_one_folder_around_it_is_found(tmp_path: Path) -> None:
    picture(tmp_path / "HAM10000" / "mel" / "a.png", 1)
    picture(tmp_path / "HAM10000" / "nv" / "b.png", 2)
    assert {entry.label for entry in find_images(tmp_path).entries} == {"mel", "nv"}


def test_a_single_class_is_not_taken_for_a_folder_around_classes(tmp_path: Path) -> None:
    picture(tmp_path / "mel" / "a.png", 1)
    assert [entry.label for entry in find_images(tmp_path).entries] == ["mel"]


def test_metadata_goes_before_folders_and_names_patients_and_lesions(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png", 1)
    picture(tmp_path / "images" / "b.png", 2)
    columns = "image_id, image_path ,label,patient_id,lesion_id"
    table(tmp_path, "1,images/a.png,melanoma,p1,l1", "2,b.png, benign ,,l2", columns=columns)
    listing = find_images(tmp_path)
    assert listing.arrangement.layout == "metadata"
    assert [(entry.file, entry.label, entry.patient, entry.lesion) for entry in listing.entries] == [
        ("images/a.png", "melanoma", "p1", "l1"),
        ("images/b.png", "benign", None, "l2"),
    ]


def test_each_bad_line_of_metadata_is_named_with_its_reason(tmp_path: Path) -> None:
    for name in ("a", "b", "unnamed"):
        picture(tmp_path / f"{name}.png", 1)
    picture(tmp_path.parent / "outside.png", 1)
    table(
        tmp_path,
        "1,a.png,mel",
        "1,b.png,mel",
        "3,../outside.png,mel",
        f"4,{tmp_path.parent / 'outside.png'},mel",
        "5,gone.png,mel",
        "6,a.png,nv",
        "7,b.png,",
    )
    listing = find_images(tmp_path)
    assert [entry.file for entry in listing.entries] == ["a.png"]
    reasons = {problem.file: problem.reason for problem in listing.problems}
    assert "used twice" in reasons["metadata.csv, line 3"]
    assert "out of the folder" in reasons["metadata.csv, line 4"]
    assert "out of the folder" in reasons["metadata.csv, line 5"]
    assert "no image 'gone.png'" in reasons["metadata.csv, line 6"]
    assert "named twice" in reasons["metadata.csv, line 7"]
    assert "label is empty" in reasons["metadata.csv, line 8"]
    assert "does not name it" in reasons["unnamed.png"]


def test_no_images_found_says_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.dcm").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DatasetError) as caught:
        find_images(tmp_path)
    message = str(caught.value)
    assert message.startswith("No images found! Looked for metadata.csv")
    assert "one folder per class" in message
    for found in ("1 file (.dcm)", "1 file (.txt)", "the folders scans"):
        assert found in message


def test_metadata_that_matches_no_image_says_so(tmp_path: Path) -> None:
    table(tmp_path, "1,gone.png,mel")
    with pytest.raises(
        DatasetError, match=r"(?s)No images found! metadata.csv is there.*line 2: there is no"
    ):
        find_images(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"image_id,image,dx\n1,a.png,mel\n", "lacks the column image_path and label; it has: image_id"),
        (b"image_id,image_path,label\n1,\xff.png,mel\n", "not UTF-8"),
        (b"", "it has: none"),
    ],
)
def test_unusable_metadata_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        find_images(tmp_path)


def test_unreadable_files_and_copies_are_left_out_and_listed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    picture(folder / "mel" / "good.png", 1)
    picture(folder / "nv" / "good.png", 2)
    picture(folder / "nv" / "tiny.png", 3, size=(8, 8))
    (folder / "nv" / "text.jpg").write_text("not an image")
    (folder / "nv" / "half.png").write_bytes((folder / "nv" / "good.png").read_bytes()[:3000])
    (folder / "nv" / "z_copy.png").write_bytes((folder / "nv" / "good.png").read_bytes())
    picture(folder / "mel" / "twice.png", 4)
    picture(folder / "nv" / "twice.png", 4)
    images, problems = taken_in(folder, tmp_path / "cache")
    assert [image.file for image in images] == ["mel/good.png", "nv/good.png"]
    reasons = {problem.file: problem.reason for problem in problems}
    assert "not an image" in reasons["nv/text.jpg"]
    assert "ends before" in reasons["nv/half.png"]
    assert "less than 64 pixels" in reasons["nv/tiny.png"]
    assert reasons["nv/z_copy.png"] == "it is a copy of nv/good.png"
    for file in ("mel/twice.png", "nv/twice.png"):
        assert reasons[file] == "the same image is labelled mel and nv"
    assert len(reasons) == len(problems) == 6


def test_the_split_is_70_20_10_and_depends_on_the_group_alone() -> None:
    sets = Counter(split_of(f"patient:{number}", KEY) for number in range(20_000))
    for name, share in SHARES.items():
        assert sets[name] / 20_000 == pytest.approx(share, abs=0.02)
    assert [split_of(f"patient:{number}", KEY) for number in range(5)] == [
        split_of(f"patient:{number}", KEY) for number in range(5)
    ]
    assert sum(split_of(str(n), KEY) != split_of(str(n), "another key") for n in range(1000)) > 200


def test_images_of_one_patient_or_lesion_stay_together() -> None:
    members = [
        ("p1", "l1", "a"),
        (None, "l1", "b"),
        ("p2", None, "c"),
        (None, "l9", "d"),
        (None, None, "e"),
        ("p2", "l9", "f"),
    ]
    expected = ["patient:p1", "patient:p1", "patient:p2", "patient:p2", "image:e", "patient:p2"]
    assert group_names(members) == expected
    assert group_names(reversed(members)) == expected[::-1]


def test_a_copy_ties_two_patients_together(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name, seed in (("a", 1), ("b", 2), ("copy", 1)):
        picture(folder / f"{name}.png", seed)
    columns = "image_id,image_path,label,patient_id"
    table(folder, "1,a.png,mel,p1", "2,b.png,nv,p2", "3,copy.png,mel,p2", columns=columns)
    images, _ = taken_in(folder, tmp_path / "cache")
    assert len({image.group for image in images}) == 1


def test_a_snapshot_is_named_by_its_content(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / "data" / ("mel" if number % 2 else "nv") / f"{number}.png", number)
    images, _ = taken_in(tmp_path / "data", tmp_path / "cache")
    assert snapshot(images) == snapshot(images[::-1])
    assert snapshot(images) != snapshot(images[1:])


def test_a_network_gets_what_preprocessing_gives_in_production(tmp_path: Path) -> None:
    for number, size in enumerate([(120, 90), (90, 140), (200, 200)]):
        picture(tmp_path / "data" / "mel" / f"{number}.png", number, size)
    images, _ = taken_in(tmp_path / "data", tmp_path / "cache")
    working = WorkingImages(tmp_path / "cache")
    spec = InputSpec(name="image", height=64, width=64, resize_to=72, mean=[0.4, 0.5, 0.6], std=[0.2] * 3)
    pixels = load_pixels(images, working, spec, tmp_path / "cache", workers=1)
    inputs = ModelInputs(pixels, np.array([2, 0]), spec)[0:2]
    for given, row in zip(inputs, (2, 0), strict=True):
        with Image.open(working.path(images[row].sha256)) as image:
            np.testing.assert_array_equal(given, preprocess(image, spec)[0])


def test_working_images_are_made_once(tmp_path: Path) -> None:
    picture(tmp_path / "data" / "mel" / "a.png", 1)
    images, _ = taken_in(tmp_path / "data", tmp_path / "cache")
    made = WorkingImages(tmp_path / "cache").path(images[0].sha256)
    before = made.stat().st_mtime_ns
    taken_in(tmp_path / "data", tmp_path / "cache")
    assert made.stat().st_mtime_ns == before
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [made]


def test_names_with_odd_characters_survive_the_lists(tmp_path: Path) -> None:
    write_lists([], [Problem('a, "quoted" näme.jpg', "why, indeed")], tmp_path)
    with (tmp_path / "problems.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"file": 'a, "quoted" näme.jpg', "reason": "why, indeed", "code": "not_usable"}
        ]
