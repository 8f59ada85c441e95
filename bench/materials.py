"""The photo and the network that every way is measured with, made once and kept under build/."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triagelens.domain.manifest import ExplainSpec, InputSpec, Manifest, OutputSpec
from triagelens.inference.package import ModelPackage

FOLDER = Path("build/bench")
SPECIALTY = "skin"
SIDE = 224
RESIZE_TO = 256
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
LABELS = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]

_PHOTO_SEED = 12
_PHOTO_QUALITY = 88
_WEIGHTS_SEED = 1


@dataclass(frozen=True)
class Materials:
    """Files on disk, as a cold start finds them."""

    folder: Path

    @property
    def photo(self) -> Path:
        """JPEG, 4032 x 3024, with sensor noise, 2.5 to 3 MB."""
        return self.folder / "photo.jpg"

    @property
    def weights(self) -> Path:
        """State of the PyTorch network."""
        return self.folder / "weights.pt"

    @property
    def onnx(self) -> Path:
        """The same network for ONNX Runtime, with its feature map beside the logits."""
        return self.folder / "model.onnx"

    @property
    def onnx_int8(self) -> Path:
        """The same network, statically quantised."""
        return self.folder / "model-int8.onnx"

    @property
    def head(self) -> Path:
        return self.folder / "head.npy"

    def manifest(self, *, int8: bool) -> Path:
        return self.folder / ("manifest-int8.json" if int8 else "manifest.json")

    def package(self, *, int8: bool = False) -> ModelPackage:
        """The model as the registry would hand it to the function that predicts."""
        return ModelPackage(
            model=(self.onnx_int8 if int8 else self.onnx).read_bytes(),
            manifest=self.manifest(int8=int8).read_bytes(),
            head=self.head.read_bytes(),
        )


def input_spec() -> InputSpec:
    return InputSpec(name="image", height=SIDE, width=SIDE, resize_to=RESIZE_TO, mean=MEAN, std=STD)


def prepare(folder: Path = FOLDER) -> Materials:
    """Makes what is missing; the same every time."""
    materials = Materials(folder.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    if not materials.photo.exists():
        _take_photo(materials.photo)
    if not materials.manifest(int8=True).exists():
        _make_models(materials)
    return materials


def _take_photo(path: Path) -> None:
    from training_job.phantoms import photograph

    path.write_bytes(photograph(SPECIALTY, "mel", _PHOTO_SEED, quality=_PHOTO_QUALITY))


def _make_models(materials: Materials) -> None:
    """PyTorch weights, ONNX in float32 and int8, and their manifests last."""
    from bench.network import export
    from bench.quantise import quantise

    export(materials, _WEIGHTS_SEED)
    quantise(materials)
    for int8, model in ((False, materials.onnx), (True, materials.onnx_int8)):
        manifest = Manifest(
            specialty=SPECIALTY,
            name="bench-resnet50",
            version="int8" if int8 else "fp32",
            sha256=_digest(model),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            labels=LABELS,
            input=input_spec(),
            output=OutputSpec(name="logits", kind="logits"),
            explain=ExplainSpec(
                features_output="features",
                head_weights=materials.head.name,
                head_weights_sha256=_digest(materials.head),
            ),
            precision="int8" if int8 else "fp32",
            licence="Apache-2.0",
            intended_use="benchmark",
        )
        materials.manifest(int8=int8).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
