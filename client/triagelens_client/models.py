"""Answers of the API about images, and what all answers share. Fields that a newer API adds are ignored."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

FINAL_STATUSES = frozenset({"analyzed", "rejected", "failed", "expired"})
VERDICT_STATUSES = frozenset({"analyzed", "rejected"})


class Answer(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class UploadForm(Answer):
    """A presigned POST: `fields` and then `file`, as multipart/form-data, to `url`."""

    url: str
    fields: dict[str, str]
    expires_at: datetime | None = None


class ImageCreated(Answer):
    """Answer to a request for an upload. A repeated request whose image was processed since has no form."""

    image_id: str
    status: str
    upload: UploadForm | None = None


class QualityReason(Answer):
    """One remark on a photo, in words that its photographer can act on.

    Attributes:
        severity: `reject` decides the verdict, `warn` does not.
    """

    code: str
    message: str
    value: float | None = None
    threshold: float | None = None
    severity: str = "reject"


class Quality(Answer):
    """The quality check's verdict and what it measured.

    Attributes:
        focus_score: variance of the Laplacian of the grey working image; low is blurred.
        focus_threshold: what this image had to reach.
        brightness: mean grey level, 0..255.
        width, height: of the photo when held upright, pixels.
    """

    verdict: str
    reasons: tuple[QualityReason, ...] = ()
    focus_score: float | None = None
    focus_threshold: float | None = None
    brightness: float | None = None
    width: int | None = None
    height: int | None = None
    timings_ms: Mapping[str, float] = Field(default_factory=dict)


class LabelProbability(Answer):
    label: str
    probability: float


class ModelIdentity(Answer):
    name: str
    version: str


class PredictionSet(Answer):
    """Labels that together hold the true one in `coverage` of the cases, most probable first."""

    labels: tuple[str, ...] = ()
    coverage: float


class OutlierScore(Answer):
    """How unlike the images of training an image is; beyond `threshold` it is of another kind."""

    distance: float
    threshold: float


class Prediction(Answer):
    """A model's finding.

    Attributes:
        probabilities: every label, most probable first.
        decision: `accept`, `uncertain` or `abstain`; None of findings older than decisions.
        reasons: codes of what the decision rests on.
        prediction_set, out_of_distribution: None where the model came with nothing to assess them by.
        demonstration: made to try the platform out, never for a patient.
        timings_ms: wall time of each stage in milliseconds.
    """

    top_label: str
    probability: float
    margin: float | None = None
    entropy: float | None = None
    probabilities: tuple[LabelProbability, ...] = ()
    decision: str | None = None
    reasons: tuple[str, ...] = ()
    prediction_set: PredictionSet | None = None
    out_of_distribution: OutlierScore | None = None
    model: ModelIdentity
    demonstration: bool
    intended_use: str | None = None
    timings_ms: Mapping[str, float] = Field(default_factory=dict)

    @property
    def is_accepted(self) -> bool:
        """Whether nothing speaks against the answer, as far as it was assessed."""
        return self.decision in (None, "accept")


class Failure(Answer):
    """Why the platform could not finish."""

    code: str
    message: str
    retryable: bool = False


class OnDevicePrediction(Answer):
    """What a model on the photographer's own device said.

    Attributes:
        probability: of `label`.
        class_index: place of `label` among that model's classes.
        raw_output: the number that the model itself gave, where it is another than `probability`.
    """

    label: str
    probability: float
    class_index: int | None = None
    raw_output: float | None = None
    inference_time_s: float | None = None
    model: str | None = None


class Image(Answer):
    """An image and what has become of it so far.

    Attributes:
        status: `awaiting_upload`, `accepted`, `rejected`, `analyzed`, `failed` or `expired`.
        sha256: of the bytes that were announced, if whoever sent them said so.
        patient_id: of whom it is, if that was said.
    """

    image_id: str
    specialty: str
    status: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    purpose: str | None = None
    original_filename: str | None = None
    sha256: str | None = None
    patient_id: str | None = None
    quality: Quality | None = None
    prediction: Prediction | None = None
    on_device_prediction: OnDevicePrediction | None = None
    failure: Failure | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it by itself."""
        return self.status in FINAL_STATUSES

    @property
    def has_verdict(self) -> bool:
        """Whether the platform did its work: a finding, or a reasoned rejection."""
        return self.status in VERDICT_STATUSES


class Content(Answer):
    """A link to the working image's bytes, good until `expires_at`."""

    url: str
    expires_at: datetime


class Explanation(Answer):
    """Pictures of the evidence for a label: a heatmap (PNG) and the image under it (JPEG, with a legend).

    Attributes:
        method: `grad_cam`, from the run that made the finding, or `occlusion`, measured afterwards.
        central_share: share of the evidence in the middle of what the model saw, which has half of each
            side (0.25 where it is spread evenly); None where nothing speaks for the label.
    """

    image_id: str
    label: str
    method: str
    central_share: float | None = None
    heatmap: Content
    overlay: Content


class Label(Answer):
    name: str
    title: str


class Specialty(Answer):
    name: str
    title: str
    labels: tuple[Label, ...] = ()


Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """A part of a list, newest first; `cursor` asks for the next part, None ends it."""

    items: tuple[Item, ...]
    cursor: str | None = None


def all_of(page: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """Every item of a list, asking for one page after the other by cursor as they are needed."""
    part = page(None)
    yield from part.items
    while part.cursor is not None:
        part = page(part.cursor)
        yield from part.items
