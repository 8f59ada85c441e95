"""From uploaded model files to a registered model, or to the reasons why not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pydantic import ValidationError

from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.gate import GateReport, GateVerdict
from triagelens.domain.ids import new_id
from triagelens.domain.imports import ImportStatus, ModelImport, incoming_key
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelFiles, ModelStatus, Problem, RegisteredModel, signed_message
from triagelens.services.identity_ports import AuditTrail
from triagelens.services.ports import Clock
from triagelens.services.registry_ports import ModelFileStore, Registry, StoredFile

# Says what is wrong with (model, manifest, head, parity); nothing if the model serves.
Verify = Callable[[bytes, bytes, bytes | None, bytes | None], Sequence[Problem]]
# Measures (model, manifest, head) on the holdout.
Judge = Callable[[bytes, bytes, bytes | None], GateReport]
# Signs a message with the platform's key: base64.
Sign = Callable[[bytes], str]

_STATUS = {
    GateVerdict.PASSED: ModelStatus.CANDIDATE,
    GateVerdict.REFUSED: ModelStatus.REFUSED,
    GateVerdict.NOT_EVALUABLE: ModelStatus.NOT_EVALUABLE,
}


@dataclass(frozen=True)
class _Came:
    """The files of an import."""

    model: StoredFile
    manifest: StoredFile
    head: StoredFile | None


@dataclass(frozen=True)
class Registration:
    """Verifies an import, measures it and registers it, once, however often its manifest is announced.

    The registered model is written before the import's verdict: whoever reads "candidate" finds it. A
    model that cannot serve leaves only its import, with the reasons; one that the gate refuses is
    registered as refused, with every figure.
    """

    registry: Registry
    files: ModelFileStore
    audit: AuditTrail
    clock: Clock
    verify: Verify
    judge: Judge
    sign: Sign

    def register(self, import_id: str, manifest_version: str) -> ModelImport:
        """Brings the import to its verdict and gives its record.

        Raises:
            NotFoundError: nobody announced this import.
        """
        record = self.registry.model_import(import_id)
        if record.status is not ImportStatus.AWAITING_UPLOAD:
            return record
        if (known := self._registered_before(record)) is not None and known.gate is not None:
            return self._decide(record, ImportStatus(_STATUS[known.gate.verdict]), known.problems)
        manifest = self.files.incoming(incoming_key(import_id, "manifest.json"), manifest_version)
        head = self._optional(import_id, "head.npy")
        model = self._optional(import_id, "model.onnx")
        if model is None:
            missing = Problem(code="model_missing", message="model.onnx did not come before manifest.json.")
            return self._decide(record, ImportStatus.REFUSED, [missing])
        came = _Came(model, manifest, head)
        if problems := [*_announced_otherwise(record, manifest.data), *self._faults(record, came)]:
            return self._decide(record, ImportStatus.REFUSED, problems)
        return self._add(record, came)

    def give_up(self, import_id: str) -> None:
        """Tells the person who waits that the import could not be checked."""
        record = self.registry.model_import(import_id)
        if record.status is ImportStatus.AWAITING_UPLOAD:
            broken = Problem(
                code="processing_error", message="The model could not be checked; import it again."
            )
            self._decide(record, ImportStatus.REFUSED, [broken])

    def _faults(self, record: ModelImport, came: _Came) -> Sequence[Problem]:
        """Why the model cannot serve. What a training job made has to bring what proves its export."""
        parity = self._optional(record.import_id, "parity.json")
        if parity is None and record.job_id is not None:
            return [Problem(code="parity_missing", message="The job's parity.json did not come.")]
        head = came.head.data if came.head else None
        return self.verify(came.model.data, came.manifest.data, head, parity.data if parity else None)

    def _add(self, record: ModelImport, came: _Came) -> ModelImport:
        head = came.head.data if came.head else None
        gate = self.judge(came.model.data, came.manifest.data, head)
        files = self._kept(record, came)
        status = _STATUS[gate.verdict]
        if status is not ModelStatus.REFUSED:
            signature = self.sign(signed_message(record.specialty, files))
            files = files.model_copy(update={"signature": signature})
        manifest = Manifest.model_validate_json(came.manifest.data)
        registered = RegisteredModel(
            **files.model_dump(),
            specialty=record.specialty,
            name=record.name,
            status=status,
            problems=_refusals(gate),
            intended_use=manifest.intended_use,
            licence=manifest.licence,
            labels=tuple(manifest.labels),
            registered_by=record.requested_by,
            import_id=record.import_id,
            job_id=record.job_id,
            started_by=record.started_by,
            training=manifest.training,
            gate=gate,
            created_at=self.clock(),
        )
        try:
            self.registry.add_model(registered)
        except ConflictError as error:
            if self._registered_before(record) is None:
                taken = Problem(code="version_taken", message=str(error))
                return self._decide(record, ImportStatus.REFUSED, [taken])
        return self._decide(record, ImportStatus(status), registered.problems)

    def _kept(self, record: ModelImport, came: _Came) -> ModelFiles:
        """Copies the files to where models live."""
        folder = f"models/{record.specialty}/{record.version}"
        model = self.files.keep(came.model, f"{folder}/model.onnx")
        manifest = self.files.keep(came.manifest, f"{folder}/manifest.json")
        head = self.files.keep(came.head, f"{folder}/head.npy") if came.head else None
        return ModelFiles(
            version=record.version,
            model_key=model.key,
            model_object_version=model.object_version,
            model_sha256=sha256(model.data).hexdigest(),
            manifest_key=manifest.key,
            manifest_object_version=manifest.object_version,
            manifest_sha256=sha256(manifest.data).hexdigest(),
            head_key=head and head.key,
            head_object_version=head and head.object_version,
            head_sha256=sha256(head.data).hexdigest() if head else None,
        )

    def _registered_before(self, record: ModelImport) -> RegisteredModel | None:
        """The model, if an earlier delivery of the same import registered it."""
        try:
            stored = self.registry.model(record.specialty, record.version)
        except NotFoundError:
            return None
        return stored if stored.import_id == record.import_id else None

    def _decide(self, record: ModelImport, status: ImportStatus, problems: Sequence[Problem]) -> ModelImport:
        self.audit.append(
            AuditEntry(
                entry_id=new_id(),
                at=self.clock(),
                actor=record.requested_by,
                action="model.register",
                subject=f"{record.specialty}/{record.version}",
                outcome=Outcome.DENIED if status is ImportStatus.REFUSED else Outcome.ALLOWED,
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


def _refusals(gate: GateReport) -> tuple[Problem, ...]:
    """The gate's reasons in the words of a registration; also why there is no verdict."""
    if gate.verdict is GateVerdict.PASSED:
        return ()
    code = "not_evaluable" if gate.verdict is GateVerdict.NOT_EVALUABLE else "gate"
    return tuple(Problem(code=code, message=reason) for reason in gate.reasons)
