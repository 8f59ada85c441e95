"""The registry and its uploads in memory."""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes import page_of, stored_in
from triagelens.domain.errors import ConflictError
from triagelens.domain.imports import ModelImport
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.services.ports import Page, UploadForm


@dataclass
class FakeRegistry:
    """Models, pointers and imports with the same locks as the table."""

    models: dict[tuple[str, str], RegisteredModel] = field(default_factory=dict)
    pointers: dict[str, ProductionPointer] = field(default_factory=dict)
    imports: dict[str, ModelImport] = field(default_factory=dict)

    def model(self, specialty: str, version: str) -> RegisteredModel:
        return stored_in(self.models, (specialty, version))

    def models_of(self, specialty: str, limit: int, cursor: str | None) -> Page[RegisteredModel]:
        found = sorted((m for m in self.models.values() if m.specialty == specialty), key=lambda m: m.version)
        return page_of(found, limit, cursor, "version")

    def add_model(self, model: RegisteredModel) -> RegisteredModel:
        stored = self.models.get((model.specialty, model.version))
        if stored is not None and stored.status is not ModelStatus.REFUSED:
            raise ConflictError(f"Version {model.version} of {model.specialty} is registered already.")
        lock = (stored.lock or 0) if stored is not None else 0
        self.models[model.specialty, model.version] = model.model_copy(update={"lock": lock + 1})
        return model

    def production(self, specialty: str) -> ProductionPointer | None:
        return self.pointers.get(specialty)

    def point(self, pointer: ProductionPointer, decided: RegisteredModel | None = None) -> None:
        stored = self.pointers.get(pointer.specialty)
        if pointer.revision != (stored.revision if stored else 0) + 1:
            raise ConflictError("Somebody else changed the production model at the same time.")
        if decided is not None:
            self._replace(decided)
        self.pointers[pointer.specialty] = pointer

    def replace_model(self, model: RegisteredModel, pointer: ProductionPointer | None) -> None:
        if self.pointers.get(model.specialty) != pointer:
            raise ConflictError("Somebody else changed the production model at the same time.")
        self._replace(model)

    def _replace(self, model: RegisteredModel) -> None:
        key = (model.specialty, model.version)
        if self.models[key].lock != model.lock:
            raise ConflictError("Somebody else changed this model at the same time.")
        self.models[key] = model.model_copy(update={"lock": (model.lock or 0) + 1})

    def add_import(self, announced: ModelImport) -> ModelImport:
        return self.replace_import(announced)

    def model_import(self, import_id: str) -> ModelImport:
        return stored_in(self.imports, import_id)

    def replace_import(self, announced: ModelImport) -> ModelImport:
        stored = self.imports.get(announced.import_id)
        if (stored.lock if stored else None) != announced.lock:
            raise ConflictError("The import has changed since it was read.")
        written = announced.model_copy(update={"lock": (announced.lock or 0) + 1})
        self.imports[announced.import_id] = written
        return written


class FakeModelUploads:
    def form(
        self, key: str, content_type: str, sizes: tuple[int, int], sha256: str | None, lifetime: timedelta
    ) -> UploadForm:
        fields = {"key": key, "Content-Type": content_type, "sizes": f"{sizes[0]}-{sizes[1]}"}
        return UploadForm("https://models.example/", {**fields, **({"sha256": sha256} if sha256 else {})})
