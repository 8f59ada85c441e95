"""A loaded model: one ONNX Runtime session, and the manifest that says how to feed and read it."""

import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from triagelens.domain.abstention import judge
from triagelens.domain.errors import ModelError
from triagelens.domain.prediction import FeatureGrid, ModelIdentity, Prediction
from triagelens.domain.specialties import SPECIALTIES
from triagelens.imaging.preprocess import preprocess
from triagelens.inference.activation import feature_grid
from triagelens.inference.outliers import OutlierMeasure
from triagelens.inference.package import ModelPackage, read_head, read_manifest, require_digest, sha256
from triagelens.inference.reading import ModelOutputError, probabilities, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from triagelens.domain.manifest import Manifest

# ONNX Runtime's exceptions share no base class of their own. Its Python layer raises ValueError for an
# input of another name, and for names that are not UTF-8.
_ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    ort_errors.NoSuchFile,
    ort_errors.EPFail,
    ValueError,
)
_NO_FOLDER = "/nonexistent"
_ERRORS_ONLY = 3
_DIGITS = 4


class LoadedModel:
    """A model ready to predict. Safe to use from several threads.

    Attributes:
        manifest: the model's contract.
        batch: images that one run takes: the model's fixed batch size, or 1.
        size_bytes: size of the model file, as a measure of the memory it holds.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        manifest: "Manifest",
        identity: ModelIdentity,
        head: "NDArray[np.float32] | None",
        size_bytes: int,
    ) -> None:
        self.session = session
        self.manifest = manifest
        self.size_bytes = size_bytes
        self.batch = _fixed_batch(session, manifest.input.name)
        self._identity = identity
        self._head = head
        ood = manifest.abstain.ood if manifest.abstain else None
        self._outliers = OutlierMeasure(ood) if ood else None
        known = SPECIALTIES.get(manifest.specialty)
        self._urgent = known.urgent_labels if known else frozenset[str]()
        wanted = (self.features_output, manifest.ood_output)
        self._outputs = [manifest.output.name, *dict.fromkeys(name for name in wanted if name is not None)]

    @property
    def features_output(self) -> str | None:
        """The graph output of the last feature map, if evidence can be told from it."""
        explain = self.manifest.explain
        return explain.features_output if explain is not None and self._head is not None else None

    @classmethod
    def open(cls, package: ModelPackage, threads: int = 1) -> Self:
        """Checks the files against the manifest's digests and makes the session.

        Args:
            threads: threads for one operator; on Lambda one per 1,769 MB of memory.

        Raises:
            ModelIntegrityError: bytes are not those that the manifest names.
            ModelError: the manifest is invalid, or ONNX Runtime cannot load the model.
        """
        manifest = read_manifest(package.manifest)
        require_digest(package.model, manifest.sha256, "model.onnx")
        identity = ModelIdentity(
            name=manifest.name,
            version=manifest.version,
            sha256=manifest.sha256,
            manifest_sha256=sha256(package.manifest),
        )
        head = _head(package, manifest)
        return cls(make_session(package.model, threads), manifest, identity, head, len(package.model))

    def predict(self, image: "Image.Image", *, demonstration: bool = False) -> Prediction:
        """The finding on a working image, with `preprocess`, `run` and `postprocess` times.

        Raises:
            ModelError: the model failed on this input, or gave what cannot be read.
        """
        started = time.perf_counter()
        tensor = preprocess(image, self.manifest.input)
        preprocessed = time.perf_counter()
        outputs = self.run(tensor)
        ran = time.perf_counter()
        likely = probabilities(scores(outputs[0], self.manifest, self.batch), self.manifest)
        by_label = dict(zip(self.manifest.labels, likely.tolist(), strict=True))
        seen = dict(zip(self._outputs[1:], outputs[1:], strict=True))
        judgement = judge(by_label, self.manifest.abstain, distance=self._distance(seen), urgent=self._urgent)
        features = self._grid(seen, likely)
        finished = time.perf_counter()
        return Prediction.ranked(
            by_label,
            specialty=self.manifest.specialty,
            model=self._identity,
            demonstration=demonstration,
            intended_use=self.manifest.intended_use,
            judgement=judgement,
            features=features,
            timings_ms={
                "preprocess": _milliseconds(started, preprocessed),
                "run": _milliseconds(preprocessed, ran),
                "postprocess": _milliseconds(ran, finished),
            },
        )

    def run(self, tensor: "NDArray[Any]") -> list[Any]:
        """Raw outputs for one image's tensor (1, ...): scores, then what evidence and outliers are told by.

        A model with a fixed batch gets the image repeated; only the first row is read afterwards.

        Raises:
            ModelError: ONNX Runtime refused to run it.
        """
        if self.batch > 1:
            tensor = np.repeat(tensor, self.batch, axis=0)
        try:
            return list(self.session.run(self._outputs, {self.manifest.input.name: tensor}))
        except _ORT_ERRORS as error:
            raise ModelError(f"The model failed while it ran: {_brief(error)}") from error

    def _distance(self, seen: dict[str, Any]) -> float | None:
        """From training images, if the manifest has statistics of them."""
        name = self.manifest.ood_output
        if self._outliers is None or name is None:
            return None
        summary = _finite(np.asarray(seen[name])[0], name)
        if summary.ndim not in (1, 3) or summary.shape[0] != self._outliers.channels:
            raise ModelOutputError(
                "features_shape",
                f"Output {name!r} of one image has shape {summary.shape}, abstain.ood is about "
                f"{self._outliers.channels} channels.",
            )
        return round(self._outliers.distance(summary), _DIGITS)

    def _grid(self, seen: dict[str, Any], likely: "NDArray[np.float64]") -> FeatureGrid | None:
        name = self.features_output
        if self._head is None or name is None:
            return None
        features = np.asarray(seen[name])[0]
        if features.ndim != 3 or features.shape[0] != self._head.shape[1]:
            raise ModelOutputError(
                "features_shape",
                f"Features of one image have shape {features.shape}, head weights {self._head.shape}; "
                "they must be (channels, rows, columns) and (labels, channels).",
            )
        order = np.argsort(-likely, kind="stable").tolist()
        return feature_grid(_finite(features, name), self._head, self.manifest.labels, order)


def _finite(values: "NDArray[np.floating]", output: str) -> "NDArray[np.floating]":
    if not np.isfinite(values).all():
        raise ModelOutputError("output_not_finite", f"Output {output!r} is not finite.")
    return values


def make_session(model: bytes, threads: int) -> ort.InferenceSession:
    """A CPU session on the bytes of `model`. Nothing is read from any file: not even external data.

    Raises:
        ModelError: ONNX Runtime cannot load it.
    """
    options = ort.SessionOptions()
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # A spinning thread would burn the CPU share that the function pays for.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    try:
        # The fallback would try the same provider again, and print.
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except _ORT_ERRORS as error:
        raise ModelError(f"ONNX Runtime cannot load the model: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    """ONNX Runtime's message without source positions, on one line."""
    text = " ".join(str(error).split())
    return text.removeprefix("[ONNXRuntimeError] : ")[:300]


def _head(package: ModelPackage, manifest: "Manifest") -> "NDArray[np.float32] | None":
    explain = manifest.explain
    if explain is None or explain.head_weights_sha256 is None:
        return None
    if package.head is None:
        raise ModelError(f"The manifest names {explain.head_weights}, which did not come with the model.")
    require_digest(package.head, explain.head_weights_sha256, str(explain.head_weights))
    return read_head(package.head)


def _fixed_batch(session: ort.InferenceSession, input_name: str) -> int:
    for entry in session.get_inputs():
        if entry.name == input_name and entry.shape and isinstance(entry.shape[0], int):
            return max(1, entry.shape[0])
    return 1


def _milliseconds(since: float, until: float) -> float:
    return round((until - since) * 1000, 3)
