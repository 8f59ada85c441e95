"""Draws what a finding rests on, with the model that made it."""

import io
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from triagelens.domain.errors import ModelError, NotFoundError
from triagelens.domain.explanations import Method
from triagelens.domain.specialties import label_title
from triagelens.imaging.heatmap import (
    can_be_drawn,
    central_share,
    evidence_map,
    heatmap_png,
    overlay_jpeg,
)
from triagelens.inference.occlusion import occlusion_grid
from triagelens.inference.package import read_manifest, require_digest
from triagelens.services.explanations import Pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from triagelens.domain.manifest import Manifest
    from triagelens.domain.models import RegisteredModel
    from triagelens.domain.prediction import ModelIdentity, Prediction
    from triagelens.inference.model_store import ModelStore
    from triagelens.inference.ports import Baselines, ModelObjects
    from triagelens.inference.session import LoadedModel


class RegisteredModels(Protocol):
    """The registry, as far as it is asked which files a version has."""

    def model(self, specialty: str, version: str) -> "RegisteredModel":
        """Raises NotFoundError if that version was never registered."""


@dataclass(frozen=True)
class EvidenceArtist:
    """`services.explanations.Artist`: Grad-CAM from the stored grid; occlusion where there is none.

    Attributes:
        budget_s: seconds that occlusion may take.
    """

    registry: RegisteredModels
    objects: "ModelObjects"
    baselines: "Baselines"
    store: "ModelStore"
    budget_s: float

    def __call__(self, working_image: bytes, prediction: "Prediction", label: str) -> Pictures:
        registered = self._registered(prediction)
        manifest = self._manifest(prediction, registered)
        with Image.open(io.BytesIO(working_image), formats=["JPEG"]) as image:
            image.load()
            grid, method = self._grid(prediction, registered, image, label)
            evidence = evidence_map(grid, manifest.input, image.size)
            share = central_share(evidence, manifest.input)
            told = _told(prediction.specialty, label, manifest.labels)
            title = f"{method.at_first}: {'evidence' if share is not None else 'no evidence'} for {told}"
            return Pictures(
                heatmap=heatmap_png(evidence),
                overlay=overlay_jpeg(image, evidence, title),
                method=method,
                central_share=share,
            )

    def _grid(
        self, prediction: "Prediction", registered: "RegisteredModel | None", image: Image.Image, label: str
    ) -> "tuple[Sequence[Sequence[float]], Method]":
        stored = prediction.features.values(label) if prediction.features else None
        if stored is not None:
            return stored, Method.GRAD_CAM
        model = self._model(prediction, registered)
        return occlusion_grid(model, image, label, self.budget_s).tolist(), Method.OCCLUSION

    def _registered(self, prediction: "Prediction") -> "RegisteredModel | None":
        """The registry's entry of exactly the model that answered; None if that was the baseline."""
        try:
            found = self.registry.model(prediction.specialty, prediction.model.version)
        except NotFoundError:
            return None
        digests = (found.model_sha256, found.manifest_sha256)
        return found if digests == _digests(prediction.model) else None

    def _manifest(self, prediction: "Prediction", registered: "RegisteredModel | None") -> "Manifest":
        if registered is not None:
            data = self.objects.read(registered.manifest_key, registered.manifest_object_version)
            require_digest(data, registered.manifest_sha256, registered.manifest_key)
            return read_manifest(data)
        package = self.baselines.package(prediction.specialty)
        if package is None or sha256(package.manifest).hexdigest() != prediction.model.manifest_sha256:
            raise ModelError("The model that analysed this image is no longer here.")
        return read_manifest(package.manifest)

    def _model(self, prediction: "Prediction", registered: "RegisteredModel | None") -> "LoadedModel":
        if registered is not None:
            return self.store.registered(prediction.specialty, registered)
        return self.store.baseline(prediction.specialty)


def _told(of_specialty: str, label: str, labels: "Sequence[str]") -> str:
    """What a legend calls a label: its title, or its place among the model's where no font here has that."""
    title = label_title(of_specialty, label)
    return title if can_be_drawn(title) else f"label {labels.index(label) + 1} of {len(labels)}"


def _digests(identity: "ModelIdentity") -> tuple[str, str]:
    return identity.sha256, identity.manifest_sha256
