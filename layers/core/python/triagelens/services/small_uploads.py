"""Photos that come through the API itself, as the former systems' apps send them.

They go the way of every photo: a record, the original in the uploads bucket, its notification. Only the
bytes come by another door, which is as wide as one request of the API can be.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from triagelens.domain.errors import NoFindingError, TooLargeError, UnreadableImageError
from triagelens.domain.images import (
    Device,
    ImageRecord,
    ImageStatus,
    OnDevicePrediction,
    Purpose,
    UploadDeclaration,
)
from triagelens.domain.people import Person
from triagelens.domain.prediction import Prediction
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.header import read_header
from triagelens.services.images import LONGEST_WAIT_S, Waited, Waiting
from triagelens.services.ports import Originals
from triagelens.services.uploads import Uploads

# A Lambda function is called with at most 6 MB, and bytes take a third more as base64.
MOST_BYTES = 4_500_000
LONGEST_NAME = 255
TOO_LARGE_TEXT = (
    "One request takes at most 4.5 MB of photos. Ask POST /v1/images for an upload form, "
    "which takes photos of up to 50 MB."
)


@dataclass(frozen=True)
class Photo:
    """One photo, and what its sender says of it. The rest of its declaration is read off its bytes.

    Of the file's name, as much is kept as a declaration takes.
    """

    data: bytes
    filename: str | None = None
    purpose: Purpose = "diagnosis"
    on_device_prediction: OnDevicePrediction | None = None
    captured_at: datetime | None = None
    device: Device | None = None

    def declaration(self) -> UploadDeclaration:
        """What an app of today would have announced.

        Raises:
            UnreadableImageError: these bytes are no image that is read here.
        """
        found = read_header(self.data, ImageLimits())
        return UploadDeclaration.model_validate(
            {
                "content_type": f"image/{found.format}",
                "size_bytes": len(self.data),
                "sha256": hashlib.sha256(self.data).hexdigest(),
                "purpose": self.purpose,
                "original_filename": self.filename and self.filename[:LONGEST_NAME],
                "on_device_prediction": self.on_device_prediction,
                "captured_at": self.captured_at,
                "device": self.device,
            }
        )


@dataclass(frozen=True)
class Sender:
    """Who sends photos, and of what.

    Attributes:
        context: what the photos belong to in the sender's eyes. The same photo sent again within a day for
            the same context is the image that it was before: an app that repeats itself doubles nothing.
        patient_id: of a patient that the person may add to; that is not looked at here.
    """

    person: Person
    specialty: str
    context: str
    correlation_id: str
    patient_id: str | None = None


class SmallUploads:
    """Takes photos in, and waits for what becomes of them."""

    def __init__(self, uploads: Uploads, originals: Originals, waiting: Waiting) -> None:
        self._uploads = uploads
        self._originals = originals
        self._waiting = waiting

    def analyse(self, sender: Sender, photos: Sequence[Photo], seconds: int = LONGEST_WAIT_S) -> list[Waited]:
        """The photos' records, final or as they stand after `seconds`. All are looked at before one is kept.

        Raises:
            TooLargeError: together they are more than `MOST_BYTES`.
            UnreadableImageError: one of them is no image.
            UnknownSpecialtyError: there is no such specialty.
        """
        if sum(len(photo.data) for photo in photos) > MOST_BYTES:
            raise TooLargeError(TOO_LARGE_TEXT)
        declared = [(photo, photo.declaration()) for photo in photos]
        records = [self._take(sender, photo, declaration) for photo, declaration in declared]
        return self._waiting.until_all_final(records, seconds)

    def _take(self, sender: Sender, photo: Photo, declaration: UploadDeclaration) -> ImageRecord:
        begun = self._uploads.begin(
            sender.person.sub,
            sender.specialty,
            declaration,
            sender.correlation_id,
            _key(sender, declaration),
            sender.patient_id,
        )
        if begun.form is not None:
            self._originals.write(begun.record.upload_key, declaration, photo.data)
        return begun.record


def finding_of(record: ImageRecord) -> Prediction | None:
    """What was found on a photo; None if that is still to come.

    Raises:
        UnreadableImageError: the photo is not good enough, with the first of the reasons as its code.
        NoFindingError: the analysis failed, or the photo never came.
    """
    if record.status is ImageStatus.REJECTED:
        told = record.quality.reasons if record.quality is not None else ()
        reasons = [reason for reason in told if reason.severity == "reject"]
        words = " ".join(reason.message for reason in reasons) or "The photo cannot be used."
        raise UnreadableImageError(reasons[0].code if reasons else "rejected", words)
    if record.status is ImageStatus.FAILED and record.failure is not None:
        raise NoFindingError(record.failure.code, record.failure.message)
    if record.status is ImageStatus.EXPIRED:
        raise NoFindingError("expired", "The photo has not arrived. Send it again.")
    return record.prediction


def _key(sender: Sender, declaration: UploadDeclaration) -> str:
    """The same for a repetition, and for nothing else."""
    told = [sender.context, sender.specialty, sender.patient_id or "", declaration.model_dump_json()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
