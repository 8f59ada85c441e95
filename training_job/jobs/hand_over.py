"""From a finished run to the registry: the files of the model, its manifest last.

The manifest's arrival starts the checks, so it is the one write that counts. An attempt that died after it
has handed its model over, and the next has nothing to do but to say so; one that died before it leaves
files that nobody reads, and the next begins an import of its own.
"""

from datetime import timedelta
from pathlib import Path

from training_job.jobs.ports import TrainingPorts, output_key
from triagelens.domain.ids import new_id
from triagelens.domain.imports import ModelImport, incoming_key
from triagelens.domain.manifest import Manifest
from triagelens.domain.training_jobs import Report, TrainingJob

MANIFEST = "manifest.json"
BESIDE = ("model.onnx", "head.npy", "parity.json", "metrics.json", "report.html")
KEPT = ("weights.safetensors", "model-fp32.onnx", "metrics.json", "report.html", "config.yaml")
_LIFETIME = timedelta(hours=1)


def handed_over(job: TrainingJob, ports: TrainingPorts) -> bool:
    """Whether an earlier attempt got as far as the manifest."""
    return job.import_id is not None and ports.models.exists(incoming_key(job.import_id, MANIFEST))


def hand_over(job: TrainingJob, manifest: Manifest, output: Path, ports: TrainingPorts) -> Report:
    """Keep what a later training needs, then announce the model and send it.

    Returns:
        What the job's record is to say at its end.

    Raises:
        FencedError: the job is no longer this attempt's; the manifest was not sent.
    """
    for name in KEPT:
        ports.learning.write(output_key(job.job_id, name), (output / name).read_bytes())
    announced = ports.registry.add_import(_import_of(job, manifest, ports))
    told = Report(
        message="Handing over",
        metrics=manifest.training.metrics if manifest.training else {},
        import_id=announced.import_id,
        model_version=manifest.version,
    )
    ports.jobs.report(job.job_id, job.attempt, told)
    for name in BESIDE:
        ports.models.write(incoming_key(announced.import_id, name), (output / name).read_bytes())
    ports.jobs.report(job.job_id, job.attempt)  # an attempt that is over stops before the write that counts
    ports.models.write(incoming_key(announced.import_id, MANIFEST), (output / MANIFEST).read_bytes())
    return told.model_copy(update={"message": "Completed"})


def _import_of(job: TrainingJob, manifest: Manifest, ports: TrainingPorts) -> ModelImport:
    now = ports.clock()
    return ModelImport(
        import_id=new_id(),
        specialty=manifest.specialty,
        name=manifest.name,
        version=manifest.version,
        requested_by=job.requested_by,
        correlation_id=job.correlation_id,
        created_at=now,
        upload_expires_at=now + _LIFETIME,
        job_id=job.job_id,
        started_by=job.requested_by,
    )
