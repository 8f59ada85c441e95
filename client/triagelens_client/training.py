"""Training jobs: start, look at, wait for, cancel."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, all_of
from triagelens_client.polling import Poll
from triagelens_client.tokens import TokenProvider
from triagelens_client.training_models import TrainingJob

DAY_S = 24 * 3600.0


class Training:
    """The deployment's training jobs. Made by `Triagelens`, as its `training`."""

    def __init__(self, http: Http, tokens: TokenProvider, poll: Poll) -> None:
        self._http = http
        self._tokens = tokens
        self._poll = poll

    def start(
        self,
        *,
        dataset_id: str | None = None,
        specialty: str | None = None,
        idempotency_key: str | None = None,
        **settings: Any,
    ) -> TrainingJob:
        """Queues a training of a dataset, or of the labels of a specialty.

        Args:
            idempotency_key: the same key never starts a second training; one by chance, if not given.
            settings: `architecture`, `epochs`, `batch_size`, `optimizer`, `learning_rate`,
                `class_balancing`, `image_size`, `seed`, `base_model`, `max_cost_usd`; the API's own, where
                not given.

        Raises:
            ConflictError: too few labels, too expensive, or no model to begin with.
        """
        given = {"dataset_id": dataset_id, "specialty": specialty, **settings}
        body = {name: value for name, value in given.items() if value is not None}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return read_answer(TrainingJob, self._send("POST", "", body=body, headers=headers, idempotent=True))

    def get(self, job_id: str) -> TrainingJob:
        return read_answer(TrainingJob, self._send("GET", f"/{segment(job_id)}"))

    def page(self, limit: int = 20, cursor: str | None = None) -> Page[TrainingJob]:
        """One page of jobs, newest first."""
        return read_answer(Page[TrainingJob], self._send("GET", "", query={"limit": limit, "cursor": cursor}))

    def all(self, limit: int = 20) -> Iterator[TrainingJob]:
        """Jobs, newest first, page by page of `limit`."""
        return all_of(lambda cursor: self.page(limit, cursor))

    def wait(
        self,
        job_id: str,
        *,
        within_s: float = DAY_S,
        told: Callable[[TrainingJob], object] = lambda _job: None,
    ) -> TrainingJob:
        """The job once it has ended; `told` hears of it each time it is asked for.

        A model that came of it is in the registry once `Registry.wait_for_import` says so of its `import_id`.

        Raises:
            DeadlinePassedError: it has not ended in `within_s` seconds.
        """

        def read(response: httpx.Response) -> tuple[TrainingJob, str, bool]:
            job = read_answer(TrainingJob, response)
            told(job)
            return job, job.status, job.has_ended

        return self._poll.until_final(
            lambda _seconds: self._send("GET", f"/{segment(job_id)}"),
            read,
            subject=f"training job {job_id}",
            within_s=within_s,
        )

    def cancel(self, job_id: str) -> TrainingJob:
        """Ends the job wherever it stands; a cancelled one stays as it is.

        Raises:
            ConflictError: it has completed or failed.
        """
        return read_answer(TrainingJob, self._send("POST", f"/{segment(job_id)}/cancel", idempotent=True))

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/training-jobs{path}", tokens=self._tokens, **request)
