"""From the files of a dataset to working images: the same code as an upload's, once per file."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from training_job.arrangement import Entry, Problem
from training_job.atomic import write_bytes
from training_job.dataset import Listing
from training_job.splits import group_names
from triagelens.domain.quality import ImageLimits
from triagelens.domain.splits import Split, split_of
from triagelens.imaging.quality import assess


@dataclass(frozen=True)
class TrainingImage:
    """A labelled image that can be trained on.

    Attributes:
        file: path below the data folder.
        sha256: of the file; its working image is kept under this name.
        group: what it must stay in one set with.
    """

    file: str
    sha256: str
    label: str
    group: str
    split: Split


class WorkingImages:
    """A folder of working images (JPEG), each under the digest of the file that it was made from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "working"

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.jpg"

    def make(self, file: Path) -> tuple[str, str | None]:
        """The file's digest, and why it cannot be used, if it cannot."""
        try:
            data = file.read_bytes()
        except OSError as error:
            return "", f"it cannot be read ({error.strerror})"
        sha256 = hashlib.sha256(data).hexdigest()
        if self.path(sha256).exists():
            return sha256, None
        checked = assess(data, focus_threshold=0.0, limits=ImageLimits(), keep_blurred=True)
        if checked.working_image is None:
            return sha256, " ".join(reason.message for reason in checked.report.reasons)
        write_bytes(self.path(sha256), checked.working_image)
        return sha256, None


def take_in(
    listing: Listing, working: WorkingImages, split_key: str, workers: int
) -> tuple[list[TrainingImage], list[Problem]]:
    """Make the working images of a listing and split what is left.

    Copies of one image count once; copies under different labels are all left out.

    Returns:
        The images in the listing's order, and every file left out with the reason.
    """
    with ThreadPoolExecutor(workers) as pool:
        made = list(pool.map(lambda entry: working.make(listing.folder / entry.file), listing.entries))
    problems = list(listing.problems)
    readable: list[tuple[Entry, str]] = []
    for entry, (sha256, reason) in zip(listing.entries, made, strict=True):
        if reason is None:
            readable.append((entry, sha256))
        else:
            problems.append(Problem(entry.file, reason))
    # Copies count for the groups: they tie their patients together.
    groups = group_names((entry.patient, entry.lesion, sha256) for entry, sha256 in readable)
    copies: dict[str, list[Entry]] = defaultdict(list)
    for entry, sha256 in readable:
        copies[sha256].append(entry)
    images: list[TrainingImage] = []
    for (entry, sha256), group in zip(readable, groups, strict=True):
        reason = _wrong_with_copy(entry, copies[sha256])
        if reason:
            problems.append(Problem(entry.file, reason))
        else:
            images.append(TrainingImage(entry.file, sha256, entry.label, group, split_of(group, split_key)))
    return images, problems


def _wrong_with_copy(entry: Entry, copies: Sequence[Entry]) -> str | None:
    labels = sorted({copy.label for copy in copies})
    if len(labels) > 1:
        return f"the same image is labelled {' and '.join(labels)}"
    return None if entry is copies[0] else f"it is a copy of {copies[0].file}"


def snapshot(images: Iterable[TrainingImage]) -> str:
    """A name for exactly these images with these labels, groups and sets; the order does not count."""
    lines = sorted(f"{image.sha256} {image.label} {image.group} {image.split}" for image in images)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def write_lists(images: Sequence[TrainingImage], problems: Sequence[Problem], folder: Path) -> None:
    """Write `images.csv` and `problems.csv`."""
    for name, kind, rows in (("images", TrainingImage, images), ("problems", Problem, problems)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, [field.name for field in fields(kind)])
            table.writeheader()
            table.writerows(asdict(row) for row in rows)
