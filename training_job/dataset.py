"""A folder of labelled images as people keep it: `metadata.csv`, or one folder per class."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training_job.errors import TrainingError

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
METADATA = "metadata.csv"
COLUMNS = ("image_id", "image_path", "label")
"""What `metadata.csv` must have; `patient_id` and `lesion_id` are read where they are."""

_NAMED = 5  # how many names a message lists before it counts the rest


class DatasetError(TrainingError):
    """The folder cannot be trained on; the message says what to change."""

    code = "images_unusable"


@dataclass(frozen=True)
class Problem:
    """Why a file, or a line of `metadata.csv`, was left out."""

    file: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """An image that the folder names.

    Attributes:
        file: path below the data folder, with forward slashes.
        patient, lesion: what it shows, where that is known.
    """

    file: str
    label: str
    patient: str | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class Listing:
    """What was found in a folder; no image has been opened yet."""

    folder: Path
    layout: Literal["metadata", "folders"]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def find_images(folder: Path) -> Listing:
    """The labelled images of a folder, in a fixed order.

    A folder that holds nothing but one other folder stands for that one, as unpacked archives do.

    Raises:
        DatasetError: there is no such folder, `metadata.csv` cannot be read, or no image is labelled.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.")
    root = _unwrapped(folder)
    listing = _from_metadata(root) if (root / METADATA).is_file() else _from_folders(root)
    if not listing.entries:
        raise DatasetError(_nothing_found(listing))
    return listing


def _unwrapped(folder: Path) -> Path:
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if len(inside) != 1 or not inside[0].is_dir():
        return folder
    deeper = [entry for entry in inside[0].iterdir() if entry.is_dir() or entry.name == METADATA]
    return _unwrapped(inside[0]) if deeper else folder


def _pictures(folder: Path) -> Iterator[Path]:
    """Files with an image's extension, at any depth; links and hidden files are not followed."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in EXTENSIONS and path.is_file() and not path.is_symlink() and not hidden:
            yield path


def _from_folders(root: Path) -> Listing:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for path in _pictures(root):
        file = path.relative_to(root)
        if len(file.parts) == 1:
            problems.append(Problem(file.as_posix(), "it lies in no class's folder"))
        else:
            entries.append(Entry(file.as_posix(), file.parts[0].strip()))
    return Listing(root, "folders", tuple(entries), tuple(problems))


def _from_metadata(root: Path) -> Listing:
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for line, row in _rows(root / METADATA):
        reason = _wrong_with(row, seen)
        seen.add(row["image_id"])
        found = None if reason else _locate(root, row["image_path"])
        if found is None:
            reason = reason or f"there is no image {row['image_path']!r} in the folder"
        elif found in entries:
            reason = f"{found} is named twice"
        if reason or found is None:
            problems.append(Problem(f"{METADATA}, line {line}", reason or ""))
            continue
        entries[found] = Entry(
            found, row["label"], row.get("patient_id") or None, row.get("lesion_id") or None
        )
    unnamed = [path.relative_to(root).as_posix() for path in _pictures(root)]
    problems += [Problem(file, f"{METADATA} does not name it") for file in unnamed if file not in entries]
    return Listing(root, "metadata", tuple(entries.values()), tuple(problems))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and stripped cells of each row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text (byte {error.start}).") from error
    reader = csv.DictReader(text.splitlines())
    columns = [(name or "").strip() for name in reader.fieldnames or ()]
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise DatasetError(
            f"{path} lacks the column {' and '.join(missing)}; it has: {', '.join(columns) or 'none'}."
        )
    reader.fieldnames = columns
    for row in reader:
        yield reader.line_num, {name: (row.get(name) or "").strip() for name in columns}


def _wrong_with(row: Mapping[str, str], seen: set[str]) -> str | None:
    empty = [name for name in COLUMNS if not row[name]]
    if empty:
        return f"{' and '.join(empty)} is empty"
    if row["image_id"] in seen:
        return f"image_id {row['image_id']!r} is used twice"
    if Path(row["image_path"]).is_absolute() or ".." in Path(row["image_path"]).parts:
        return f"image_path {row['image_path']!r} leads out of the folder"
    return None


def _locate(root: Path, image_path: str) -> str | None:
    """The file that a row names, beside `metadata.csv` or in `images/`."""
    for candidate in (Path(image_path), Path("images", image_path)):
        path = root / candidate
        if path.suffix.lower() in EXTENSIONS and path.is_file() and not path.is_symlink():
            return candidate.as_posix()
    return None


def _nothing_found(listing: Listing) -> str:
    """What was looked for, and what there is instead."""
    if listing.layout == "metadata":
        looked = f"{METADATA} is there, but none of its lines names an image in the folder."
    else:
        looked = (
            f"Looked for {METADATA} with the columns {', '.join(COLUMNS)}, "
            f"and for one folder per class with {', '.join(EXTENSIONS)} files."
        )
    files = [path for path in listing.folder.rglob("*") if path.is_file()]
    folders = sorted(path.name for path in listing.folder.iterdir() if path.is_dir())
    kinds = Counter(path.suffix.lower() or "no extension" for path in files)
    found = [f"{count} file{'s' if count > 1 else ''} ({kind})" for kind, count in kinds.most_common(_NAMED)]
    found += [f"the folders {', '.join(folders[:_NAMED])}{', ...' if len(folders) > _NAMED else ''}"] * bool(
        folders
    )
    reasons = [f"{problem.file}: {problem.reason}" for problem in listing.problems[:_NAMED]]
    return "\n".join(
        [
            f"No images found! {looked}",
            f"In {listing.folder} there is: {'; '.join(found) or 'nothing'}.",
            *reasons,
        ]
    )
