"""From an accepted image to an analysed one."""

from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.errors import ModelError, NotFoundError, TransitionError
from triagelens.domain.images import WORKING_IMAGE_GONE, Failure, ImageRecord, ImageStatus
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.prediction import Prediction
from triagelens.services.ports import Casework, Clock, WorkingImages


class Predictor(Protocol):
    """Answers a working image (JPEG bytes) with the model that serves its specialty."""

    def __call__(self, working_image: bytes, specialty: str, image_id: str) -> Prediction:
        """Raises ModelError if no model can serve."""


@dataclass(frozen=True)
class Inference:
    """Analyses accepted images, each version once, however often it is asked to."""

    casework: Casework
    working_images: WorkingImages
    clock: Clock
    predict: Predictor

    def run(self, request: InferenceRequest) -> ImageRecord:
        """Analyses the image and gives its record.

        Raises:
            NotFoundError: there is no such image.
            ErasedError: its patient has been erased.
        """
        record = self.casework.image(request.image_id)
        if record.is_done_with(request.object_version) or request.attempt < record.attempt:
            return record
        if record.status is ImageStatus.AWAITING_UPLOAD:
            return record  # once the quality check accepts it, it sends a request of its own
        if record.status is ImageStatus.FAILED:
            record = self.casework.replace_image(record.move(ImageStatus.ACCEPTED, self.clock()))
        try:
            prediction = self._prediction(record)
        except ModelError as error:
            return self._fail(record, Failure(code=error.code, message=str(error), retryable=False))
        except NotFoundError:
            gone = Failure(code=WORKING_IMAGE_GONE, message="The working image is gone.", retryable=False)
            return self._fail(record, gone)
        analysed = record.move(ImageStatus.ANALYZED, self.clock(), prediction=prediction)
        try:
            return self.casework.add_result(analysed)
        except TransitionError as error:
            return self._decided(record, error)

    def _prediction(self, record: ImageRecord) -> Prediction:
        if record.working_image is None:
            raise NotFoundError("The image has no working image.")
        data = self.working_images.read(record.working_image.key)
        return self.predict(data, record.specialty, record.image_id)

    def _fail(self, record: ImageRecord, failure: Failure) -> ImageRecord:
        try:
            return self.casework.replace_image(record.move(ImageStatus.FAILED, self.clock(), failure=failure))
        except TransitionError as error:
            return self._decided(record, error)

    def _decided(self, record: ImageRecord, error: TransitionError) -> ImageRecord:
        """The stored record, if another delivery was faster; if something else changed, the message
        has to come again."""
        stored = self.casework.image(record.image_id)
        if stored.status is ImageStatus.ACCEPTED and stored.attempt == record.attempt:
            raise error
        return stored
