"""Exports in memory, with the same promises as table, queue and bucket."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import BinaryIO

from triagelens.domain.errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
)
from triagelens.domain.exports import Export, ExportFile, ExportRequest
from triagelens.domain.ids import is_id
from triagelens.services.ports import IdempotencyKey, Page


@dataclass
class FakeExportRecords:
    """`services.export_ports.ExportRecords`."""

    records: dict[str, Export] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def export(self, export_id: str) -> Export:
        try:
            return self.records[export_id]
        except KeyError:
            raise NotFoundError("There is no such export.") from None

    def exports(self, owner: str | None, limit: int, cursor: str | None) -> Page[Export]:
        if cursor is not None and not is_id(cursor):
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        found = sorted(
            (
                export
                for export in self.records.values()
                if owner in (None, export.owner) and (cursor is None or export.export_id < cursor)
            ),
            key=lambda export: export.export_id,
            reverse=True,
        )
        shown = found[:limit]
        return Page(shown, shown[-1].export_id if len(found) > limit else None)

    def add_export(self, export: Export, idempotency: IdempotencyKey | None) -> Export:
        if idempotency is not None:
            key = idempotency.owner, idempotency.key
            made, fingerprint = self.keys.setdefault(key, (export.export_id, idempotency.fingerprint))
            if fingerprint != idempotency.fingerprint:
                raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
            if made != export.export_id:
                return self.export(made)
        return self._put(export)

    def replace_export(self, export: Export) -> Export:
        if self.export(export.export_id).version != export.version:
            raise ConflictError("The export has changed since it was read.")
        return self._put(export)

    def _put(self, export: Export) -> Export:
        stored = export.model_copy(update={"version": (export.version or 0) + 1})
        self.records[export.export_id] = stored
        return stored


@dataclass
class FakeExportQueue:
    sent: list[ExportRequest] = field(default_factory=list)

    def send(self, request: ExportRequest) -> None:
        self.sent.append(request)


@dataclass
class FakeExportFiles:
    """`services.export_ports.ExportFiles`: contents by key and version."""

    stored: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def write(self, key: str, content: BinaryIO, content_type: str) -> str:
        assert content_type
        version = f"v{len(self.stored) + 1}"
        self.stored[key, version] = content.read()
        return version

    def exists(self, file: ExportFile) -> bool:
        return (file.key, file.object_version) in self.stored

    def url(self, file: ExportFile, lifetime: timedelta) -> str:
        return (
            f"https://documents.example/{file.key}?v={file.object_version}&for={lifetime.total_seconds():g}"
        )
