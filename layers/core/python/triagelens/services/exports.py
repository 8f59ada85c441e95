"""Exports: asked for, looked at, downloaded."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from triagelens.domain.errors import NotFoundError
from triagelens.domain.exports import Export, ExportRequest, ExportStatus, Wanted
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.people import Action, Person
from triagelens.services.export_ports import ExportFiles, ExportQueue, ExportRecords
from triagelens.services.ports import Clock, IdempotencyKey, Page

KEY_LIFETIME = timedelta(hours=24)
LINK_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True)
class Download:
    """Where a file can be fetched, and until when."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class Exports:
    """For researchers, who see their own, and admins, who see all."""

    records: ExportRecords
    queue: ExportQueue
    files: ExportFiles
    clock: Clock

    def request(self, person: Person, wanted: Wanted, key: str | None, correlation_id: str) -> Export:
        """A new export, queued; or the one that the same key and request made before.

        Should the process die before the message is sent, the same request with its key sends it.

        Raises:
            InvalidRequestError: it can never be made as asked.
            ForbiddenError: the person may not have what is asked for.
            IdempotencyMismatchError: the key was used for another request.
        """
        wanted.check(person)
        now = self.clock()
        new = Export(
            export_id=new_id(),
            owner=person.sub,
            wanted=wanted,
            correlation_id=correlation_id,
            created_at=now,
            updated_at=now,
        )
        export = self.records.add_export(new, _idempotency(new, key))
        if export.status is ExportStatus.QUEUED:
            self.queue.send(ExportRequest(export_id=export.export_id, correlation_id=correlation_id))
        return self._told(export)

    def page(self, person: Person, limit: int, cursor: str | None) -> Page[Export]:
        """The person's own exports, or everybody's where they may see them; newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        everybody = person.may(Action.SEE_ALL_EXPORTS)
        page = self.records.exports(None if everybody else person.sub, limit, cursor)
        now = self.clock()
        return Page([export.as_of(now) for export in page.items], page.cursor)

    def export(self, person: Person, export_id: str) -> Export:
        """One export.

        Raises:
            NotFoundError: there is none, or it is somebody else's.
            ForbiddenError: it tells of people, and the person may not know of them any more.
        """
        missing = NotFoundError("There is no such export.")
        if not is_id(export_id):
            raise missing
        export = self.records.export(export_id)
        if not export.belongs_to(person):
            raise missing
        export.wanted.check_people(person)
        return self._told(export)

    def download(self, export: Export) -> Download | None:
        """A link to the file, once there is one and as long as it is there."""
        if export.status is not ExportStatus.READY or export.file is None or export.expires_at is None:
            return None
        now = self.clock()
        lifetime = min(LINK_LIFETIME, export.expires_at - now)
        return Download(self.files.url(export.file, lifetime), now + lifetime)

    def _told(self, export: Export) -> Export:
        gone = export.file is not None and not self.files.exists(export.file)
        return export.as_of(self.clock(), gone=gone)


def _idempotency(export: Export, key: str | None) -> IdempotencyKey | None:
    if key is None:
        return None
    asked = export.wanted.model_dump_json().encode()
    return IdempotencyKey(
        owner=export.owner,
        key=key,
        fingerprint=hashlib.sha256(asked).hexdigest(),
        expires_at=export.created_at + KEY_LIFETIME,
    )
