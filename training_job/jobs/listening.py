"""Tells the job's record how training goes, and hears from it when to stop."""

from collections.abc import Callable
from time import monotonic

from training_job.errors import StoppedError
from triagelens.domain.errors import FencedError
from triagelens.domain.training_jobs import Report, TrainingJob
from triagelens.services.training_jobs import TrainingJobs

BEAT_S = 30.0


class JobListener:
    """`training_job.progress.Listener` of a claimed job.

    Progress is epochs done by epochs asked for, and nothing else moves it. In between the record hears at
    least every `BEAT_S` seconds that the job lives.

    Args:
        alone: no other processes wait for this one, so it may stop in the middle of an epoch.
    """

    def __init__(
        self,
        jobs: TrainingJobs,
        job: TrainingJob,
        *,
        alone: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._jobs, self._job, self._alone, self._clock = jobs, job, alone, clock
        self._epochs = self._done = 0
        self._heard = clock()
        self._stop: FencedError | None = None

    def begin(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        self._epochs, self._done = epochs, done
        self._tell(self._so_far())

    def step(self) -> None:
        """Beats if it is time.

        Raises:
            StoppedError: the job was cancelled, or is no longer this attempt's.
        """
        if self._clock() - self._heard >= BEAT_S:
            self._tell(None)
        if self._alone:
            self._require_going_on()

    def epoch(self, measured: dict[str, float]) -> None:
        self._done += 1
        self._tell(self._so_far().model_copy(update={"metrics": dict(measured)}))

    def goes_on(self) -> bool:
        return self._stop is None

    def end(self) -> None:
        """Nothing is shown that would have to be taken away."""

    def stage(self, name: str) -> None:
        """Raises StoppedError as `step` does."""
        self._tell(Report(message=name))
        self._require_going_on()

    def _so_far(self) -> Report:
        return Report(progress=self._done / self._epochs, message=f"Epoch {self._done}/{self._epochs}")

    def _tell(self, report: Report | None) -> None:
        self._heard = self._clock()
        try:
            self._jobs.report(self._job.job_id, self._job.attempt, report)
        except FencedError as error:
            self._stop = error

    def _require_going_on(self) -> None:
        if self._stop is not None:
            raise StoppedError(str(self._stop)) from self._stop
