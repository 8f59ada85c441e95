"""Training jobs over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from triagelens.domain.ids import ULID_PATTERN
from triagelens.domain.training_jobs import JobFailure, JobKind, JobStatus, TrainingJob
from triagelens.domain.training_settings import TrainingSettings, known_architecture
from triagelens.services.job_requests import TrainingRequest
from triagelens.services.ports import Page

JOB_ID_EXAMPLE = "01k9qq3ztm5c2v8e6x4r1n7d0b"
DATASET_ID_EXAMPLE = "01k9qp1v7n3d8r5t2w6y4m9x0c"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _yes_means_sampling(value: object) -> object:
    return {True: "sampling", False: "none"}[value] if isinstance(value, bool) else _lower(value)


Optimizer = Annotated[Literal["adam", "adamw", "sgd", "rmsprop"], BeforeValidator(_lower)]
Balancing = Annotated[Literal["none", "sampling", "loss"], BeforeValidator(_yes_means_sampling)]


class TrainingJobRequest(BaseModel):
    """A training of a dataset, or of all that was labelled in a specialty."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "dataset_id": DATASET_ID_EXAMPLE,
                    "architecture": "DenseNet169",
                    "epochs": 30,
                    "batch_size": 32,
                    "optimizer": "adam",
                    "learning_rate": 0.001,
                    "class_balancing": "sampling",
                    "max_cost_usd": 5,
                }
            ]
        },
    )

    dataset_id: str | None = Field(default=None, pattern=f"^{ULID_PATTERN.pattern}$")
    specialty: str | None = Field(
        default=None,
        max_length=64,
        description="Instead of a dataset: its newest snapshot of readers' labels",
    )
    architecture: str = Field(
        default="DenseNet169",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
        description="DenseNet169, ResNet18, ResNet50, MobileNetV2, EfficientNet-B0, EfficientNet-B3, or "
        "timm's name of any other",
    )
    epochs: int = Field(default=30, ge=1, le=1000)
    batch_size: int = Field(default=32, ge=2, le=4096, description="Images per step")
    optimizer: Optimizer = Field(default="adam", description="In upper or lower case")
    learning_rate: float = Field(default=1e-3, gt=0, le=10, description="At its highest, after warming up")
    class_balancing: Balancing = Field(
        default="none", description="How rare classes are made to count as much; `true` means `sampling`"
    )
    image_size: int | None = Field(default=None, ge=32, le=1024, description="Side of the input in pixels")
    seed: int = Field(default=1, ge=0, le=10_000, description="The same seed gives the same model")
    base_model: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$",
        description="Where the weights begin: `production`, a registered version, or `timm`",
        examples=["production"],
    )
    max_cost_usd: float | None = Field(
        default=None, gt=0, description="Refuse a training whose estimated cost is above this"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.dataset_id is None) == (self.specialty is None):
            raise ValueError("name either `dataset_id` or `specialty`")
        return self

    def training_request(self) -> TrainingRequest:
        settings = self.model_dump(exclude={"dataset_id", "specialty", "max_cost_usd"})
        settings["architecture"] = known_architecture(self.architecture)
        return TrainingRequest(
            settings=TrainingSettings.model_validate(settings),
            dataset_id=self.dataset_id,
            specialty=self.specialty,
            max_cost_usd=self.max_cost_usd,
        )


class TrainingJobResponse(BaseModel):
    """A job as it stands now."""

    job_id: str = Field(examples=[JOB_ID_EXAMPLE])
    kind: JobKind = Field(description="`train`, or the ingestion of a dataset")
    status: JobStatus
    progress: float = Field(description="Share of the work that is done; of a training, of its epochs")
    message: str = Field(examples=["Epoch 15/30"])
    attempt: int = Field(description="How often it was begun: a machine may be lost")
    cancel_requested: bool
    specialty: str = Field(examples=["skin"])
    dataset_id: str | None = Field(default=None, examples=[DATASET_ID_EXAMPLE])
    snapshot_id: str | None = Field(default=None, description="Exactly these images")
    config: dict[str, Any] = Field(description="All settings of the job")
    requested_by: str = Field(description="Opaque id of the person who started it")
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    metrics: dict[str, float] = Field(description="What was measured so far, by name")
    model_id: str | None = Field(
        default=None, description="The model that came of it", examples=["skin:2026.11.1"]
    )
    import_id: str | None = Field(default=None, description="How that model came into the registry")
    cost_estimate_usd: float | None = Field(default=None, description="In US dollars; not a bill")
    max_cost_usd: float | None = None
    log_location: str | None = Field(
        default=None,
        description="Log group and stream",
        examples=["/triagelens/dev/training:training/default/0f0d5b7c"],
    )
    failure: JobFailure | None = None

    @classmethod
    def of(cls, job: TrainingJob) -> Self:
        return cls.model_validate(job, from_attributes=True)


class TrainingJobList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[TrainingJobResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[TrainingJob]) -> Self:
        return cls(items=[TrainingJobResponse.of(job) for job in page.items], cursor=page.cursor)
