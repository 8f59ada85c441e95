"""From uploaded model files to a registered model, or to the reasons why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import ValidationError

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.imports import ImportStatus, ModelImport, incoming_key
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, Problem, RegisteredModel
from triagelens.services.identity_ports import AuditTrail
from triagelens.services.ports import Clock
from triagelens.services.registry_ports import ModelFileStore, Registry, StoredFile

# Says what is wrong with (model, manifest, head); nothing if the model serves.
Verify = Callable[[bytes, bytes, bytes | None], Sequence[Problem]]


@dataclass(frozen=True)
class Registration:
    """Verifies an import and registers it, once, however often its manifest is announced.

    The registered model is written before the import's verdict: whoever reads "candidate" finds it.
    """

    registry: Registry
    files: ModelFileStore
    audit: AuditTrail
    clock: Clock
    verify: Verify

    def register(self, import_id: str, manifest_version: str) -> ModelImport:
        """Brings the import to its verdict and gives its record.

        Raises:
            NotFoundError: nobody announced this import.
        """
        record = self.registry.model_import(import_id)
        if record.status is not ImportStatus.AWAITING_UPLOAD:
            return record
        manifest = self.files.incoming(incoming_key(import_id, "manifest.json"), manifest_version)
        head = self._optional(import_id, "head.npy")
        model = self._optional(import_id, "model.onnx")
        if model is None:
            missing = Problem(code="model_missing", message="model.onnx did not come before manifest.json.")
            return self._decide(record, ImportStatus.REFUSED, [missing])
        problems = _announced_otherwise(record, manifest.data)
        problems += self.verify(model.data, manifest.data, head.data if head else None)
        if problems:
            return self._decide(record, ImportStatus.REFUSED, problems)
        return self._add(record, model, manifest, head)

    def give_up(self, import_id: str) -> None:
        """Tells the person who waits that the import could not be checked."""
        record = self.registry.model_import(import_id)
        if record.status is ImportStatus.AWAITING_UPLOAD:
            broken = Problem(
                code="processing_error", message="The model could not be checked; import it again."
            )
            self._decide(record, ImportStatus.REFUSED, [broken])

    def _add(
        self, record: ModelImport, model: StoredFile, manifest: StoredFile, head: StoredFile | None
    ) -> ModelImport:
        folder = f"models/{record.specialty}/{record.version}"
        kept_model = self.files.keep(model, f"{folder}/model.onnx")
        kept_manifest = self.files.keep(manifest, f"{folder}/manifest.json")
        kept_head = self.files.keep(head, f"{folder}/head.npy") if head else None
        registered = RegisteredModel(
            specialty=record.specialty,
            name=record.name,
            version=record.version,
            status=ModelStatus.CANDIDATE,
            model_key=kept_model.key,
            model_object_version=kept_model.object_version,
            model_sha256=sha256(kept_model.data).hexdigest(),
            manifest_key=kept_manifest.key,
            manifest_object_version=kept_manifest.object_version,
            manifest_sha256=sha256(kept_manifest.data).hexdigest(),
            head_key=kept_head and kept_head.key,
            head_object_version=kept_head and kept_head.object_version,
            head_sha256=sha256(kept_head.data).hexdigest() if kept_head else None,
            intended_use=Manifest.model_validate_json(manifest.data).intended_use,
            registered_by=record.requested_by,
            created_at=self.clock(),
        )
        try:
            self.registry.add_model(registered)
        except ConflictError as error:
            if not self._is_ours(registered):
                taken = Problem(code="version_taken", message=str(error))
                return self._decide(record, ImportStatus.REFUSED, [taken])
        return self._decide(record, ImportStatus.CANDIDATE, [])

    def _is_ours(self, registered: RegisteredModel) -> bool:
        """Whether the version was registered by an earlier delivery of the same import."""
        stored = self.registry.model(registered.specialty, registered.version)
        return (stored.model_sha256, stored.manifest_sha256, stored.registered_by) == (
            registered.model_sha256,
            registered.manifest_sha256,
            registered.registered_by,
        )

    def _decide(self, record: ModelImport, status: ImportStatus, problems: Sequence[Problem]) -> ModelImport:
        self.audit.append(
            AuditEntry(
                entry_id=new_id(),
                at=self.clock(),
                actor=record.requested_by,
                action="model.register",
                subject=f"{record.specialty}/{record.version}",
                outcome=Outcome.ALLOWED if status is ImportStatus.CANDIDATE else Outcome.DENIED,
                correlation_id=record.correlation_id,
            )
        )
        decided = record.model_copy(update={"status": status, "problems": tuple(problems)})
        try:
            return self.registry.replace_import(decided)
        except ConflictError:
            return self.registry.model_import(record.import_id)

    def _optional(self, import_id: str, name: str) -> StoredFile | None:
        try:
            return self.files.incoming(incoming_key(import_id, name))
        except NotFoundError:
            return None


def _announced_otherwise(record: ModelImport, manifest: bytes) -> list[Problem]:
    """A problem, if the manifest that came is that of another model. An invalid one is not judged here."""
    try:
        came = Manifest.model_validate_json(manifest)
    except ValidationError:
        return []
    if (came.specialty, came.name, came.version) == (record.specialty, record.name, record.version):
        return []
    message = (
        f"Announced was {record.name} {record.version} for {record.specialty}, but another manifest came."
    )
    return [Problem(code="manifest_changed", message=message)]
