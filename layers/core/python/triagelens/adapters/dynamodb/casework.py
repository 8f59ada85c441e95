"""Image records and their results in the casework table."""

from typing import Any

from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from triagelens.adapters.dynamodb.tables import CaseworkItem, EphemeralItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import check_not_erased, not_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import (
    ConflictError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    TransitionError,
)
from triagelens.domain.ids import is_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.prediction import Prediction
from triagelens.services.ports import IdempotencyKey, Page

IMAGE = "IMG"
META = "META"
CONDITION_FAILED = "ConditionalCheckFailed"


class _KeyUsedError(ConflictError):
    """The idempotency key has made a record before."""


def image_pk(image_id: str) -> str:
    return f"{IMAGE}#{image_id}"


class DynamoCasework:
    """`services.ports.Casework` on DynamoDB."""

    def __init__(self, table_name: str, region: str, ephemeral_table: str | None = None) -> None:
        bind(CaseworkItem, table_name, region)
        if ephemeral_table is not None:
            bind(EphemeralItem, ephemeral_table, region)
        self._connection = transaction_connection(region)

    def image(self, image_id: str) -> ImageRecord:
        try:
            item = CaseworkItem.get(image_pk(image_id), META, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            raise NotFoundError(f"There is no image {image_id}.") from None
        return image_from_item(item)

    def images_of(self, owner: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        owner_key = f"OWNER#{owner}#{IMAGE}"
        start: dict[str, dict[str, str]] | None = None
        if cursor is not None:
            if not is_id(cursor):
                raise InvalidRequestError("The cursor is not one that this list gave out.")
            start = {
                "pk": {"S": image_pk(cursor)},
                "sk": {"S": META},
                "gsi1pk": {"S": owner_key},
                "gsi1sk": {"S": cursor},
            }
        found = CaseworkItem.gsi1.query(
            owner_key, scan_index_forward=False, limit=limit, page_size=limit, last_evaluated_key=start
        )
        records = [image_from_item(item) for item in found]
        more = found.last_evaluated_key is not None
        return Page(items=records, cursor=records[-1].image_id if more and records else None)

    def replace_image(self, record: ImageRecord) -> ImageRecord:
        item = _image_item(record)
        try:
            item.save()
        except PutError as error:
            if error.cause_response_code == "ConditionalCheckFailedException":
                raise _changed(record) from error
            raise
        return record.model_copy(update={"version": item.version})

    def add_image(self, record: ImageRecord, idempotency: IdempotencyKey | None) -> ImageRecord:
        if idempotency is None and record.patient_id is None:
            return self.replace_image(record)
        parts, item = Parts(), _image_item(record)
        if record.patient_id is not None:
            not_erased(parts, f"PAT#{record.patient_id}", "There is no such patient.")
        parts.put(item, _changed(record))
        if idempotency is not None:
            new = EphemeralItem.pk.does_not_exist()
            parts.put(_key_item(idempotency, record), _KeyUsedError("The key was used before."), new)
        try:
            parts.write(self._connection)
        except _KeyUsedError:
            if idempotency is None:
                raise
            return self._record_of(idempotency)
        return record.model_copy(update={"version": item.version})

    def add_result(self, record: ImageRecord) -> ImageRecord:
        if record.prediction is None or record.object_version is None:
            raise ValueError("an analysed record carries its prediction and the version it is of")
        item = _image_item(record)
        result = CaseworkItem(
            image_pk(record.image_id),
            result_sk(record.object_version),
            kind="result",
            body=record.prediction.model_dump(mode="json"),
        )
        try:
            with TransactWrite(connection=self._connection) as write:
                write.save(item)
                write.save(result)
        except TransactWriteError as error:
            if CONDITION_FAILED in _causes(error):
                raise _changed(record) from error
            raise
        return record.model_copy(update={"version": item.version})

    def result(self, image_id: str, object_version: str) -> Prediction:
        try:
            found = CaseworkItem.get(image_pk(image_id), result_sk(object_version), consistent_read=True)
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("This version of the image has no finding.") from None
        return Prediction.model_validate(found.body)

    def _record_of(self, idempotency: IdempotencyKey) -> ImageRecord:
        """The record that an idempotency key made before."""
        key = EphemeralItem.get(*_key_of(idempotency), consistent_read=True)
        if key.body["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
        return self.image(key.body["image_id"])


def result_sk(object_version: str) -> str:
    return f"RESULT#{object_version}"


def _image_item(record: ImageRecord) -> CaseworkItem:
    prediction = record.prediction and record.prediction.model_copy(update={"features": None})
    stored = record.model_copy(update={"prediction": prediction})
    month = record.created_at.strftime("%Y%m")
    return CaseworkItem(
        image_pk(record.image_id),
        META,
        kind="image",
        status=str(record.status),
        body=stored.model_dump(mode="json", exclude={"version"}),
        gsi1pk=f"OWNER#{record.owner}#{IMAGE}",
        gsi1sk=record.image_id,
        gsi2pk=f"{IMAGE}#{record.status}#{month}",
        gsi2sk=record.image_id,
        gsi3pk=f"PAT#{record.patient_id}#{IMAGE}" if record.patient_id else None,
        gsi3sk=record.image_id if record.patient_id else None,
        version=record.version,
    )


def image_from_item(item: CaseworkItem) -> ImageRecord:
    """The record that an item holds. Raises ErasedError for a tombstone."""
    check_not_erased(item, "There is no such image.")
    document: dict[str, Any] = item.body
    return ImageRecord.model_validate({**document, "version": item.version})


def _key_of(idempotency: IdempotencyKey) -> tuple[str, str]:
    return f"IDEM#{idempotency.owner}#{idempotency.key}", META


def _key_item(idempotency: IdempotencyKey, record: ImageRecord) -> EphemeralItem:
    return EphemeralItem(
        *_key_of(idempotency),
        kind="idempotency",
        body={"fingerprint": idempotency.fingerprint, "image_id": record.image_id},
        expires_at=int(idempotency.expires_at.timestamp()),
    )


def _causes(error: TransactWriteError) -> set[str]:
    """Why DynamoDB cancelled a transaction."""
    return {reason.code for reason in error.cancellation_reasons if reason is not None}


def _changed(record: ImageRecord) -> TransitionError:
    return TransitionError(f"Image {record.image_id} has changed since it was read.")
