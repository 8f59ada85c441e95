"""An ingestion job: from its record and what was uploaded to a snapshot.

It can be killed anywhere and done again: working images lie under their digests, the ledger keeps what it
has assigned, and the snapshot's record, by which it is found, is written last.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from time import monotonic

from training_job.arrangement import DatasetError, Problem
from training_job.errors import TrainingError
from training_job.ingest.archives import members_of
from training_job.ingest.candidates import arranged, look_at_platform_image
from training_job.ingest.intake import take_in
from training_job.ingest.making import Candidate, Origin
from training_job.ingest.members import Member, UnusableMemberError, shown, too_large, wrong_with_name
from training_job.ingest.ports import IngestPorts
from triagelens.domain.datasets import Dataset, DatasetFailure, DatasetFile, DatasetForm, Ingested
from triagelens.domain.errors import FencedError, NotFoundError, OutdatedError, TriagelensError
from triagelens.domain.snapshots import Snapshot
from triagelens.domain.training_jobs import Report, TrainingJob

logger = logging.getLogger(__name__)
BEAT_S = 30.0
_TRIES = 5
_AT_ONCE = 500  # platform images that are asked for together


def ingest_dataset(job: TrainingJob, ports: IngestPorts) -> Report:
    """Make the job's dataset into a snapshot; what the job's record is to say at the end.

    Raises:
        TrainingError: the dataset cannot be used; the message says what to change.
        NotFoundError: there is no such dataset, or its upload is gone.
        FencedError: the job is no longer this attempt's.
    """
    if job.dataset_id is None:
        raise DatasetError("The job names no dataset.")
    dataset = ports.datasets.dataset(job.dataset_id)
    try:
        snapshot = _ingest(job, dataset, ports)
    except FencedError:
        raise
    except (TrainingError, TriagelensError) as error:
        failure = DatasetFailure(code=error.code, message=str(error))
        _settle(ports, job, dataset.dataset_id, lambda stored: stored.failed(failure, ports.clock()))
        raise
    ingested = Ingested(
        snapshot_id=snapshot.snapshot_id,
        counts=snapshot.counts,
        problems=snapshot.problems,
        problems_key=snapshot.problems_key,
    )
    _settle(ports, job, dataset.dataset_id, lambda stored: stored.ready(ingested, ports.clock()))
    logger.info("snapshot %s: %d images", snapshot.snapshot_id, snapshot.images)
    return Report(
        snapshot_id=snapshot.snapshot_id,
        message=f"{snapshot.images} images, {sum(snapshot.problems.values())} left out",
    )


def _ingest(job: TrainingJob, dataset: Dataset, ports: IngestPorts) -> Snapshot:
    heart = _Heart(job, ports)
    if dataset.form is DatasetForm.LABELS:
        candidates, problems = _from_labels(dataset, ports, heart.beat)
    else:
        candidates, problems = _from_upload(dataset, ports, heart.beat)
    heart.say("Sets and snapshot")
    origin = Origin(
        specialty=dataset.specialty,
        new_specialty=dataset.new_specialty,
        dataset_id=dataset.dataset_id,
        job_id=job.job_id,
        licence=dataset.licence,
        source=dataset.source,
    )
    return ports.making.make(candidates, problems, origin, ports.clock())


class _Heart:
    """Tells the job's record that the job lives, and how far it is.

    Raises, in every method, FencedError once the job is no longer this attempt's.
    """

    def __init__(self, job: TrainingJob, ports: IngestPorts) -> None:
        self._job, self._ports = job, ports
        self._heard = monotonic()

    def beat(self, files: int) -> None:
        if monotonic() - self._heard >= BEAT_S:
            self.say(f"{files} files read")

    def say(self, message: str) -> None:
        self._ports.jobs.report(self._job.job_id, self._job.attempt, Report(message=message))
        self._heard = monotonic()


def _from_upload(
    dataset: Dataset, ports: IngestPorts, beat: Callable[[int], None]
) -> tuple[list[Candidate], list[Problem]]:
    def key_of(sha256: str) -> str:
        return f"datasets/{dataset.dataset_id}/images/{sha256}.jpg"

    def keep(sha256: str, working_image: bytes) -> None:
        ports.learning.write(key_of(sha256), working_image)

    if dataset.form is DatasetForm.FILES:
        intake = take_in(_single_files(dataset, ports), keep, ports.workers, beat)
    else:
        with ports.open_archive(dataset.archive_key, dataset.object_version) as archive:
            intake = take_in(members_of(archive, ports.limits), keep, ports.workers, beat)
    return arranged(intake, key_of, dataset.group_column, "the archive")


def _single_files(dataset: Dataset, ports: IngestPorts) -> Iterator[Member]:
    """What was announced file by file; what never came is a problem of its own."""
    for file in ports.datasets.files(dataset.dataset_id):
        problem = wrong_with_name(file.path, ports.limits)
        yield Member(shown(file.path), problem, partial(_read, file, ports))


def _read(file: DatasetFile, ports: IngestPorts) -> bytes:
    if file.size_bytes > ports.limits.most_file_bytes:
        raise too_large(ports.limits)
    try:
        return ports.learning.read(file.key)
    except NotFoundError as error:
        raise UnusableMemberError("it was announced, but never came", "never_came") from error


def _from_labels(
    dataset: Dataset, ports: IngestPorts, beat: Callable[[int], None]
) -> tuple[list[Candidate], list[Problem]]:
    """The platform's own working images, as they are; one that is gone was erased meanwhile."""
    candidates: list[Candidate] = []
    problems: list[Problem] = []
    labelled = iter(ports.labelled.of_specialty(dataset.specialty))
    with ThreadPoolExecutor(ports.workers) as pool:
        while some := list(islice(labelled, _AT_ONCE)):
            for found in pool.map(lambda image: look_at_platform_image(image, ports.images), some):
                if isinstance(found, Candidate):
                    candidates.append(found)
                else:
                    problems.append(found)
            beat(len(candidates) + len(problems))
    if not candidates:
        kinds = Counter(problem.reason for problem in problems)
        told = "; ".join(f"{count} images: {reason}" for reason, count in kinds.items())
        raise DatasetError(
            f"No images found! Looked for labelled images in the cases of {dataset.specialty}; "
            f"{told or 'there is none'}."
        )
    return candidates, problems


def _settle(
    ports: IngestPorts, job: TrainingJob, dataset_id: str, change: Callable[[Dataset], Dataset]
) -> None:
    """Write how it ended into the dataset's record, over whatever was written to it meanwhile.

    Raises:
        FencedError: the dataset waits for another job by now.
        TransitionError: the dataset waits for no ingestion.
        OutdatedError: others never stop writing.
    """
    for _ in range(_TRIES - 1):
        try:
            _settle_once(ports, job, dataset_id, change)
            return
        except OutdatedError:
            continue
    _settle_once(ports, job, dataset_id, change)


def _settle_once(
    ports: IngestPorts, job: TrainingJob, dataset_id: str, change: Callable[[Dataset], Dataset]
) -> None:
    stored = ports.datasets.dataset(dataset_id)
    if stored.job_id not in (None, job.job_id):
        raise FencedError(f"Dataset {dataset_id} waits for another job by now.")
    ports.datasets.replace_dataset(change(stored))
