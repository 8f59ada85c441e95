"""From an uploaded original to an accepted or rejected image."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.errors import ErasedError, NotFoundError, TransitionError
from triagelens.domain.images import Failure, ImageRecord, ImageStatus, WorkingImage
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.specialties import Specialty, specialty
from triagelens.services.ports import Casework, Clock, InferenceQueue, Originals, WorkingImages


class Assessment(Protocol):
    """What looking at an image's bytes came to. `working_image` is a JPEG, or None."""

    @property
    def report(self) -> QualityReport: ...

    @property
    def working_image(self) -> bytes | None: ...


@dataclass(frozen=True)
class QualityCheck:
    """Checks one version of one original, in an order that survives being killed anywhere.

    First the working image is written, then the record, then the message: whatever is missing after a
    crash is made up for when the event comes again, and nothing is visible before it is true.
    """

    casework: Casework
    originals: Originals
    working_images: WorkingImages
    queue: InferenceQueue
    clock: Clock
    assess: Callable[[bytes, Specialty, bool], Assessment]

    def check(self, image_id: str, object_version: str) -> ImageRecord:
        """Takes the image as far as it goes and gives its record.

        Raises:
            NotFoundError: no such image was ever announced.
            ErasedError: its patient has been erased, and nothing of it stays behind.
        """
        try:
            return self._check(image_id, object_version)
        except ErasedError:
            # Whether this run has written it or one that was killed: its key is the same.
            self.working_images.erase(working_key(image_id, object_version))
            raise

    def _check(self, image_id: str, object_version: str) -> ImageRecord:
        record = self.casework.image(image_id)
        if record.is_done_with(object_version):
            return record
        if record.status is ImageStatus.ACCEPTED:
            return self._hand_over(record)
        try:
            data = self.originals.read(record.upload_key, object_version)
        except NotFoundError:
            if record.status is ImageStatus.FAILED:
                return record
            gone = Failure(
                code="original_gone", message="The uploaded file is no longer there.", retryable=False
            )
            return self._store(record, ImageStatus.FAILED, object_version, failure=gone)
        mismatch = _declared_otherwise(record, data)
        if mismatch is not None:
            return self._store(record, ImageStatus.REJECTED, object_version, quality=mismatch)
        return self._judge(record, object_version, data)

    def _judge(self, record: ImageRecord, object_version: str, data: bytes) -> ImageRecord:
        assessment = self.assess(data, specialty(record.specialty), record.upload.purpose == "training")
        report = assessment.report
        if report.content_type not in (None, record.upload.content_type):
            mismatch = _refuse(
                "type_mismatch", f"This is a {report.format} file, announced was another type."
            )
            return self._store(record, ImageStatus.REJECTED, object_version, quality=mismatch)
        working = None
        if assessment.working_image is not None and report.working_width and report.working_height:
            key = working_key(record.image_id, object_version)
            working = WorkingImage(key=key, width=report.working_width, height=report.working_height)
            self.working_images.write(key, assessment.working_image)
        if report.verdict == "rejected":
            return self._store(
                record, ImageStatus.REJECTED, object_version, quality=report, working_image=working
            )
        accepted = self._store(
            record,
            ImageStatus.ACCEPTED,
            object_version,
            quality=report,
            working_image=working,
            attempt=record.attempt + 1,
        )
        return self._hand_over(accepted)

    def _store(
        self, record: ImageRecord, to: ImageStatus, object_version: str, **changes: object
    ) -> ImageRecord:
        """Moves the record on, or gives the stored one if somebody else was faster."""
        moved = record.move(to, self.clock(), object_version=object_version, **changes)
        try:
            return self.casework.replace_image(moved)
        except TransitionError:
            stored = self.casework.image(record.image_id)
            if stored.status is record.status:
                # Nobody has decided anything: a repeated request only moved the end of the form, say.
                return self._store(stored, to, object_version, **changes)
            if stored.object_version != object_version and moved.working_image is not None:
                self.working_images.delete(moved.working_image.key)
            return stored

    def _hand_over(self, record: ImageRecord) -> ImageRecord:
        if record.status is ImageStatus.ACCEPTED:
            self.queue.send(inference_request(record))
        return record


def inference_request(record: ImageRecord) -> InferenceRequest:
    """The message that has an accepted image analysed."""
    if record.object_version is None:
        raise ValueError("an image that was never uploaded cannot be analysed")
    return InferenceRequest(
        image_id=record.image_id,
        object_version=record.object_version,
        attempt=record.attempt,
        correlation_id=record.correlation_id,
    )


def working_key(image_id: str, object_version: str) -> str:
    """Key of the working image: one for each version, so that two versions never write over each other."""
    token = hashlib.sha256(object_version.encode()).hexdigest()[:16]
    return f"working/{image_id}/{token}.jpg"


def _declared_otherwise(record: ImageRecord, data: bytes) -> QualityReport | None:
    """A rejection, if the bytes are not those that the client announced."""
    declared = record.upload
    if len(data) != declared.size_bytes:
        return _refuse(
            "size_mismatch",
            "The file has another size than was announced. Please upload it again.",
            value=float(len(data)),
            threshold=float(declared.size_bytes),
        )
    if declared.sha256 is not None and hashlib.sha256(data).hexdigest() != declared.sha256:
        return _refuse("checksum_mismatch", "The file was changed on its way. Please upload it again.")
    return None


def _refuse(
    code: str, message: str, value: float | None = None, threshold: float | None = None
) -> QualityReport:
    reason = Reason(code=code, message=message, value=value, threshold=threshold, severity="reject")
    return QualityReport(verdict="rejected", reasons=(reason,))
