"""Photos that come through the API itself, as the former systems' apps send them.

They go the way of every photo: a record, the original in the uploads bucket, its notification. Only the
bytes come by another door, which is as wide as one request of the API can be.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from triagelens.domain.errors import NoFindingError, TooLargeError, TransitionError, UnreadableImageError
from triagelens.domain.images import (
    WORKING_IMAGE_GONE,
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
from triagelens.services.images import LONGEST_WAIT_S, Stopwatch, Waited, Waiting
from triagelens.services.ports import Originals
from triagelens.services.uploads import Uploads

# A Lambda function is called with at most 6 MB, and bytes take a third more as base64.
MOST_BYTES = 4_500_000
# Each is written by itself, and all of them within the time that one request has.
MOST_PHOTOS = 20
LONGEST_NAME = 255
TOO_LARGE_TEXT = (
    "One request takes at most 4.5 MB of photos. Ask POST /v1/images for an upload form, "
    "which takes photos of up to 50 MB."
)
TOO_MANY_TEXT = f"One request takes at most {MOST_PHOTOS} photos. Send the others with another one."


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
            Only what failed is begun anew by it.
        patient_id: of a patient that the person may add to; that is not looked at here.
    """

    person: Person
    specialty: str
    context: str
    correlation_id: str
    patient_id: str | None = None


@dataclass(frozen=True)
class SmallUploads:
    """Takes photos in, and waits for what becomes of them.

    Attributes:
        retry: takes a failed analysis up again, as `services.images.retry`.
    """

    uploads: Uploads
    originals: Originals
    waiting: Waiting
    retry: Callable[[ImageRecord], ImageRecord]
    stopwatch: Stopwatch

    def analyse(self, sender: Sender, photos: Sequence[Photo], seconds: int = LONGEST_WAIT_S) -> list[Waited]:
        """The photos' records, final or as they stand in `seconds`. All are looked at before one is kept.

        Raises:
            TooLargeError: together they are more than `MOST_BYTES` or `MOST_PHOTOS`.
            UnreadableImageError: one of them is no image.
            UnknownSpecialtyError: there is no such specialty.
        """
        begun = self.stopwatch.now()
        if len(photos) > MOST_PHOTOS:
            raise TooLargeError(TOO_MANY_TEXT)
        if sum(len(photo.data) for photo in photos) > MOST_BYTES:
            raise TooLargeError(TOO_LARGE_TEXT)
        declared = [(photo, photo.declaration()) for photo in photos]
        records = [self._take(sender, photo, declaration) for photo, declaration in declared]
        return self.waiting.until_all_final(records, round(begun + seconds - self.stopwatch.now()))

    def _take(self, sender: Sender, photo: Photo, declaration: UploadDeclaration) -> ImageRecord:
        """The photo's record: a new one, or the one that it has already, taken up again if it failed."""
        key = _key(sender, declaration)
        while True:
            begun = self.uploads.begin(
                sender.person.sub,
                sender.specialty,
                declaration,
                sender.correlation_id,
                key,
                sender.patient_id,
            )
            if begun.form is not None:
                self.originals.write(begun.record.upload_key, declaration, photo.data)
            if begun.record.status is not ImageStatus.FAILED:
                return begun.record
            if _can_be_analysed(begun.record):
                with suppress(TransitionError):  # the same photo came twice at once: see what became of it
                    return self.retry(begun.record)
            else:
                key = hashlib.sha256(f"{key}\n{begun.record.image_id}".encode()).hexdigest()


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


def _can_be_analysed(failed: ImageRecord) -> bool:
    """Whether there still is what an analysis begins with; else the photo has to come anew."""
    gone = failed.failure is not None and failed.failure.code == WORKING_IMAGE_GONE
    return failed.working_image is not None and not gone


def _key(sender: Sender, declaration: UploadDeclaration) -> str:
    """The same for a repetition, and for nothing else."""
    told = [sender.context, sender.specialty, sender.patient_id or "", declaration.model_dump_json()]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
