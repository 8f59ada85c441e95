"""The manifest of a model: the contract between training, registry and inference.

A model is `model.onnx` plus `manifest.json`. Whatever the preprocessing or the reading of the output
needs is said here, so that a classifier made elsewhere is served unchanged.
"""

import base64
import binascii
import math
import struct
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Channel = Annotated[list[float], Field(min_length=3, max_length=3)]


class _Part(BaseModel):
    """Numbers are finite: what is not would switch a check off, or make every answer worthless, unseen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class OutlierSpec(_Part):
    """What the features of training images are like. Arrays are base64 of little-endian float16, row by row.

    With f the mean of a feature map over rows and columns, z = basis (f - centre), r the squared length
    of f - centre - basis' z: the distance is min over classes c of (z - c)' precision (z - c), plus
    len(z) * r / residual. An image beyond `threshold` is unlike the training images.

    Attributes:
        output: graph output that f is made of, (batch, channels) or (batch, channels, rows, columns); the
            feature map of `explain` unless one is named.
        basis: (components, channels), orthonormal.
        centre: (channels,).
        classes: mean z of each label, (labels with training images, components).
        precision: inverse of the shrunk covariance of z within classes.
        residual: mean r of training images.
        quantile: share of further images of the same kind that are within the threshold, as far as the images
            that it was set by can tell.
    """

    method: Literal["subspace-mahalanobis"] = "subspace-mahalanobis"
    output: str | None = Field(default=None, min_length=1)
    components: int = Field(ge=1, le=256)
    channels: int = Field(ge=1, le=16_384)
    basis: str
    centre: str
    classes: list[list[float]] = Field(min_length=1)
    precision: list[list[float]]
    residual: float = Field(gt=0)
    threshold: float = Field(ge=0)
    quantile: float = Field(default=0.99, gt=0, le=1)

    @model_validator(mode="after")
    def _shapes_fit(self) -> Self:
        for name, values in (("basis", self.components * self.channels), ("centre", self.channels)):
            decoded = _decoded(getattr(self, name), values)
            if decoded is None:
                raise ValueError(f"{name} must be base64 of {values} float16 values")
            if not all(map(math.isfinite, decoded)):
                raise ValueError(f"{name} must be finite in float16")
        if any(len(row) != self.components for row in self.classes):
            raise ValueError("every class needs a value for each component")
        if [len(row) for row in self.precision] != [self.components] * self.components:
            raise ValueError("precision must have a row and a column for each component")
        return self


def _decoded(text: str, values: int) -> tuple[float, ...] | None:
    """As many float16 values; None of anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return struct.unpack(f"<{values}e", data) if len(data) == 2 * values else None


class AbstainSpec(_Part):
    """When the model should not answer by itself. What is None is not assessed.

    Attributes:
        min_confidence: least calibrated probability of the first label; 0.5 where nothing is said.
        conformal_quantile: q of split conformal prediction (Vovk et al., 2005): the labels of calibrated
            probability at least 1 - q together hold the true one in `conformal_coverage` of the cases.
        ood: what features of training images are like, to tell images of another kind.
    """

    min_confidence: float | None = Field(default=None, ge=0, le=1)
    conformal_quantile: float | None = Field(default=None, ge=0, le=1)
    conformal_coverage: float | None = Field(default=None, gt=0, lt=1)
    ood: OutlierSpec | None = None

    @model_validator(mode="after")
    def _a_quantile_has_a_promise(self) -> Self:
        if (self.conformal_quantile is None) != (self.conformal_coverage is None):
            raise ValueError("conformal_quantile and conformal_coverage go together")
        return self


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

    @model_validator(mode="after")
    def _statistics_have_features(self) -> Self:
        ood = self.abstain.ood if self.abstain else None
        if ood is not None and ood.output is None and self.explain is None:
            raise ValueError("abstain.ood needs the name of an output, or explain.features_output")
        return self

    @property
    def ood_output(self) -> str | None:
        """The graph output that images of another kind are told by; None without statistics."""
        ood = self.abstain.ood if self.abstain else None
        if ood is None or ood.output is not None:
            return None if ood is None else ood.output
        return self.explain.features_output if self.explain else None
