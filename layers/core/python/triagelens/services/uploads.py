"""Begin an upload: a record, and a form to send the photo with."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from triagelens.domain.errors import TooLargeError, TransitionError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.specialties import specialty as known_specialty
from triagelens.services.ports import Casework, Clock, IdempotencyKey, Originals, UploadForm

KEY_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class UploadRules:
    """How long a form can be used, and the largest photo in bytes."""

    form_lifetime: timedelta
    max_bytes: int


@dataclass(frozen=True)
class BegunUpload:
    """What the caller gets: `form` is None once the upload has arrived. `replayed`: nothing was made."""

    record: ImageRecord
    form: UploadForm | None
    replayed: bool


class Uploads:
    """Makes image records and presigned forms."""

    def __init__(self, casework: Casework, originals: Originals, clock: Clock, rules: UploadRules) -> None:
        self._casework = casework
        self._originals = originals
        self._clock = clock
        self._rules = rules

    def begin(
        self,
        owner: str,
        specialty: str,
        declaration: UploadDeclaration,
        correlation_id: str,
        key: str | None = None,
        patient_id: str | None = None,
    ) -> BegunUpload:
        """A new image for `owner`, or the one that the same `key` and request made before.

        `patient_id` is of a patient that the caller may add to; that is not looked at here.
        A repeated request gets a fresh form as long as no upload has been processed.

        Raises:
            UnknownSpecialtyError, TooLargeError: the request can never work.
            IdempotencyMismatchError: the key was used for another request.
        """
        known_specialty(specialty)
        if declaration.size_bytes > self._rules.max_bytes:
            raise TooLargeError(f"A photo may have at most {self._rules.max_bytes} bytes.")
        new = self._new_record(owner, specialty, declaration, correlation_id, patient_id)
        record = self._casework.add_image(new, self._idempotency(new, key))
        replayed = record.image_id != new.image_id
        if replayed:
            record = self._extended(record)
        if record.status is not ImageStatus.AWAITING_UPLOAD:
            return BegunUpload(record, form=None, replayed=replayed)
        form = self._originals.form(record.upload_key, record.upload, self._rules.form_lifetime)
        return BegunUpload(record, form, replayed)

    def _new_record(
        self,
        owner: str,
        specialty: str,
        declaration: UploadDeclaration,
        correlation_id: str,
        patient_id: str | None,
    ) -> ImageRecord:
        now = self._clock()
        return ImageRecord(
            image_id=new_id(),
            owner=owner,
            specialty=specialty,
            status=ImageStatus.AWAITING_UPLOAD,
            upload=declaration,
            upload_expires_at=now + self._rules.form_lifetime,
            created_at=now,
            updated_at=now,
            correlation_id=correlation_id,
            patient_id=patient_id,
        )

    def _extended(self, record: ImageRecord) -> ImageRecord:
        """The record with the end of a fresh form, or as it is now if its upload came meanwhile."""
        if record.status is not ImageStatus.AWAITING_UPLOAD:
            return record
        now = self._clock()
        changes = {"upload_expires_at": now + self._rules.form_lifetime, "updated_at": now}
        try:
            return self._casework.replace_image(record.model_copy(update=changes))
        except TransitionError:
            return self._casework.image(record.image_id)

    def _idempotency(self, record: ImageRecord, key: str | None) -> IdempotencyKey | None:
        if key is None:
            return None
        return IdempotencyKey(
            owner=record.owner,
            key=key,
            fingerprint=_fingerprint(record),
            expires_at=record.created_at + KEY_LIFETIME,
        )


def _fingerprint(record: ImageRecord) -> str:
    """SHA-256 of what was asked; the same request in another key order has the same one."""
    asked = {"specialty": record.specialty, **record.upload.model_dump(mode="json")}
    if record.patient_id is not None:
        asked["patient_id"] = record.patient_id
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
