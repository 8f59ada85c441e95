"""From a finding to pictures of its evidence, made when somebody asks and kept from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError, UnavailableError
from triagelens.domain.explanations import Explanation, Method, explanation_key
from triagelens.domain.images import ImageRecord
from triagelens.domain.prediction import Prediction
from triagelens.services.images import Stopwatch
from triagelens.services.ports import Casework, Results, WorkingImages


class UnknownLabelError(InvalidRequestError):
    """The model does not know the label that was asked for."""

    code = "unknown_label"


@dataclass(frozen=True)
class Pictures:
    """What was drawn: a PNG, a JPEG, by which method, and the share of evidence in the centre."""

    heatmap: bytes
    overlay: bytes
    method: Method
    central_share: float | None


class Artist(Protocol):
    """Draws the evidence for a label in a working image (JPEG bytes)."""

    def __call__(self, working_image: bytes, prediction: Prediction, label: str) -> Pictures:
        """Raises ModelError if the model that answered cannot be asked again."""


class Gallery(Protocol):
    """Where explanations are kept."""

    def find(self, key: str) -> Explanation | None:
        """The explanation that was kept under `key`, if there is one."""

    def keep(self, key: str, explanation: Explanation, pictures: Pictures) -> None:
        """Keeps the pictures, and the explanation last: whoever finds it finds them."""


class Explainer(Protocol):
    """Explains a finding, wherever the pictures are drawn."""

    def explain(self, image_id: str, label: str) -> Explanation:
        """Raises:
        ConflictError: the finding cannot be explained.
        UnavailableError: not now.
        """


@dataclass(frozen=True)
class Explaining:
    """Explains findings. Asked again, it gives what was drawn before."""

    casework: Casework
    results: Results
    working_images: WorkingImages
    gallery: Gallery
    draw: Artist

    def explain(self, image_id: str, label: str | None) -> Explanation:
        """The evidence for a label, or for the most probable one.

        Raises:
            NotFoundError: there is no such image.
            ConflictError: it has no finding.
            UnknownLabelError: the model does not know that label.
            ModelError: the model that answered cannot be asked again.
        """
        record = self.casework.image(image_id)
        prediction = finding_of(record)
        wanted = known_label(prediction, label)
        key = explanation_key(record, wanted, "explanation.json")
        found = self.gallery.find(key)
        if found is not None:
            return found
        if record.working_image is None or record.object_version is None:
            raise NotFoundError("The image has no working image.")
        whole = self.results.result(image_id, record.object_version)
        pictures = self.draw(self.working_images.read(record.working_image.key), whole, wanted)
        explanation = Explanation(
            image_id=image_id,
            label=wanted,
            method=pictures.method,
            heatmap_key=explanation_key(record, wanted, "heatmap.png"),
            overlay_key=explanation_key(record, wanted, "overlay.jpg"),
            central_share=pictures.central_share,
        )
        self.gallery.keep(key, explanation, pictures)
        return explanation


@dataclass(frozen=True)
class Illustrating:
    """Explains many findings, as far as a time goes. What is drawn is kept: asked again, it gets further.

    Attributes:
        until: when no further explanation is begun, by the stopwatch.
    """

    explainer: Explainer
    stopwatch: Stopwatch
    until: float

    def of(self, records: Sequence[ImageRecord]) -> dict[str, Explanation]:
        """The evidence for each record's most probable label, by image.

        What cannot be explained, or not in time, is left out.
        """
        found: dict[str, Explanation] = {}
        for record in records:
            if self.stopwatch.now() >= self.until:
                break
            try:
                label = finding_of(record).top_label
                found[record.image_id] = self.explainer.explain(record.image_id, label)
            except ConflictError:
                continue
            except UnavailableError:
                break
        return found


def finding_of(record: ImageRecord) -> Prediction:
    """The image's finding.

    Raises:
        ConflictError: it has none.
    """
    if record.prediction is None:
        raise ConflictError("The image has no finding that could be explained.")
    return record.prediction


def known_label(prediction: Prediction, label: str | None) -> str:
    """The label that is asked for: the most probable one unless it is named.

    Raises:
        UnknownLabelError: the model does not know it.
    """
    wanted = label or prediction.top_label
    if wanted not in {entry.label for entry in prediction.probabilities}:
        raise UnknownLabelError("The model that analysed this image does not know that label.")
    return wanted
