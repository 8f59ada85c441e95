"""The photo and the network that every way is measured with, made once and kept under build/."""

import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triagelens.domain.manifest import ExplainSpec, InputSpec, Manifest, OutputSpec
from triagelens.inference.package import ModelPackage

FOLDER = Path("build/bench")
SPECIALTY = "skin"
BACKBONE = "resnet50"
SIDE = 224
RESIZE_TO = 256
MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]
LABELS = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]

_PHOTO_SEED = 12
_PHOTO_QUALITY = 92
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
        """The same network, exported by the training job's own export."""
        return self.folder / "model.onnx"

    @property
    def onnx_int8(self) -> Path:
        """The same network, statically quantised."""
        return self.folder / "model-int8.onnx"

    @property
    def head(self) -> Path:
        return self.folder / "head.npy"

    def package(self, *, int8: bool = False) -> ModelPackage:
        """The model as the registry would hand it to the function that predicts."""
        model, head = (self.onnx_int8 if int8 else self.onnx).read_bytes(), self.head.read_bytes()
        manifest = Manifest(
            specialty=SPECIALTY,
            name="bench-resnet50",
            version="int8" if int8 else "fp32",
            sha256=hashlib.sha256(model).hexdigest(),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            labels=LABELS,
            input=input_spec(),
            output=OutputSpec(name="logits", kind="logits"),
            explain=ExplainSpec(
                features_output="features",
                head_weights=self.head.name,
                head_weights_sha256=hashlib.sha256(head).hexdigest(),
            ),
            precision="int8" if int8 else "fp32",
            licence="Apache-2.0",
            intended_use="benchmark",
        )
        return ModelPackage(model=model, manifest=manifest.model_dump_json().encode(), head=head)


def input_spec() -> InputSpec:
    return InputSpec(name="image", height=SIDE, width=SIDE, resize_to=RESIZE_TO, mean=MEAN, std=STD)


def prepare(folder: Path = FOLDER) -> Materials:
    """Makes what is missing; the same every time."""
    materials = Materials(folder.resolve())
    folder.mkdir(parents=True, exist_ok=True)
    if not materials.photo.exists():
        _take_photo(materials.photo)
    if not (materials.onnx.exists() and materials.weights.exists() and materials.head.exists()):
        _export(materials)
    if not materials.onnx_int8.exists():
        _quantise(materials)
    return materials


def _take_photo(path: Path) -> None:
    from training_job.phantoms import photograph

    path.write_bytes(photograph(SPECIALTY, "mel", _PHOTO_SEED, quality=_PHOTO_QUALITY))


def _export(materials: Materials) -> None:
    import numpy as np
    import torch

    from training_job.export import to_onnx
    from training_job.model import build

    network = build(BACKBONE, len(LABELS), dropout=0.0, seed=_WEIGHTS_SEED).eval()
    torch.save(network.state_dict(), materials.weights)
    head = io.BytesIO()
    np.save(head, network.head.weight.detach().numpy().astype("<f4"))
    materials.head.write_bytes(head.getvalue())
    materials.onnx.write_bytes(to_onnx(network, input_spec()))


def _quantise(materials: Materials) -> None:
    from bench.quantise import quantise

    quantise(materials)
