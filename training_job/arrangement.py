"""Which file of a dataset is an image of what: by `metadata.csv`, or by one folder per class.

Only names are looked at, so that a folder on disk and an archive that streams by are read alike.
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from training_job.errors import TrainingError

EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
METADATA = "metadata.csv"
COLUMNS = ("image_id", "image_path", "label")
"""What `metadata.csv` must have; `patient_id` and `lesion_id` are read where they are."""

_NAMED = 5  # how many names a message lists before it counts the rest


class DatasetError(TrainingError):
    """The dataset cannot be used; the message says what to change."""

    code = "dataset_unusable"


@dataclass(frozen=True)
class Problem:
    """Why a file, or a line of `metadata.csv`, was left out.

    Attributes:
        code: stable and machine-readable.
    """

    file: str
    reason: str
    code: str = "not_usable"


@dataclass(frozen=True)
class Entry:
    """An image that the dataset names.

    Attributes:
        file: path below the dataset's folder, with forward slashes.
        image_id: as `metadata.csv` has it, else the path.
        patient, lesion: what it shows, where that is known.
    """

    file: str
    label: str
    patient: str | None = None
    lesion: str | None = None
    image_id: str = ""


@dataclass(frozen=True)
class Arrangement:
    """What the names of a dataset say; no image has been opened for it.

    Attributes:
        root: the folder that everything lies in, with a slash at its end, or nothing.
    """

    root: str
    layout: Literal["metadata", "folders"]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]


def is_table(path: str) -> bool:
    """Whether a file is one that labels images; `HAM10000_metadata.csv` is, too."""
    return PurePosixPath(path).name.lower().endswith(METADATA) and not is_hidden(path)


def is_hidden(path: str) -> bool:
    """Whether a file is what operating systems leave behind, or hidden."""
    parts = PurePosixPath(path).parts
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def arrange(
    images: Collection[str],
    tables: Mapping[str, bytes],
    group_column: str | None = None,
    unusable: Collection[str] = (),
) -> Arrangement:
    """Label images by their names.

    Args:
        images: paths of all images.
        tables: the content of each `metadata.csv`; the one nearest to the top counts.
        group_column: one that says which images belong together, besides those of the format.
        unusable: files with a problem of their own; a line that names one needs no other.

    Raises:
        DatasetError: the table cannot be read, or lacks a column.
    """
    root = _root([*images, *tables])
    known = {path.removeprefix(root) for path in images}
    known_bad = {path.removeprefix(root) for path in unusable} - known
    inside = {path.removeprefix(root): content for path, content in tables.items()}
    table = min(inside, key=lambda path: (path.count("/"), path), default=None)
    if table is None:
        entries, problems = _by_folders(known)
        layout: Literal["metadata", "folders"] = "folders"
    else:
        entries, problems = _by_table(known, known_bad, table, _rows(table, inside[table], group_column))
        layout = "metadata"
    return Arrangement(root, layout, tuple(entries), tuple(problems))


def _root(paths: Sequence[str]) -> str:
    """The folder around everything, as unpacked archives have it; a single class's folder is none."""
    root = ""
    while True:
        below = [PurePosixPath(path[len(root) :]).parts for path in paths]
        tops = {parts[0] for parts in below if parts}
        deeper = any(len(parts) > 2 for parts in below) or any(
            len(parts) == 2 and is_table(parts[1]) for parts in below
        )
        if len(tops) != 1 or not deeper or any(len(parts) < 2 for parts in below):
            return root
        root += f"{tops.pop()}/"


def _by_folders(images: Collection[str]) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    for file in sorted(images):
        if "/" in file:
            entries.append(Entry(file, file.partition("/")[0].strip(), image_id=file))
        else:
            problems.append(Problem(file, "it lies in no class's folder", "no_label"))
    return entries, problems


