"""What a training job needs of the platform."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from triagelens.domain.imports import ModelImport
from triagelens.domain.models import ProductionPointer, RegisteredModel
from triagelens.services.ports import Clock
from triagelens.services.training_jobs import TrainingJobs


class Bucket(Protocol):
    """Objects of one bucket. A write is whole or not there."""

    def read(self, key: str, object_version: str | None = None) -> bytes:
        """Raises NotFoundError if there is no such object."""

    def exists(self, key: str) -> bool: ...

    def write(self, key: str, content: bytes) -> None: ...

    def delete(self, key: str) -> None:
        """Nothing happens if there is no such object."""


class Models(Protocol):
    """The registry, as far as a training reads and writes it."""

    def production(self, specialty: str) -> ProductionPointer | None: ...

    def model(self, specialty: str, version: str) -> RegisteredModel:
        """Raises NotFoundError if that version was never registered."""

    def add_import(self, announced: ModelImport) -> ModelImport: ...


@dataclass(frozen=True)
class TrainingPorts:
    """All of it.

    Attributes:
        learning: snapshots, images that came with datasets, what jobs keep.
        images: the platform's own working images.
        models: registered models, and those on their way in.
        folder: where the container may write: caches and results.
    """

    jobs: TrainingJobs
    learning: Bucket
    images: Bucket
    models: Bucket
    registry: Models
    clock: Clock
    folder: Path


def output_key(job_id: str, name: str) -> str:
    """S3 key of a file that a job keeps in the learning bucket."""
    return f"jobs/{job_id}/output/{name}"
