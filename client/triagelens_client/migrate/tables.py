"""Tables that a database was asked to write as CSV."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from triagelens_client.migrate.places import MOST_DOCUMENT_BYTES, read_bytes
from triagelens_client.migrate.reading import Record
from triagelens_client.migrate.records import StoreError, UnfitError

LONGEST_FIELD = 200_000


def rows(path: Path) -> Iterator[tuple[int, Record | None]]:
    """Line and fields of each row, by the names in the first one; None for a row that does not fit these.

    Raises:
        StoreError: it is a link, cannot be read, or is no table of UTF-8 text. Where quotes do not match
            nobody knows any more which words are rows and which are in a field.
    """
    if path.is_symlink():
        raise StoreError(f"{path} is a link.")
    try:
        text = read_bytes(path, MOST_DOCUMENT_BYTES).decode("utf-8-sig")
    except (UnfitError, UnicodeDecodeError) as error:
        what = error if isinstance(error, UnfitError) else "it is not UTF-8 text"
        raise StoreError(f"{path}: {what}.") from error
    # A reader that gives up within a field takes the lines that follow in it for rows.
    csv.field_size_limit(MOST_DOCUMENT_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = _columns(path, next((fields for fields in reader if fields), []))
        for fields in reader:
            if fields:
                fits = len(fields) == len(columns) and max(map(len, fields)) <= LONGEST_FIELD
                yield reader.line_num, dict(zip(columns, fields, strict=True)) if fits else None
    except csv.Error as error:
        raise StoreError(f"{path}, line {reader.line_num}: {error}.") from error


def _columns(path: Path, names: list[str]) -> list[str]:
    """The names, each of which means one column."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise StoreError(f"{path}: two of its columns are called {twice[0][:60]!r}.")
    if not names:
        raise StoreError(f"{path}: it has no columns.")
    return names
