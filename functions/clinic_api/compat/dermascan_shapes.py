"""What the DermaScan app sends and reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from clinic_api.schemas.datasets import DatasetName
from clinic_api.schemas.training_jobs import Balancing, Optimizer, TrainingJobRequest
from triagelens.domain.datasets import Dataset
from triagelens.domain.models import ModelStatus
from triagelens.domain.training_jobs import JobStatus, TrainingJob
from triagelens.services.job_requests import TrainingRequest
from triagelens.services.models import ListedModel
from triagelens.services.ports import Page
from triagelens.services.small_datasets import SentFile

SPECIALTY = "skin"
JobWord = Literal["queued", "running", "completed", "failed"]
WORDS: Mapping[JobStatus, JobWord] = MappingProxyType(
    {
        JobStatus.QUEUED: "queued",
        JobStatus.RUNNING: "running",
        JobStatus.COMPLETED: "completed",
        JobStatus.FAILED: "failed",
        JobStatus.CANCELLED: "failed",
    }
)


class _Shape(BaseModel):
    # `model_path` is the former word for where a model is.
    model_config = ConfigDict(hide_input_in_errors=True, protected_namespaces=())


class Uploaded(_Shape):
    """A dataset that came. `dataset_path`: its address in today's API."""

    status: str = "success"
    dataset_name: str
    dataset_path: str
    files_saved: list[str]
    message: str

    @classmethod
    def of(cls, dataset: Dataset, files: Sequence[SentFile]) -> Self:
        return cls(
            dataset_name=dataset.name,
            dataset_path=_path_of(dataset),
            files_saved=[file.path for file in files],
            message=f"Uploaded {len(files)} file(s)",
        )


class StartTraining(_Shape):
    """Settings of a training; those of the former server where one is left out."""

    dataset_name: DatasetName
    architecture: str = Field(default="DenseNet169", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    epochs: int = Field(default=30, ge=1, le=1000)
    batch_size: int = Field(default=32, ge=2, le=4096)
    optimizer: Optimizer = "adam"
    learning_rate: float = Field(default=0.001, gt=0, le=10)
    class_balancing: Balancing = "sampling"

    def training_request(self, dataset: Dataset) -> TrainingRequest:
        settings = self.model_dump(exclude={"dataset_name"})
        return TrainingJobRequest(dataset_id=dataset.dataset_id, **settings).training_request()


class Started(_Shape):
    job_id: str
    status: JobWord
    message: str = "Training job started"

    @classmethod
    def of(cls, job: TrainingJob) -> Self:
        return cls(job_id=job.job_id, status=WORDS[job.status])


class JobState(_Shape):
    """How far a job has come.

    Attributes:
        progress: in percent.
        model_path: of the model that came of it, in today's API.
    """

    job_id: str
    status: JobWord
    progress: int
    message: str
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    model_path: str | None

    @classmethod
    def of(cls, job: TrainingJob) -> Self:
        return cls(
            job_id=job.job_id,
            status=WORDS[job.status],
            progress=int(100 * job.progress),
            message=job.message,
            created_at=job.created_at,
            started_at=job.started_at,
            completed_at=job.completed_at,
            model_path=_path_of_model(job.specialty, job.model_version) if job.model_version else None,
        )


class DatasetLine(_Shape):
    """A dataset in the list. `images` by label; `message` says why it cannot be used."""

    name: str
    path: str
    status: str
    images: dict[str, int]
    message: str | None
    created_at: datetime

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        counts = dataset.ingested.counts if dataset.ingested else {}
        return cls(
            name=dataset.name,
            path=_path_of(dataset),
            status=dataset.status,
            images={label: sum(sets.values()) for label, sets in counts.items()},
            message=dataset.failure.message if dataset.failure else None,
            created_at=dataset.created_at,
        )


class Datasets(_Shape):
    """One page. `cursor`: what gives the next; None at the end."""

    datasets: list[DatasetLine]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[Dataset]) -> Self:
        return cls(datasets=[DatasetLine.of(dataset) for dataset in page.items], cursor=page.cursor)


class ModelLine(_Shape):
    """A model in the list. `metrics` are those of its training."""

    name: str
    path: str
    status: ModelStatus
    production: bool
    labels: list[str]
    metrics: dict[str, float]
    job_id: str | None
    created_at: datetime

    @classmethod
    def of(cls, listed: ListedModel) -> Self:
        model = listed.model
        return cls(
            name=model.name,
            path=_path_of_model(model.specialty, model.version),
            status=model.status,
            production=listed.production,
            labels=list(model.labels),
            metrics=model.training.metrics if model.training else {},
            job_id=model.job_id,
            created_at=model.created_at,
        )


class Models(_Shape):
    """One page. `cursor`: what gives the next; None at the end."""

    models: list[ModelLine]
    cursor: str | None

    @classmethod
    def of(cls, page: Page[ListedModel]) -> Self:
        return cls(models=[ModelLine.of(listed) for listed in page.items], cursor=page.cursor)


def _path_of(dataset: Dataset) -> str:
    return f"/v1/datasets/{dataset.dataset_id}"


def _path_of_model(specialty: str, version: str) -> str:
    return f"/v1/models/{specialty}/{version}"
