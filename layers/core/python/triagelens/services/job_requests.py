"""Trainings as people ask for them: start one, look at it, cancel it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from triagelens.domain.datasets import Dataset, DatasetStatus
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TooExpensiveError,
    TooFewLabelsError,
)
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.people import Person
from triagelens.domain.specialties import specialty as known_specialty
from triagelens.domain.training_jobs import JobKind, TrainingJob
from triagelens.domain.training_settings import (
    PRETRAINED,
    PRODUCTION,
    Prices,
    TrainingSettings,
    estimated_cost_usd,
)
from triagelens.services.job_submission import Submission
from triagelens.services.journal import Journal
from triagelens.services.ports import Clock, IdempotencyKey, Page
from triagelens.services.registry_ports import Registry
from triagelens.services.training_job_ports import JobRecords, Material, TrainingMaterial

KEY_LIFETIME = timedelta(hours=24)
FEWEST_IMAGES = 5
FEWEST_CLASSES = 2


@dataclass(frozen=True)
class TrainingRequest:
    """What a person asks for: a dataset, or all labels of a specialty so far; never both."""

    settings: TrainingSettings
    dataset_id: str | None = None
    specialty: str | None = None
    max_cost_usd: float | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was asked."""
        asked: dict[str, Any] = {
            "settings": self.settings.model_dump(mode="json"),
            "dataset_id": self.dataset_id,
            "specialty": self.specialty,
            "max_cost_usd": self.max_cost_usd,
        }
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class JobRequests:
    """Training jobs for researchers and admins; what they do is written down."""

    records: JobRecords
    submission: Submission
    material: TrainingMaterial
    registry: Registry
    prices: Prices
    clock: Clock
    journal: Journal

    def start(self, person: Person, request: TrainingRequest, key: str | None) -> TrainingJob:
        """A training, queued; or the one that the same key and request made before.

        Raises:
            TrainingNotDeployedError: this deployment does not train.
            UnknownSpecialtyError, InvalidRequestError: the request can never work.
            NotFoundError: there is no such dataset.
            TooFewLabelsError: there are fewer than five images, or fewer than two classes.
            TooExpensiveError: the estimate is above `max_cost_usd`.
            ConflictError: the dataset has no snapshot, or the model to begin with is not there.
            IdempotencyMismatchError: the key was used for another request.
        """
        self.submission.queue.check_deployed(JobKind.TRAIN)
        idempotency = self._idempotency(person, request, key)
        made = self.records.made_by(idempotency) if idempotency is not None else None
        if made is not None:
            return made
        material = self._material(request)
        _check_enough(material)
        self._check_base_model(material.specialty, request.settings.base_model)
        cost = estimated_cost_usd(request.settings, sum(material.images.values()), self.prices)
        if request.max_cost_usd is not None and cost > request.max_cost_usd:
            raise TooExpensiveError(
                f"The training would cost about {cost:.2f} US dollars, and at most "
                f"{request.max_cost_usd:.2f} are allowed. Fewer epochs or smaller images cost less."
            )
        job = self._new_job(
            person,
            request.settings,
            specialty=material.specialty,
            dataset_id=material.dataset_id,
            snapshot_id=material.snapshot_id,
            cost_estimate_usd=cost,
            max_cost_usd=request.max_cost_usd,
        )
        self.journal.write(person.sub, "training_job.start", job.job_id)
        return self.submission.enqueue(job, idempotency)

    def start_after(
        self, person: Person, dataset: Dataset, settings: TrainingSettings, key: str
    ) -> TrainingJob:
        """A training of the snapshot that the dataset's ingestion, under way, is about to make.

        How many images there are is not known yet, so nothing is said of the cost, and the job itself finds
        out whether they suffice.

        Raises:
            TrainingNotDeployedError: this deployment does not train.
            ConflictError: the dataset waits for no ingestion, or the model to begin with is not there.
            IdempotencyMismatchError: the key was used for another request.
        """
        self.submission.queue.check_deployed(JobKind.TRAIN)
        if dataset.status is not DatasetStatus.INGESTING or dataset.job_id is None:
            raise ConflictError(f"The dataset is not being ingested: it is {dataset.status}.")
        self._check_base_model(dataset.specialty, settings.base_model)
        job = self._new_job(
            person,
            settings,
            specialty=dataset.specialty,
            dataset_id=dataset.dataset_id,
            after=dataset.job_id,
            message="Waiting for the ingestion",
        )
        self.journal.write(person.sub, "training_job.start", job.job_id)
        request = TrainingRequest(settings, specialty=dataset.specialty)
        return self.submission.enqueue(job, self._idempotency(person, request, key))

    def job(self, job_id: str) -> TrainingJob:
        """Raises NotFoundError if there is no such training job."""
        if not is_id(job_id):
            raise NotFoundError("There is no such training job.")
        return self.records.job(job_id)

    def page(self, limit: int, cursor: str | None) -> Page[TrainingJob]:
        """All jobs, newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """
        return self.records.jobs(limit, cursor)

    def cancel(self, person: Person, job_id: str) -> TrainingJob:
        """Ends a job; a cancelled one stays as it is.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has completed or failed.
        """
        job = self.job(job_id)
        self.journal.write(person.sub, "training_job.cancel", job.job_id)
        return self.submission.cancel(job.job_id)

    def _material(self, request: TrainingRequest) -> Material:
        if (request.dataset_id is None) == (request.specialty is None):
            raise InvalidRequestError("Name either a dataset or a specialty to train on.")
        if request.dataset_id is not None:
            if not is_id(request.dataset_id):
                raise NotFoundError("There is no such dataset.")
            return self.material.of_dataset(request.dataset_id)
        return self.material.of_labels(known_specialty(str(request.specialty)).name)

    def _check_base_model(self, specialty: str, base_model: str | None) -> None:
        if base_model in (None, PRETRAINED):
            return
        if base_model == PRODUCTION:
            if self.registry.production(specialty) is None:
                raise ConflictError(f"No model of {specialty} is in production to begin with.")
            return
        try:
            self.registry.model(specialty, str(base_model))
        except NotFoundError:
            raise ConflictError(f"There is no version {base_model} of {specialty} to begin with.") from None

    def _idempotency(
        self, person: Person, request: TrainingRequest, key: str | None
    ) -> IdempotencyKey | None:
        if key is None:
            return None
        return IdempotencyKey(
            owner=person.sub,
            key=key,
            fingerprint=request.fingerprint,
            expires_at=self.clock() + KEY_LIFETIME,
        )

    def _new_job(self, person: Person, settings: TrainingSettings, **of_what: Any) -> TrainingJob:
        return TrainingJob(
            job_id=new_id(),
            kind=JobKind.TRAIN,
            requested_by=person.sub,
            correlation_id=self.journal.correlation_id,
            created_at=self.clock(),
            config=settings.model_dump(mode="json"),
            **of_what,
        )


def _check_enough(material: Material) -> None:
    images = {label: count for label, count in material.images.items() if count}
    if sum(images.values()) < FEWEST_IMAGES or len(images) < FEWEST_CLASSES:
        raise TooFewLabelsError(
            f"A training needs at least {FEWEST_IMAGES} labelled images of at least {FEWEST_CLASSES} "
            f"classes; there are {sum(images.values())} of {len(images)}."
        )
