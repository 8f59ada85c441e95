"""Making an export: read, written to a temporary file, uploaded once, and the record last."""

from dataclasses import dataclass
from tempfile import TemporaryFile

from triagelens.domain.errors import TooLargeError
from triagelens.domain.exports import Export, ExportFailure, ExportFile, ExportRequest
from triagelens.services.export_limits import TooLongError
from triagelens.services.export_ports import ExportFiles, ExportRecords
from triagelens.services.export_writing import ExportWriter
from triagelens.services.ports import Clock


@dataclass(frozen=True)
class ExportMaking:
    """Makes exports, each once however often its message comes and wherever its maker dies.

    Each attempt uploads under the same key; the record, written last, names the version of the object
    that counts.
    """

    records: ExportRecords
    writer: ExportWriter
    files: ExportFiles
    clock: Clock

    def run(self, request: ExportRequest) -> Export:
        """Makes the export, unless it is settled.

        Raises:
            NotFoundError: there is no such export.
            ConflictError: another delivery is at it; by the next one it is done, or to be done again.
        """
        export = self.records.export(request.export_id)
        if export.is_settled:
            return export
        export = self.records.replace_export(export.begun(self.clock()))
        try:
            file = self._made(export)
        except (TooLargeError, TooLongError) as error:
            failure = ExportFailure(code=error.code, message=str(error), retryable=False)
            return self.records.replace_export(export.failed(failure, self.clock()))
        return self.records.replace_export(export.ready(file, self.clock()))

    def give_up(self, request: ExportRequest) -> Export:
        """Tells who waits that it came to a halt; a redrive takes it up again.

        Raises:
            NotFoundError: there is no such export.
            ConflictError: it has just changed.
        """
        export = self.records.export(request.export_id)
        if not export.is_open:
            return export
        message = "The export could not be made; ask for it again."
        failure = ExportFailure(code="processing_error", message=message, retryable=True)
        return self.records.replace_export(export.failed(failure, self.clock()))

    def _made(self, export: Export) -> ExportFile:
        with TemporaryFile() as content:
            rows = self.writer.write(export, content)
            size = content.tell()
            content.seek(0)
            version = self.files.write(export.key, content, export.wanted.format.content_type)
        return ExportFile(key=export.key, object_version=version, size_bytes=size, rows=rows)
