"""Training jobs in the registry table, with an entry in the list of all and one among those that are open."""

from triagelens.adapters.dynamodb.months import check_cursor
from triagelens.adapters.dynamodb.registry import META
from triagelens.adapters.dynamodb.tables import EphemeralItem, RegistryItem, bind, transaction_connection
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.errors import ConflictError, IdempotencyMismatchError, NotFoundError, OutdatedError
from triagelens.domain.training_jobs import TrainingJob
from triagelens.services.ports import IdempotencyKey, Page

ALL = "JOBS"
OPEN = "JOBS#OPEN"


class _KeyTakenError(ConflictError):
    """The idempotency key has made a job before."""


class DynamoTrainingJobs:
    """`services.training_job_ports.JobRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str, ephemeral_table: str | None = None) -> None:
        bind(RegistryItem, table_name, region)
        if ephemeral_table is not None:
            bind(EphemeralItem, ephemeral_table, region)
        self._connection = transaction_connection(region)

    def job(self, job_id: str) -> TrainingJob:
        try:
            item = RegistryItem.get(job_pk(job_id), META, consistent_read=True)
        except RegistryItem.DoesNotExist:
            raise NotFoundError("There is no such training job.") from None
        return _job(item)

    def jobs(self, limit: int, cursor: str | None) -> Page[TrainingJob]:
        check_cursor(cursor)
        behind = None if cursor is None else RegistryItem.sk < cursor
        found = RegistryItem.query(
            ALL, behind, scan_index_forward=False, limit=limit + 1, page_size=limit + 1, consistent_read=True
        )
        listed = [item.sk for item in found]
        items = listed[:limit]
        return Page(self._jobs_of(items), items[-1] if len(listed) > limit else None)

    def open_jobs(self) -> list[TrainingJob]:
        found = RegistryItem.query(OPEN, consistent_read=True)
        return [job for job in self._jobs_of([item.sk for item in found]) if job.is_open]

    def add_job(self, job: TrainingJob, idempotency: IdempotencyKey | None) -> TrainingJob:
        parts, item = Parts(), _item(job)
        if idempotency is not None:
            new = EphemeralItem.pk.does_not_exist()
            parts.put(_key_item(idempotency, job), _KeyTakenError("The key was used before."), new)
        there = OutdatedError("There is such a job already.")
        parts.put(item, there)
        for pk in (ALL, OPEN):
            parts.put(_entry(pk, job), there)
        try:
            parts.write(self._connection)
        except _KeyTakenError:
            made = self.made_by(idempotency) if idempotency is not None else None
            if made is None:
                raise
            return made
        return job.model_copy(update={"version": item.version})

    def made_by(self, idempotency: IdempotencyKey) -> TrainingJob | None:
        try:
            key = EphemeralItem.get(*_key_of(idempotency), consistent_read=True)
        except EphemeralItem.DoesNotExist:
            return None
        if key.body["fingerprint"] != idempotency.fingerprint:
            raise IdempotencyMismatchError("This Idempotency-Key was used for another request.")
        return self.job(key.body["job_id"])

    def replace_job(self, job: TrainingJob) -> TrainingJob:
        outdated = OutdatedError("The job has changed since it was read.")
        parts, item = Parts(), _item(job)
        if not job.is_open:
            parts.delete(RegistryItem(OPEN, job.job_id), None, outdated)
        parts.put(item, outdated)
        parts.write(self._connection)
        return job.model_copy(update={"version": item.version})

    def _jobs_of(self, job_ids: list[str]) -> list[TrainingJob]:
        """The jobs of these ids, in their order."""
        keys = [(job_pk(job_id), META) for job_id in job_ids]
        found = [_job(item) for item in RegistryItem.batch_get(keys, consistent_read=True)] if keys else []
        by_id = {job.job_id: job for job in found}
        return [by_id[job_id] for job_id in job_ids]


def job_pk(job_id: str) -> str:
    return f"JOB#{job_id}"


def _item(job: TrainingJob) -> RegistryItem:
    body = job.model_dump(mode="json", exclude={"version"})
    return RegistryItem(job_pk(job.job_id), META, kind="training_job", body=body, version=job.version)


def _job(item: RegistryItem) -> TrainingJob:
    return TrainingJob.model_validate({**item.body, "version": item.version})


def _entry(pk: str, job: TrainingJob) -> RegistryItem:
    """Says that there is the job, under the key of a list."""
    return RegistryItem(pk, job.job_id, kind="training_job_entry", body={})


def _key_of(idempotency: IdempotencyKey) -> tuple[str, str]:
    return f"IDEM#{idempotency.owner}#JOB#{idempotency.key}", META


def _key_item(idempotency: IdempotencyKey, job: TrainingJob) -> EphemeralItem:
    return EphemeralItem(
        *_key_of(idempotency),
        kind="idempotency",
        body={"fingerprint": idempotency.fingerprint, "job_id": job.job_id},
        expires_at=int(idempotency.expires_at.timestamp()),
    )
