"""The manifest of a model: the contract between training, registry and inference.

A model is `model.onnx` plus `manifest.json`. Whatever the preprocessing or the reading of the output
needs is said here, so that a classifier made elsewhere is served unchanged.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Channel = Annotated[list[float], Field(min_length=3, max_length=3)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputSpec(_Part):
    """How a working image becomes the model's input tensor.

    The order of work is: resize (`resize`, `interpolation`, `antialias`), centre crop to
    `height` x `width` where `resize` is `shortest_side`, channel order, `(pixel * scale - mean) / std`
    per channel in `channel_order`, layout, dtype. Pixels are 0..255 before `scale`.

    Attributes:
        resize: `stretch` to height x width ignoring the aspect ratio, or `shortest_side` to
            `resize_to` keeping it, then a centre crop.
        resize_to: length in pixels of the shortest side after resizing; only with `shortest_side`
            (default: the larger of height and width).
        mean, std: per channel, in the units after `scale`.
    """

    name: str = Field(min_length=1, description="Name of the graph input")
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    dtype: Literal["float32", "float16", "uint8"] = "float32"
    height: int = Field(ge=8, le=2048)
    width: int = Field(ge=8, le=2048)
    resize: Literal["stretch", "shortest_side"] = "shortest_side"
    resize_to: int | None = Field(default=None, ge=8, le=4096)
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    antialias: bool = True
    channel_order: Literal["RGB", "BGR"] = "RGB"
    scale: float = Field(default=1 / 255, gt=0)
    mean: Channel = [0.0, 0.0, 0.0]
    std: Channel = [1.0, 1.0, 1.0]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if any(value <= 0 for value in self.std):
            raise ValueError("std must be positive in every channel")
        if self.resize == "stretch" and self.resize_to is not None:
            raise ValueError("resize_to goes with resize: shortest_side")
        if self.resize_to is not None and self.resize_to < max(self.height, self.width):
            raise ValueError("resize_to must not be smaller than the crop (height, width)")
        if self.interpolation == "lanczos" and not self.antialias:
            raise ValueError("lanczos exists only with antialias: true")
        if self.dtype == "uint8" and (self.scale, self.mean, self.std) != (1.0, [0.0] * 3, [1.0] * 3):
            raise ValueError("a uint8 input takes raw pixels: scale 1, mean 0, std 1")
        return self


class OutputSpec(_Part):
    """How the model's output is read.

    Attributes:
        kind: `logits` (softmax is applied), `probabilities` (taken as they are, must sum to 1), or
            `sigmoid`: one value per image, the *logit* or probability of the second label.
        sigmoid_applied: for `sigmoid`, whether the value is a probability already.
    """

    name: str = Field(min_length=1, description="Name of the graph output")
    kind: Literal["logits", "probabilities", "sigmoid"] = "logits"
    sigmoid_applied: bool = True


class ExplainSpec(_Part):
    """What last-layer class activation mapping needs.

    Attributes:
        features_output: graph output of the last feature map, float32 (1, channels, rows, columns).
        head_weights: file beside the model, little-endian float32 `.npy` of shape (labels, channels).
    """

    features_output: str = Field(min_length=1)
    head_weights: str | None = Field(default=None, pattern=r"^[a-z0-9_.-]+\.npy$")
    head_weights_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _weights_have_a_digest(self) -> Self:
        if (self.head_weights is None) != (self.head_weights_sha256 is None):
            raise ValueError("head_weights and head_weights_sha256 go together")
        return self


class CalibrationSpec(_Part):
    """Temperature scaling (Guo et al., 2017): logits are divided by `temperature` before softmax."""

    temperature: float = Field(default=1.0, gt=0)


class AbstainSpec(_Part):
    """When the model should not answer by itself.

    Attributes:
        conformal_quantile: q of split conformal prediction (Vovk et al., 2005): the labels of calibrated
            probability at least 1 - q together hold the true one in `conformal_coverage` of the cases.
        ood: what features of training images are like, to tell images of another kind.
    """

    min_confidence: float | None = Field(default=None, ge=0, le=1)
    conformal_quantile: float | None = Field(default=None, ge=0, le=1)
    conformal_coverage: float | None = Field(default=None, gt=0, lt=1)
    ood: dict[str, object] | None = Field(default=None, description="Training feature statistics")


class TrainingSpec(_Part):
    """Where the model comes from.

    Attributes:
        weights_sha256: digest of the `weights.safetensors` that the job kept, for a later one to begin with.
    """

    job: str | None = None
    dataset_snapshot: str | None = None
    code_version: str | None = None
    weights_sha256: Sha256 | None = None
    metrics: dict[str, float] = Field(default_factory=dict)


class Manifest(_Part):
    """`manifest.json`, version 1."""

    schema_version: Literal[1] = 1
    specialty: Slug
    name: Slug
    version: Slug
    sha256: Sha256 = Field(description="Digest of model.onnx")
    created_at: datetime
    labels: list[str] = Field(min_length=2, max_length=1000)
    input: InputSpec
    output: OutputSpec
    explain: ExplainSpec | None = None
    calibration: CalibrationSpec = CalibrationSpec()
    abstain: AbstainSpec | None = None
    precision: Literal["fp32", "int8"] = "fp32"
    training: TrainingSpec | None = None
    licence: str = Field(min_length=1, max_length=200)
    intended_use: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must be unique")
        if self.output.kind == "sigmoid" and len(self.labels) != 2:
            raise ValueError("a sigmoid output needs exactly two labels: negative, positive")
        return self
