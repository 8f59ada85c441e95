"""Models: announce one that is brought by hand, look at those that are registered."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from triagelens.domain.errors import ConflictError, InvalidRequestError, NotFoundError, TooLargeError
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.imports import ImportStatus, ModelImport, incoming_key
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.domain.people import Person
from triagelens.domain.specialties import SPECIALTIES
from triagelens.domain.specialties import specialty as known_specialty
from triagelens.services.ports import Clock, Page, UploadForm
from triagelens.services.registry_ports import ModelUploads, Registry
from triagelens.services.rollout import known_model

MOST_MANIFEST_BYTES = 262_144
MOST_HEAD_BYTES = 67_108_864
FORM_LIFETIME = timedelta(minutes=30)

FileName = Literal["model.onnx", "head.npy", "manifest.json"]


@dataclass(frozen=True)
class AnnouncedImport:
    """An import and the forms of its files. The manifest goes last: its arrival starts the checks."""

    record: ModelImport
    model: UploadForm
    head: UploadForm | None
    manifest: UploadForm


@dataclass(frozen=True)
class ListedModel:
    """A registered model, and whether it answers for its specialty now: all images, or a share of them."""

    model: RegisteredModel
    production: bool
    share: float | None = None


class Imports:
    """Takes models in."""

    def __init__(self, registry: Registry, uploads: ModelUploads, clock: Clock, max_bytes: int) -> None:
        self._registry = registry
        self._uploads = uploads
        self._clock = clock
        self._max_bytes = max_bytes

    def announce(
        self, person: Person, manifest: Manifest, size_bytes: int, head_bytes: int | None, correlation_id: str
    ) -> AnnouncedImport:
        """Forms for the files of a model, each bound to its exact size and digest.

        Raises:
            UnknownSpecialtyError, InvalidRequestError, TooLargeError: the announcement does not fit together.
            ConflictError: that version is registered already.
        """
        known_specialty(manifest.specialty)
        self._check_sizes(manifest, size_bytes, head_bytes)
        self._check_is_new(manifest)
        now = self._clock()
        record = self._registry.add_import(
            ModelImport(
                import_id=new_id(),
                specialty=manifest.specialty,
                name=manifest.name,
                version=manifest.version,
                requested_by=person.sub,
                correlation_id=correlation_id,
                created_at=now,
                upload_expires_at=now + FORM_LIFETIME,
            )
        )
        head_sha256 = manifest.explain.head_weights_sha256 if manifest.explain else None
        head = None
        if head_bytes is not None:
            head = self._form(record, "head.npy", (head_bytes, head_bytes), head_sha256)
        return AnnouncedImport(
            record=record,
            model=self._form(record, "model.onnx", (size_bytes, size_bytes), manifest.sha256),
            head=head,
            manifest=self._form(record, "manifest.json", (1, MOST_MANIFEST_BYTES), None),
        )

    def status(self, import_id: str, retention: timedelta) -> ModelImport:
        """How far an import has come; `expired` if its files can no longer arrive.

        Raises:
            NotFoundError: there is none.
        """
        if not is_id(import_id):
            raise NotFoundError("There is no such import.")
        record = self._registry.model_import(import_id)
        waiting = record.status is ImportStatus.AWAITING_UPLOAD
        if waiting and self._clock() > record.upload_expires_at + retention:
            return record.model_copy(update={"status": ImportStatus.EXPIRED})
        return record

    def _check_sizes(self, manifest: Manifest, size_bytes: int, head_bytes: int | None) -> None:
        if size_bytes > self._max_bytes:
            raise TooLargeError(f"A model may have at most {self._max_bytes} bytes.")
        if head_bytes is not None and head_bytes > MOST_HEAD_BYTES:
            raise TooLargeError(f"Head weights may have at most {MOST_HEAD_BYTES} bytes.")
        named = manifest.explain is not None and manifest.explain.head_weights is not None
        if named != (head_bytes is not None):
            raise InvalidRequestError(
                "head_size_bytes goes with explain.head_weights in the manifest: both or neither."
            )

    def _check_is_new(self, manifest: Manifest) -> None:
        try:
            known = self._registry.model(manifest.specialty, manifest.version)
        except NotFoundError:
            return
        if known.status is not ModelStatus.REFUSED:
            raise ConflictError(
                f"Version {manifest.version} of {manifest.specialty} is registered; choose another version."
            )

    def _form(
        self, record: ModelImport, name: FileName, sizes: tuple[int, int], sha256: str | None
    ) -> UploadForm:
        content_type = "application/json" if name == "manifest.json" else "application/octet-stream"
        key = incoming_key(record.import_id, name)
        return self._uploads.form(key, content_type, sizes, sha256, FORM_LIFETIME)


class Models:
    """What is registered, and which of it answers."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def model(self, specialty: str, version: str) -> ListedModel:
        """One registered model.

        Raises:
            NotFoundError: there is none.
        """
        known = known_model(self._registry, specialty, version)
        return _listed(known, self._registry.production(specialty))

    def page(self, specialty: str, limit: int, cursor: str | None) -> Page[ListedModel]:
        """A specialty's models by version, a page at a time.

        Raises:
            UnknownSpecialtyError, InvalidRequestError: no such specialty, or a cursor of another list.
        """
        known_specialty(specialty)
        found = self._registry.models_of(specialty, limit, cursor)
        pointer = self._registry.production(specialty)
        return Page([_listed(model, pointer) for model in found.items], found.cursor)

    def page_of_all(self, limit: int, cursor: str | None) -> Page[ListedModel]:
        """The models of all specialties, a page at a time, one specialty after the other."""
        names = sorted(SPECIALTIES)
        name, _, version = (cursor or f"{names[0]}:").partition(":")
        if name not in SPECIALTIES:
            raise InvalidRequestError("The cursor is not one that this list gave out.")
        items: list[ListedModel] = []
        for current in names[names.index(name) :]:
            page = self.page(current, limit - len(items), version or None if current == name else None)
            items.extend(page.items)
            if page.cursor is not None:
                return Page(items, f"{current}:{page.cursor}")
            if len(items) == limit and current != names[-1]:
                return Page(items, f"{names[names.index(current) + 1]}:")
        return Page(items, None)


def _listed(model: RegisteredModel, pointer: ProductionPointer | None) -> ListedModel:
    trial = pointer.candidate if pointer is not None else None
    share = trial.share if trial is not None and trial.version == model.version else None
    return ListedModel(model, pointer is not None and pointer.answers(model.version), share)
