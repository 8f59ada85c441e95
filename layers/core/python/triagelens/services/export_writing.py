"""What an export's file holds, written row by row as it is read."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from triagelens.domain.errors import TooLargeError
from triagelens.domain.export_rows import Row, cells, columns
from triagelens.domain.exports import MOST_BYTES, MOST_ROWS, Export, ExportFormat, ExportWhat
from triagelens.services.export_drawings import ExportDrawings
from triagelens.services.export_limits import Deadline, Seconds
from triagelens.services.export_reading import ExportReading


class _Text:
    """Text into a file, as UTF-8, within an export's bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = 0

    def write(self, text: str) -> int:
        # Half of a surrogate pair, as JSON may bring one in, has no bytes in UTF-8.
        data = text.encode("utf-8", errors="replace")
        self._size += len(data)
        if self._size > MOST_BYTES:
            megabytes = MOST_BYTES // 1_000_000
            raise TooLargeError(f"The export would have more than {megabytes} MB; ask for fewer days.")
        return self._file.write(data)


@dataclass(frozen=True)
class ExportWriter:
    """Writes exports within bounds of rows, bytes and seconds."""

    reading: ExportReading
    drawings: ExportDrawings
    seconds: Seconds
    budget_s: float

    def write(self, export: Export, file: BinaryIO) -> int:
        """Writes the whole file; gives the number of images or cases in it.

        Raises:
            TooLargeError: it would be larger than an export may be.
            TooLongError: it would take longer than it may.
        """
        deadline, text = Deadline.within(self.budget_s, self.seconds), _Text(file)
        if export.wanted.format is ExportFormat.COCO:
            document = self.drawings.document(export, deadline)
            json.dump(document, text, ensure_ascii=False, separators=(",", ":"))
            return len(document["images"])
        rows = _bounded(self.reading.rows(export, deadline))
        if export.wanted.format is ExportFormat.CSV:
            return _write_csv(rows, text, export)
        return _write_json_lines(rows, text)


def _bounded(rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise TooLargeError(f"There are more than {MOST_ROWS} rows to export; ask for fewer days.")
        yield row


def _write_csv(rows: Iterable[Row], text: _Text, export: Export) -> int:
    """With a header row. Texts are in quotation marks, whatever separates columns where it is opened."""
    order = columns(export.wanted.what is ExportWhat.IMAGES, export.wanted.include_people)
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(order)
    count = 0
    for row in rows:
        writer.writerow(cells(row, order))
        count += 1
    return count


def _write_json_lines(rows: Iterable[Row], text: _Text) -> int:
    count = 0
    for row in rows:
        text.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    return count