def _by_table(
    images: Collection[str],
    unusable: Collection[str],
    table: str,
    rows: Iterator[tuple[int, dict[str, str]]],
) -> tuple[list[Entry], list[Problem]]:
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    seen: set[str] = set()
    for line, row in rows:
        problem = _wrong_with(row, seen)
        seen.add(row["image_id"])
        found = None if problem else _locate(images, table, row["image_path"])
        if not problem and found is None and _locate(unusable, table, row["image_path"]):
            continue
        if found is None:
            problem = problem or (f"there is no image {row['image_path']!r} in the folder", "no_such_image")
        elif found in entries:
            problem = (f"{found} is named twice", "named_twice")
        if problem or found is None:
            problems.append(Problem(f"{table}, line {line}", *(problem or ("", ""))))
            continue
        patient = row.get("group") or row.get("patient_id") or None
        entries[found] = Entry(
            found, row["label"], patient, row.get("lesion_id") or None, image_id=row["image_id"]
        )
    problems += [
        Problem(file, f"{table} does not name it", "no_label")
        for file in sorted(images)
        if file not in entries
    ]
    return list(entries.values()), problems


def _rows(name: str, content: bytes, group_column: str | None) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and stripped cells of each row; the cell of `group_column` as `group`."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{name} is not UTF-8 text (byte {error.start}).") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        columns = [(column or "").strip() for column in reader.fieldnames or ()]
        wanted = (*COLUMNS, group_column) if group_column else COLUMNS
        missing = [column for column in wanted if column not in columns]
        if missing:
            raise DatasetError(
                f"{name} lacks the column {' and '.join(missing)}; it has: {', '.join(columns) or 'none'}."
            )
        reader.fieldnames = columns
        for row in reader:
            cells = {column: (row.get(column) or "").strip() for column in columns}
            yield reader.line_num, cells | ({"group": cells[group_column]} if group_column else {})
    except csv.Error as error:
        raise DatasetError(f"{name} is not a table: {error} (line {reader.line_num}).") from error


def _wrong_with(row: Mapping[str, str], seen: set[str]) -> tuple[str, str] | None:
    empty = [name for name in COLUMNS if not row[name]]
    if empty:
        return f"{' and '.join(empty)} is empty", "empty_cell"
    if row["image_id"] in seen:
        return f"image_id {row['image_id']!r} is used twice", "duplicate_id"
    path = PurePosixPath(row["image_path"])
    if path.is_absolute() or ".." in path.parts:
        return f"image_path {row['image_path']!r} leads out of the folder", "leads_out"
    return None


def _locate(images: Collection[str], table: str, image_path: str) -> str | None:
    """The image that a row names: below the folder of `metadata.csv`, or in its `images/`."""
    folder = PurePosixPath(table).parent
    for candidate in (folder / image_path, folder / "images" / image_path):
        if candidate.as_posix() in images:
            return candidate.as_posix()
    return None


def nothing_found(
    arrangement: Arrangement, files: Sequence[str], where: str, unusable: Sequence[Problem] = ()
) -> DatasetError:
    """What was looked for, and what there is instead.

    Args:
        files: paths of everything that there is.
        where: what was looked into, in words.
        unusable: why files could not be used, where that is known.
    """
    if arrangement.layout == "metadata":
        looked = f"{METADATA} is there, but none of its lines names an image in the folder."
    else:
        looked = (
            f"Looked for {METADATA} with the columns {', '.join(COLUMNS)}, "
            f"and for one folder per class with {', '.join(EXTENSIONS)} files."
        )
    inside = [path.removeprefix(arrangement.root) for path in files]
    folders = sorted({path.partition("/")[0] for path in inside if "/" in path})
    kinds = Counter(PurePosixPath(path).suffix.lower() or "no extension" for path in files)
    found = [f"{count} file{'s' if count > 1 else ''} ({kind})" for kind, count in kinds.most_common(_NAMED)]
    if folders:
        more = ", ..." if len(folders) > _NAMED else ""
        found.append(f"the folders {', '.join(folders[:_NAMED])}{more}")
    problems = [*unusable, *arrangement.problems]
    reasons = [f"{problem.file}: {problem.reason}" for problem in problems[:_NAMED]]
    return DatasetError(
        "\n".join(
            [
                f"No images found! {looked}",
                f"In {where} there is: {'; '.join(found) or 'nothing'}.",
                *reasons,
            ]
        )
    )
