"""Checkpoints in the learning bucket, each attempt's under a key of its own.

An attempt that does not know yet that it is over writes where nobody reads any more.
"""

from training_job.jobs.ports import Bucket
from triagelens.domain.errors import NotFoundError


class AttemptCheckpoints:
    """`training_job.checkpoints.CheckpointStore` of one attempt, which begins with those before it."""

    def __init__(self, bucket: Bucket, job_id: str, attempt: int) -> None:
        self._bucket, self._job_id, self._attempt = bucket, job_id, attempt

    def read(self) -> bytes | None:
        """That of the latest attempt that left one."""
        for attempt in range(self._attempt, 0, -1):
            try:
                return self._bucket.read(self._key(attempt))
            except NotFoundError:
                continue
        return None

    def write(self, content: bytes) -> None:
        self._bucket.write(self._key(self._attempt), content)

    def remove(self) -> None:
        """Those of all attempts so far."""
        for attempt in range(1, self._attempt + 1):
            self._bucket.delete(self._key(attempt))

    def _key(self, attempt: int) -> str:
        return f"jobs/{self._job_id}/checkpoints/{attempt}/checkpoint.pt"
