"""Exports' records in the casework table, and the lists that an export is read from."""

from collections.abc import Iterator, Mapping, Sequence

from pynamodb.exceptions import PutError

from triagelens.adapters.dynamodb.case_items import case_from_item, month_partition
from triagelens.adapters.dynamodb.casework import IMAGE, META, image_from_item, image_pk
from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.patients import patient_pk
from triagelens.adapters.dynamodb.tables import CaseworkItem, EphemeralItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import is_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.errors import ConflictError, IdempotencyMismatchError, NotFoundError
from triagelens.domain.exports import Export
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.services.ports import IdempotencyKey, Page

EXPORT = "EXPORT"
ALL = "EXPORTS"


class _KeyUsedError(ConflictError):
    """The idempotency key has made an export before."""


class DynamoExports:
    """`services.export_ports.ExportRecords`: listed by whose they are (first index), and all (second)."""

    def __init__(self, table_name: str, region: str, ephemeral_table: str | None = None) -> None:
        bind(CaseworkItem, table_name, region)
        if ephemeral_table is not None:
            bind(EphemeralItem, ephemeral_table, region)
        self._connection = transaction_connection(region)

    def export(self, export_id: str) -> Export:
        try:
            return _export(CaseworkItem.get(_pk(export_id), META, consistent_read=True))
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("There is no such export.") from None

    def exports(self, owner: str | None, limit: int, cursor: str | None) -> Page[Export]:
        check_cursor(cursor)
        if owner is None:
            behind = None if cursor is None else CaseworkItem.gsi2sk < cursor
            found = CaseworkItem.gsi2.query(ALL, behind, scan_index_forward=False, limit=limit + 1)
        else:
            behind = None if cursor is None else CaseworkItem.gsi1sk < cursor
            partition = _own_partition(owner)
            found = CaseworkItem.gsi1.query(partition, behind, scan_index_forward=False, limit=limit + 1)
        listed = [_export(item) for item in found]
        shown = listed[:limit]
        return Page(shown, shown[-1].export_id if len(listed) > limit else None)

    def add_export(self, export: Export, idempotency: IdempotencyKey | None) -> Export:
        parts, item = Parts(), _item(export)
        parts.put(item, ConflictError("There is such an export already."))
        if idempotency is not None:
            new = EphemeralItem.pk.does_not_exist()
            parts.put(_key_item(idempotency, export), _KeyUsedError("The key was used before."), new)
        try:
            parts.write(self._connection)
        except _KeyUsedError:
            if idempotency is None:
                raise
            return self._made_by(idempotency)
        return export.model_copy(update={"version": item.version})

    def replace_export(self, export: Export) -> Export:
        item = _item(export)
        try:
            item.save()
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise ConflictError("The export has changed since it was read.") from error
            raise
        return export.model_copy(update={"version": item.version})

    def _made_by(self, idempotency: IdempotencyKey) -> Export:
        """The export that an idempotency key made before."""
        key = EphemeralItem.get(*_key_of(idempotency), consistent_read=True)
        if key.body["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
        return self.export(key.body["export_id"])


class DynamoExportSource:
    """`services.export_ports.ExportSource`, by the index of status and month."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)

    def images(self, status: ImageStatus, month: str) -> Iterator[ImageRecord]:
        return map(image_from_item, _listed(f"{IMAGE}#{status}#{month}"))

    def images_of(self, image_ids: Sequence[str]) -> Mapping[str, ImageRecord]:
        images = [image_from_item(item) for item in _there([image_pk(image_id) for image_id in image_ids])]
        return {image.image_id: image for image in images}

    def cases(self, specialty: str, status: CaseStatus, month: str) -> Iterator[Case]:
        return map(case_from_item, _listed(month_partition(specialty, status, month)))

    def names(self, patient_ids: Sequence[str]) -> Mapping[str, str]:
        patients = _there([patient_pk(patient_id) for patient_id in patient_ids])
        return {item.body["patient_id"]: item.body["details"]["name"] for item in patients}


def _listed(partition: str) -> Iterator[CaseworkItem]:
    """What the second index lists; it may still show what was erased a moment ago."""
    return (item for item in CaseworkItem.gsi2.query(partition) if not is_erased(item))


def _there(pks: Sequence[str]) -> Iterator[CaseworkItem]:
    """The records of these keys that there are and that were not erased, read consistently."""
    found = CaseworkItem.batch_get([(pk, META) for pk in pks], consistent_read=True) if pks else ()
    return (item for item in found if not is_erased(item))


def _pk(export_id: str) -> str:
    return f"{EXPORT}#{export_id}"


def _own_partition(owner: str) -> str:
    return f"OWNER#{owner}#{EXPORT}"


def _item(export: Export) -> CaseworkItem:
    return CaseworkItem(
        _pk(export.export_id),
        META,
        kind="export",
        status=str(export.status),
        body=export.model_dump(mode="json", exclude={"version"}),
        gsi1pk=_own_partition(export.owner),
        gsi1sk=export.export_id,
        gsi2pk=ALL,
        gsi2sk=export.export_id,
        version=export.version,
    )


def _export(item: CaseworkItem) -> Export:
    return Export.model_validate({**item.body, "version": item.version})


def _key_of(idempotency: IdempotencyKey) -> tuple[str, str]:
    return f"IDEM#{idempotency.owner}#{EXPORT}#{idempotency.key}", META


def _key_item(idempotency: IdempotencyKey, export: Export) -> EphemeralItem:
    return EphemeralItem(
        *_key_of(idempotency),
        kind="idempotency",
        body={"fingerprint": idempotency.fingerprint, "export_id": export.export_id},
        expires_at=int(idempotency.expires_at.timestamp()),
    )
