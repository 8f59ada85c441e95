"""Answers images with the model that serves, and keeps the tally of a candidate on trial."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from PIL import Image

from triagelens.domain.abstention import DecisionReason
from triagelens.domain.errors import ModelError
from triagelens.domain.rollout import Tally

if TYPE_CHECKING:
    from triagelens.domain.prediction import Prediction
    from triagelens.inference.model_store import ModelStore, ServedModel
    from triagelens.inference.ports import TrialCounts


@dataclass(frozen=True)
class StorePredictor:
    """`services.inference.Predictor`: whichever model the store says is to answer.

    An image of a candidate's share that the candidate fails on is answered by production: the trial must
    not cost a patient the finding. While there is a trial, each image is counted before its record is
    written; one that is delivered twice may count twice.

    Attributes:
        tell: is told of each failure of a candidate.
    """

    store: "ModelStore"
    trials: "TrialCounts"
    tell: Callable[[ModelError], None]

    def __call__(self, working_image: bytes, specialty: str, image_id: str) -> "Prediction":
        """The finding, with the times of choosing the model and decoding the image.

        Raises:
            ModelError: no model can serve.
        """
        started = perf_counter()
        served = self.store.for_specialty(specialty, image_id)
        chosen = perf_counter()
        with Image.open(io.BytesIO(working_image), formats=["JPEG"]) as image:
            image.load()
            decoded = perf_counter()
            prediction = self._answer(served, specialty, image)
        return prediction.with_timings(model=(chosen - started) * 1000, decode=(decoded - chosen) * 1000)

    def _answer(self, served: "ServedModel", specialty: str, image: Image.Image) -> "Prediction":
        if served.withheld is not None:
            self._count_failure(served, specialty, served.withheld)
            return served.predict(image)
        try:
            prediction = served.predict(image)
        except ModelError as error:
            self._count_failure(served, specialty, error)
            if served.arm == "production":
                raise
            return self.store.production(specialty).predict(image)
        self._count(served, specialty, _tally_of(prediction))
        return prediction

    def _count_failure(self, served: "ServedModel", specialty: str, error: ModelError) -> None:
        self._count(served, specialty, Tally(failures=1))
        if served.arm == "candidate":
            self.tell(error)

    def _count(self, served: "ServedModel", specialty: str, tally: Tally) -> None:
        if served.trial is not None:
            self.trials.count(specialty, served.trial, served.arm, tally)


def _tally_of(prediction: "Prediction") -> Tally:
    """What is not known of both models, such as images of another kind, is not held against one of them."""
    abstained = int(DecisionReason.LOW_CONFIDENCE in prediction.reasons)
    return Tally(answers=1, abstained=abstained, confidence_sum=prediction.confidence)
