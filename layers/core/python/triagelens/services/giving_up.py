"""What an image is told when its message has failed too often."""

from dataclasses import dataclass

from triagelens.domain.errors import TransitionError
from triagelens.domain.images import Failure, ImageRecord, ImageStatus
from triagelens.domain.messages import InferenceRequest
from triagelens.services.ports import Casework, Clock


@dataclass(frozen=True)
class GivingUp:
    """Marks images failed, so that nobody waits for them; a redrive takes them up again.

    Done again, or too late, it changes nothing.
    """

    casework: Casework
    clock: Clock

    def upload(self, image_id: str, object_version: str) -> None:
        """Gives up the quality check of an uploaded original.

        Raises:
            NotFoundError: no such image was ever announced.
        """
        record = self.casework.image(image_id)
        if record.status is ImageStatus.FAILED or record.is_done_with(object_version):
            return
        version = record.object_version or object_version
        self._fail(record, "The image could not be processed.", object_version=version)

    def request(self, request: InferenceRequest) -> None:
        """Gives up a request for analysis.

        Raises:
            NotFoundError: there is no such image.
        """
        record = self.casework.image(request.image_id)
        if record.status is ImageStatus.ACCEPTED and request.attempt >= record.attempt:
            self._fail(record, "The image could not be analysed.")

    def _fail(self, record: ImageRecord, message: str, **changes: object) -> None:
        failure = Failure(code="processing_error", message=message, retryable=True)
        failed = record.move(ImageStatus.FAILED, self.clock(), failure=failure, **changes)
        try:
            self.casework.replace_image(failed)
        except TransitionError:
            stored = self.casework.image(record.image_id)
            if (stored.status, stored.attempt) == (record.status, record.attempt):
                # Nobody has decided anything: a repeated request only moved the end of the form, say.
                self._fail(stored, message, **changes)
