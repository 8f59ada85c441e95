"""From labels to a training in one request: what it begins with, and that there is one."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fake_datasets import FakeDatasetRecords, FakeDatasetUploads
from tests.fake_registry import FakeRegistry
from tests.fake_training_jobs import FakeJobQueue, FakeJobRecords, FakeTrainingMaterial, new_job
from tests.fakes import START, FakeAuditTrail, FakeClock
from triagelens.domain.errors import ConflictError, IdempotencyMismatchError, TooFewLabelsError
from triagelens.domain.ids import new_id
from triagelens.domain.manifest import TrainingSpec
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel
from triagelens.domain.people import Person, Role
from triagelens.domain.training_jobs import JobKind, JobStatus, TrainingJob
from triagelens.domain.training_settings import Prices
from triagelens.services.datasets import Datasets
from triagelens.services.ingestions import Ingestions
from triagelens.services.job_requests import JobRequests
from triagelens.services.job_submission import Submission
from triagelens.services.journal import Journal
from triagelens.services.panel_ports import TrainingCase
from triagelens.services.retraining import MOST_CASES, Retraining

ADMIN = Person(sub="admin", username="admin", role=Role.ADMIN, created_at=START)


class Labels:
    """The labels of skin cases; `read` counts how many were looked at."""

    def __init__(self, *labels: str) -> None:
        self.labels, self.read = labels, 0

    def training_cases(self, specialty: str) -> Iterator[TrainingCase]:
        for label in self.labels:
            self.read += 1
            yield TrainingCase(new_id(), specialty, (new_id(),), None, label, START)


class Lab:
    """Retraining over fakes."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.jobs, self.queue, self.registry = FakeJobRecords(), FakeJobQueue(), FakeRegistry()
        self.datasets, self.labels = FakeDatasetRecords(), Labels("nv", "mel", "nv", "nv", "bcc")
        journal = Journal(FakeAuditTrail(), clock, "request")
        submission = Submission(self.jobs, self.queue, clock)
        self._ingestions = Ingestions(self.datasets, self.jobs, submission, clock, journal)
        prices = Prices(usd_per_hour=1, start_up_s=600, overhead=1.3)
        self._requests = JobRequests(
            self.jobs, submission, FakeTrainingMaterial(), self.registry, prices, clock, journal
        )

    def start(self, epochs: int = 5) -> TrainingJob:
        datasets = Datasets(self.datasets, FakeDatasetUploads(), self._ingestions)
        panels: Any = self.labels
        return Retraining(panels, datasets, self._requests).start(ADMIN, "skin", epochs, 16)

    def serves(self, **card: Any) -> None:
        """A model goes into service."""
        names = ("model_key", "model_object_version", "manifest_key", "manifest_object_version")
        files = {**dict.fromkeys(names, "x"), "version": "2", "specialty": "skin"}
        files |= {"model_sha256": "0" * 64, "manifest_sha256": "1" * 64}
        about = {"name": "skin", "status": ModelStatus.CANDIDATE, "intended_use": "tests"}
        more = {**about, "registered_by": "job", "created_at": START, **card}
        self.registry.add_model(RegisteredModel.model_validate({**files, **more}))
        pointed = {"activated_by": "admin", "activated_at": START, "revision": 1}
        self.registry.point(ProductionPointer.model_validate({**files, **pointed}))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def settings_of(job: TrainingJob) -> tuple[str, str | None]:
    return job.config["architecture"], job.config["base_model"]


def test_it_waits_for_the_snapshot_of_all_labels(lab: Lab) -> None:
    job = lab.start()
    ingestion = lab.jobs.job(str(job.after))
    assert (ingestion.kind, ingestion.dataset_id) == (JobKind.INGEST, job.dataset_id)
    assert (job.snapshot_id, job.cost_estimate_usd, job.status) == (None, None, JobStatus.QUEUED)
    assert lab.datasets.dataset(str(job.dataset_id)).form == "labels"


def test_without_a_model_that_was_trained_here_it_begins_with_a_usual_network(lab: Lab) -> None:
    assert settings_of(lab.start()) == ("ResNet50", "timm")


def test_a_model_that_came_as_onnx_alone_is_no_beginning(lab: Lab) -> None:
    lab.serves()
    assert settings_of(lab.start()) == ("ResNet50", "timm")


def test_it_goes_on_from_the_model_in_service_with_its_architecture(lab: Lab) -> None:
    config = {"architecture": "DenseNet169", "epochs": 30}
    made = lab.jobs.add_job(new_job(config=config, status=JobStatus.COMPLETED), None)
    lab.serves(job_id=made.job_id, training=TrainingSpec(job=made.job_id, weights_sha256="2" * 64))
    assert settings_of(lab.start()) == ("DenseNet169", "production")


def test_one_at_a_time_and_other_kinds_and_specialties_do_not_count(lab: Lab) -> None:
    for other in (new_job(kind=JobKind.INGEST), new_job(specialty="eye")):
        lab.jobs.add_job(other, None)
    first = lab.start()
    with pytest.raises(ConflictError, match="under way"):
        lab.start()
    lab.jobs.replace_job(lab.jobs.job(first.job_id).model_copy(update={"status": JobStatus.FAILED}))
    assert lab.start().job_id != first.job_id


def test_asked_twice_at_the_same_moment_there_is_one_training(lab: Lab) -> None:
    first: list[TrainingJob] = []
    lab.datasets.before_write = lambda: first.append(lab.start())
    again = lab.start()
    assert [again.job_id] == [job.job_id for job in first]
    trainings = [job for job in lab.jobs.records.values() if job.kind is JobKind.TRAIN]
    assert len(trainings) == 1


def test_asked_for_two_different_ones_at_the_same_moment_the_second_is_refused(lab: Lab) -> None:
    lab.datasets.before_write = lambda: lab.start(epochs=7)
    with pytest.raises(IdempotencyMismatchError):
        lab.start()


def test_no_more_labels_are_read_than_it_takes(lab: Lab) -> None:
    lab.labels = Labels("nv", "mel", *["nv"] * 1000)
    lab.start()
    assert lab.labels.read == 5
    lab = Lab()
    lab.labels = Labels(*["nv"] * 1000)
    with pytest.raises(TooFewLabelsError):
        lab.start()
    assert lab.labels.read == MOST_CASES
