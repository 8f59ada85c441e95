"""A platform in memory with a snapshot of phantoms, and hosts that do its training jobs."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fake_learning import FakePlatform
from tests.fake_training_jobs import FakeJobRecords, new_job
from tests.fakes import FakeClock
from training_job.jobs.ports import TrainingPorts
from training_job.jobs.run import run_job
from training_job.jobs.training import train_job
from triagelens.domain.imports import incoming_key
from triagelens.domain.splits import Split
from triagelens.domain.training_jobs import JobKind, JobStatus, Runner, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

LABELS = ("normal", "cataract")
EPOCHS = 3
SPLITS: tuple[Split, ...] = ("train", "train", "train", "validation", "held_out")


@dataclass
class WatchedRecords(FakeJobRecords):
    """Remembers every state of every record; `at_write` may raise, as a lost host would."""

    history: list[TrainingJob] = field(default_factory=list)
    at_write: Callable[[], None] = lambda: None

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        self.at_write()
        written = super().replace_job(job)
        self.history.append(written)
        return written


@dataclass
class Deployment:
    """A platform with a snapshot of phantoms, and the hosts that work for it."""

    folder: Path
    snapshot_id: str
    platform: FakePlatform
    records: WatchedRecords = field(default_factory=WatchedRecords)

    @property
    def ports(self) -> TrainingPorts:
        return TrainingPorts(
            jobs=TrainingJobs(self.records, FakeClock()),
            learning=self.platform.learning,
            images=self.platform.images,
            models=self.platform.models,
            registry=self.platform.registry,
            clock=FakeClock(),
            folder=self.folder,
        )

    def add_job(self, **settings: object) -> str:
        config = {"architecture": "test_efficientnet", "epochs": EPOCHS, "batch_size": 8, "image_size": 64}
        config |= {"learning_rate": 0.005} | settings
        job = new_job(config=config, specialty="eye", snapshot_id=self.snapshot_id)
        return self.records.replace_job(job).job_id

    def add_waiting_job(self) -> str:
        """A job that is of whatever snapshot the ingestion before it has made."""
        done = {"kind": JobKind.INGEST, "status": JobStatus.COMPLETED, "snapshot_id": self.snapshot_id}
        ingestion = self.records.add_job(new_job(specialty="eye", **done), None)
        job = self.records.job(self.add_job())
        waiting = job.model_copy(update={"snapshot_id": None, "after": ingestion.job_id})
        return self.records.replace_job(waiting).job_id

    def run(self, job_id: str, start: int = 1) -> int:
        runner = Runner(runner_id="host", start=start)
        ports = self.ports
        return run_job(job_id, runner, ports.jobs, lambda job: train_job(job, ports))

    def incoming(self, job_id: str, name: str) -> bytes:
        return self.platform.models.objects[incoming_key(str(self.records.job(job_id).import_id), name)]


def metrics(deployment: Deployment, job_id: str) -> Any:
    return json.loads(deployment.incoming(job_id, "metrics.json"))
