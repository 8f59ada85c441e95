"""Is a model good enough to be promoted? Measured on the frozen holdout, beside the model in production."""

import hashlib
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from PIL import Image

from triagelens.domain.errors import ModelError, NotFoundError
from triagelens.domain.gate import GateReport, GateVerdict, HoldoutImage, Reference, sample, too_few
from triagelens.inference.verdict import Answer, Compared, judge

if TYPE_CHECKING:
    from triagelens.domain.specialties import Specialty
    from triagelens.inference.ports import Holdout, HoldoutFiles
    from triagelens.inference.session import LoadedModel

# Each model answers the first image this often before the clock counts: first runs allocate.
WARM_UP = 3


@dataclass(frozen=True)
class ReferenceModel:
    """The model to compare with, and where it comes from."""

    model: "LoadedModel"
    reference: Reference


@dataclass(frozen=True)
class Gate:
    """Asks a model and its reference the same images, in turns, in this process.

    Attributes:
        reference: the model to compare with; None if the specialty has none at all. Raises ModelError
            if it cannot serve.
        budget_s: seconds after which an evaluation stops without a verdict.
        seconds: time that never goes back.
    """

    holdout: "Holdout"
    files: "HoldoutFiles"
    reference: Callable[[str], ReferenceModel | None]
    clock: Callable[[], datetime]
    budget_s: float
    seconds: Callable[[], float] = field(default=monotonic)

    def evaluate(self, specialty: "Specialty", model: "LoadedModel") -> GateReport:
        """Every figure that the gate looks at, and its verdict."""
        images = self.holdout.images(specialty.name)
        labels = specialty.label_names
        chosen = sample(images, labels)
        if few := too_few(chosen, labels):
            told = ", ".join(f"{label} {count}" for label, count in few.items())
            return self._without_verdict(f"The holdout has too few images: {told}.", images)
        try:
            reference = self.reference(specialty.name)
        except ModelError as error:
            return self._without_verdict(f"The model to compare with cannot serve: {error}", images)
        answers = self._ask(chosen, model, reference.model if reference else None)
        if answers is None:
            message = f"The evaluation was not through after {self.budget_s:.0f} s."
            return self._without_verdict(message, images)
        if few := too_few((answer.image for answer in answers), labels):
            return self._without_verdict(f"Too many images are gone of: {', '.join(few)}.", images)
        of_each = Counter(image.label for image in {image.sha256: image for image in images}.values())
        digests = "".join(answer.image.sha256 for answer in answers)
        known = reference.reference if reference else None
        found = judge(answers, of_each, specialty, known, self.clock())
        return found.model_copy(
            update={
                "available": sum(of_each[label] for label in labels),
                "missing": len(chosen) - len(answers),
                "holdout_sha256": hashlib.sha256(digests.encode()).hexdigest(),
            }
        )

    def _without_verdict(self, reason: str, images: Sequence[HoldoutImage]) -> GateReport:
        return GateReport(
            verdict=GateVerdict.NOT_EVALUABLE,
            reasons=(reason,),
            available=len(images),
            evaluated_at=self.clock(),
        )

    def _ask(
        self, images: Sequence[HoldoutImage], model: "LoadedModel", reference: "LoadedModel | None"
    ) -> list[Answer] | None:
        """The answers to every image that is still there; None if time ran out.

        The two take turns at being asked first, so that neither always finds the image in the cache.
        """
        until = self.seconds() + self.budget_s
        answers: list[Answer] = []
        for image, pixels in self._pixels(images):
            if self.seconds() > until:
                return None
            if not answers:
                for _ in range(WARM_UP):
                    _compared(model, pixels)
                    _compared(reference, pixels)
            if len(answers) % 2:
                other, own = _compared(reference, pixels), _compared(model, pixels)
            else:
                own, other = _compared(model, pixels), _compared(reference, pixels)
            answers.append(Answer(image, own, other))
        return answers

    def _pixels(self, images: Sequence[HoldoutImage]) -> Iterator[tuple[HoldoutImage, Image.Image]]:
        """Decoded images; those that are gone, or are not what was frozen, are left out."""
        for image in images:
            try:
                data = self.files.read(image)
            except NotFoundError:
                continue
            if hashlib.sha256(data).hexdigest() != image.sha256:
                continue
            with Image.open(io.BytesIO(data), formats=["JPEG"]) as decoded:
                decoded.load()
                yield image, decoded


def _compared(model: "LoadedModel | None", image: Image.Image) -> Compared:
    if model is None:
        return Compared(None, 0.0, 0.0)
    started = perf_counter()
    try:
        prediction = model.predict(image)
    except ModelError:
        return Compared(None, 0.0, (perf_counter() - started) * 1000)
    return Compared(prediction.top_label, prediction.confidence, (perf_counter() - started) * 1000)
