"""A folder of labelled images as people keep it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training_job.arrangement import (
    EXTENSIONS,
    Arrangement,
    DatasetError,
    Entry,
    Problem,
    arrange,
    is_hidden,
    is_table,
    nothing_found,
)


@dataclass(frozen=True)
class Listing:
    """What was found in a folder; no image has been opened yet."""

    folder: Path
    arrangement: Arrangement

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.arrangement.entries

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.arrangement.problems


def find_images(folder: Path) -> Listing:
    """The labelled images of a folder, in a fixed order.

    A folder that holds nothing but one other folder stands for that one, as unpacked archives do.

    Raises:
        DatasetError: there is no such folder, `metadata.csv` cannot be read, or no image is labelled.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.")
    files = list(files_of(folder))
    images = [file for file in files if Path(file).suffix.lower() in EXTENSIONS]
    tables = {file: (folder / file).read_bytes() for file in files if is_table(file)}
    arrangement = arrange(images, tables)
    if not arrangement.entries:
        raise nothing_found(arrangement, files, str(folder))
    return Listing(folder / arrangement.root, arrangement)


def files_of(folder: Path) -> Iterator[str]:
    """Paths of files at any depth; links and hidden files are not followed."""
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not is_hidden(file):
            yield file
