"""Tables that a database was asked to write as CSV."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from triagelens_client.migrate.places import MOST_DOCUMENT_BYTES, read_bytes
from triagelens_client.migrate.reading import Record
from triagelens_client.migrate.records import StoreError, UnfitError

LONGEST_FIELD = 200_000


def rows(path: Path) -> Iterator[tuple[int, Record | None]]:
    """Line and fields of each row, by the names in the first line; None for a row that does not fit these.

    Raises:
        StoreError: it cannot be read, or is no table of UTF-8 text.
    """
    try:
        text = read_bytes(path, MOST_DOCUMENT_BYTES).decode("utf-8-sig")
    except (UnfitError, UnicodeDecodeError) as error:
        what = error if isinstance(error, UnfitError) else "it is not UTF-8 text"
        raise StoreError(f"{path}: {what}.") from error
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reader.line_num, None
            continue
        whole = None not in row and None not in row.values()
        yield reader.line_num, dict(row) if whole else None
