"""Which model answers for an image, fetched, verified and kept loaded."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from triagelens.domain.errors import ModelError, ModelIntegrityError, NoModelError, NotFoundError
from triagelens.domain.models import signed_message
from triagelens.domain.rollout import Arm, is_in_share
from triagelens.inference.package import ModelPackage, read_manifest, require_digest
from triagelens.inference.session import LoadedModel

if TYPE_CHECKING:
    from PIL import Image

    from triagelens.domain.models import Candidate, ModelFiles, ProductionPointer
    from triagelens.domain.prediction import Prediction
    from triagelens.inference.ports import Baselines, ModelObjects, ProductionPointers, Signatures

PRODUCTION_STAGE = "prod"
DEMONSTRATION_ONLY = "demonstration only"
# Half of the 30 s within which a promotion or a rollback must be in force.
POINTER_LIFETIME_S = 15.0


@dataclass(frozen=True)
class ServedModel:
    """The model chosen for an image. `demonstration` marks whatever must not be taken for a finding.

    Attributes:
        trial: the candidate on trial, where there is one, whether it answers this image or not.
        arm: which side of the trial the image is on.
        withheld: why the candidate does not answer an image of its share; production does instead.
    """

    loaded: LoadedModel
    demonstration: bool
    trial: "Candidate | None" = None
    arm: Arm = "production"
    withheld: ModelError | None = None

    def predict(self, image: "Image.Image") -> "Prediction":
        """See `LoadedModel.predict`."""
        return self.loaded.predict(image, demonstration=self.demonstration)


@dataclass(frozen=True)
class _ReadPointer:
    pointer: "ProductionPointer | None"
    read_at: float


class ModelStore:
    """Loaded models by specialty. Safe to use from several threads; one loads at a time.

    Args:
        stage: in `prod` no baseline ever answers.
        clock: seconds that never go back.
        threads: threads of each session.
        max_loaded: sessions kept; beyond it the longest unused one is dropped.
        max_loaded_bytes: likewise for the sum of the model files' sizes; sessions take about 2.5 times that.
    """

    def __init__(
        self,
        pointers: "ProductionPointers",
        objects: "ModelObjects",
        baselines: "Baselines",
        signatures: "Signatures",
        *,
        stage: str,
        threads: int = 1,
        clock: Callable[[], float] = monotonic,
        pointer_lifetime_s: float = POINTER_LIFETIME_S,
        max_loaded: int = 8,
        max_loaded_bytes: int = 400 * 1024 * 1024,
    ) -> None:
        self._pointers = pointers
        self._objects = objects
        self._baselines = baselines
        self._signatures = signatures
        self._stage = stage
        self._threads = threads
        self._clock = clock
        self._pointer_lifetime_s = pointer_lifetime_s
        self._max_loaded = max_loaded
        self._max_loaded_bytes = max_loaded_bytes
        self._read_pointers: dict[str, _ReadPointer] = {}
        self._loaded: OrderedDict[tuple[str, ...], LoadedModel] = OrderedDict()
        self._lock = threading.Lock()

    def for_specialty(self, specialty: str, image_id: str) -> ServedModel:
        """The model that answers for `image_id`.

        A registered model that cannot be verified is an error, never a reason to fall back to the
        baseline: nobody would notice. A candidate that cannot gives way to production, which is what it
        is tried beside, and its image counts against it.

        Args:
            image_id: decides who belongs to a candidate's share.

        Raises:
            NoModelError: nothing is registered, and there is no baseline or none may answer.
            ModelIntegrityError: the registered bytes are gone or are others than were registered.
            ModelError: the model does not load.
        """
        with self._lock:
            pointer = self._production(specialty)
            if pointer is None or pointer.withdrawn:
                return ServedModel(self._baseline(specialty), demonstration=True)
            trial, withheld = pointer.candidate, None
            if trial is not None and is_in_share(image_id, trial.share):
                try:
                    return self._served(specialty, trial, trial, "candidate")
                except ModelError as error:
                    withheld = error
            served = self._served(specialty, pointer, trial, "production")
            return served if withheld is None else replace(served, arm="candidate", withheld=withheld)

    def production(self, specialty: str) -> ServedModel:
        """The model in production, whatever is on trial.

        Raises:
            As `for_specialty`.
        """
        with self._lock:
            pointer = self._production(specialty)
            if pointer is None or pointer.withdrawn:
                return ServedModel(self._baseline(specialty), demonstration=True)
            return self._served(specialty, pointer, pointer.candidate, "production")

    def registered(self, specialty: str, files: "ModelFiles") -> LoadedModel:
        """A registered model, whether it serves or not, verified like one that does.

        Raises:
            ModelIntegrityError: the registered bytes are gone or are others than were registered.
            ModelError: the model does not load.
        """
        with self._lock:
            return self._registered(specialty, files)

    def baseline(self, specialty: str) -> LoadedModel:
        """The specialty's baseline, whether it serves or not.

        Raises:
            NoModelError: it has none.
        """
        with self._lock:
            return self._kept(("baseline", specialty), lambda: self._read_baseline(specialty))

    def _served(
        self, specialty: str, files: "ModelFiles", trial: "Candidate | None", arm: Arm
    ) -> ServedModel:
        loaded = self._registered(specialty, files)
        return ServedModel(loaded, _only_demonstrates(loaded), trial, arm)

    def _production(self, specialty: str) -> "ProductionPointer | None":
        known = self._read_pointers.get(specialty)
        now = self._clock()
        if known is None or now - known.read_at >= self._pointer_lifetime_s:
            known = _ReadPointer(self._pointers.production(specialty), now)
            self._read_pointers[specialty] = known
        return known.pointer

    def _registered(self, specialty: str, files: "ModelFiles") -> LoadedModel:
        digests = (files.model_sha256, files.manifest_sha256, files.head_sha256 or "")
        return self._kept(("registered", specialty, *digests), lambda: self._fetch(specialty, files))

    def _baseline(self, specialty: str) -> LoadedModel:
        if self._stage == PRODUCTION_STAGE:
            raise NoModelError(f"No model is in production for {specialty}.")
        return self._kept(("baseline", specialty), lambda: self._read_baseline(specialty))

    def _read_baseline(self, specialty: str) -> LoadedModel:
        package = self._baselines.package(specialty)
        if package is None:
            raise NoModelError(f"No model is in production for {specialty}, and it has no baseline.")
        return LoadedModel.open(package, self._threads)

    def _fetch(self, specialty: str, files: "ModelFiles") -> LoadedModel:
        """Fetches, verifies and loads.

        The signature covers the pointer's digests; the manifest is checked against the pointer, then the
        files against the manifest: so that each byte of a large model is hashed once only.
        """
        self._require_signature(specialty, files)
        manifest_json = self._read(files.manifest_key, files.manifest_object_version)
        require_digest(manifest_json, files.manifest_sha256, files.manifest_key)
        manifest = read_manifest(manifest_json)
        head_sha256 = manifest.explain.head_weights_sha256 if manifest.explain else None
        registered = (specialty, files.model_sha256, files.head_sha256)
        if (manifest.specialty, manifest.sha256, head_sha256) != registered:
            raise ModelIntegrityError(f"{files.manifest_key} describes another model than was registered.")
        head = None
        if files.head_key is not None and files.head_object_version is not None:
            head = self._read(files.head_key, files.head_object_version)
        model = self._read(files.model_key, files.model_object_version)
        return LoadedModel.open(ModelPackage(model, manifest_json, head), self._threads)

    def _require_signature(self, specialty: str, files: "ModelFiles") -> None:
        message = signed_message(specialty, files)
        if files.signature is None or not self._signatures.verify(message, files.signature):
            raise ModelIntegrityError(f"Version {files.version} is not signed by this deployment.")

    def _read(self, key: str, object_version: str) -> bytes:
        try:
            return self._objects.read(key, object_version)
        except NotFoundError as error:
            raise ModelIntegrityError(f"{key} is gone from the models bucket.") from error

    def _kept(self, key: tuple[str, ...], load: Callable[[], LoadedModel]) -> LoadedModel:
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        loaded = self._loaded[key] = load()
        while len(self._loaded) > 1 and self._is_too_much():
            self._loaded.popitem(last=False)
        return loaded

    def _is_too_much(self) -> bool:
        held = sum(model.size_bytes for model in self._loaded.values())
        return len(self._loaded) > self._max_loaded or held > self._max_loaded_bytes


def _only_demonstrates(loaded: LoadedModel) -> bool:
    """Whether a registered model's own manifest says that it is not for patients."""
    return loaded.manifest.intended_use.lower().startswith(DEMONSTRATION_ONLY)
