"""Training jobs: their adapters, their use cases, and who may start them."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import ClockPort, Conf, RegistryPort
from clinic_api.settings import Settings, settings
from triagelens.adapters.batch import BatchQueue, BatchTarget, NoQueue, WorkerQueue, batch_client
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.adapters.dynamodb.training_material import DynamoTrainingMaterial
from triagelens.domain.people import Action, Person
from triagelens.domain.training_jobs import JobKind
from triagelens.domain.training_settings import Prices
from triagelens.services.job_requests import JobRequests
from triagelens.services.job_submission import Submission
from triagelens.services.training_job_ports import JobQueue, JobRecords, TrainingMaterial


@lru_cache
def job_records() -> JobRecords:
    conf = settings()
    return DynamoTrainingJobs(conf.registry_table, conf.aws_region, conf.ephemeral_table)


@lru_cache
def training_material() -> TrainingMaterial:
    conf = settings()
    return DynamoTrainingMaterial(conf.registry_table, conf.aws_region)


@lru_cache
def job_queue() -> JobQueue:
    conf = settings()
    if conf.stage == "laptop":
        return WorkerQueue()
    targets = batch_targets(conf)
    return BatchQueue(batch_client(conf.aws_region), targets) if targets else NoQueue()


def batch_targets(conf: Settings) -> dict[JobKind, BatchTarget]:
    """Where Batch runs each kind of job; empty where the stack TriagelensTraining is not deployed."""
    named = {
        JobKind.TRAIN: BatchTarget(conf.training_queue, conf.training_definition),
        JobKind.INGEST: BatchTarget(conf.ingest_queue, conf.ingest_definition),
    }
    return {kind: target for kind, target in named.items() if target.queue and target.definition}


JobRecordsPort = Annotated[JobRecords, Depends(job_records)]
JobQueuePort = Annotated[JobQueue, Depends(job_queue)]


def submission(records: JobRecordsPort, queue: JobQueuePort, clock: ClockPort) -> Submission:
    return Submission(records, queue, clock)


SubmissionPart = Annotated[Submission, Depends(submission)]


def prices(conf: Conf) -> Prices:
    return Prices(
        usd_per_hour=conf.training_usd_per_hour,
        start_up_s=conf.training_start_up_s,
        overhead=conf.training_overhead,
    )


def job_requests(
    records: JobRecordsPort,
    submission: SubmissionPart,
    material: Annotated[TrainingMaterial, Depends(training_material)],
    registry: RegistryPort,
    prices: Annotated[Prices, Depends(prices)],
    clock: ClockPort,
    journal: JournalPart,
) -> JobRequests:
    return JobRequests(records, submission, material, registry, prices, clock, journal)


JobRequestsCase = Annotated[JobRequests, Depends(job_requests)]
Trainer = Annotated[Person, Depends(Allowed(Action.TRAIN))]
