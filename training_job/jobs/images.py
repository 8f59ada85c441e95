"""A snapshot's working images, in the local cache."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pydantic import ValidationError

from training_job.arrangement import DatasetError, Problem
from training_job.atomic import write_bytes
from training_job.jobs.ports import TrainingPorts
from training_job.snapshots import snapshot_entries
from training_job.working_images import TrainingImage, WorkingImages
from triagelens.domain.errors import NotFoundError
from triagelens.domain.snapshots import SnapshotEntry, id_of, manifest_key
from triagelens.domain.training_jobs import JobStatus, Report, TrainingJob

_AT_ONCE = 10  # as many connections as botocore keeps


class SnapshotError(DatasetError):
    """The snapshot, or an image of it, is not what it was when it was made."""

    code = "snapshot_unusable"


def snapshot_of(job: TrainingJob, ports: TrainingPorts) -> str:
    """The snapshot that the job is of; where an ingestion before it has made that, the record is told.

    Raises:
        SnapshotError: the ingestion has made none.
        FencedError: the job is no longer this attempt's.
    """
    if job.after is None:
        return str(job.snapshot_id)
    earlier = ports.jobs.get(job.after)
    if earlier.status is not JobStatus.COMPLETED or earlier.snapshot_id is None:
        raise SnapshotError(f"Ingestion {job.after} has made no snapshot: it is {earlier.status}.")
    ports.jobs.report(job.job_id, job.attempt, Report(snapshot_id=earlier.snapshot_id))
    return earlier.snapshot_id


def read_snapshot(snapshot_id: str, ports: TrainingPorts) -> list[SnapshotEntry]:
    """The entries of a snapshot.

    Raises:
        SnapshotError: its manifest is gone, or is another.
    """
    try:
        manifest = ports.learning.read(manifest_key(snapshot_id))
    except NotFoundError as error:
        raise SnapshotError(f"Snapshot {snapshot_id} is gone.") from error
    if id_of(hashlib.sha256(manifest).hexdigest()) != snapshot_id:
        raise SnapshotError(f"The manifest of snapshot {snapshot_id} has changed.")
    try:
        return snapshot_entries(manifest)
    except ValidationError as error:
        raise SnapshotError(f"The manifest of snapshot {snapshot_id} cannot be read.") from error


def fetch_images(
    entries: Sequence[SnapshotEntry],
    ports: TrainingPorts,
    working: WorkingImages,
    after_each: Callable[[], None],
) -> tuple[list[TrainingImage], list[Problem]]:
    """Fetch what the cache does not have.

    An image of the platform that is gone was erased since, as a patient may ask: it is left out.

    Returns:
        The images in the snapshot's order, and those left out.

    Raises:
        SnapshotError: an image that came with a dataset is gone, or its bytes are others.
    """
    images: list[TrainingImage] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for entry, there in zip(entries, pool.map(lambda e: _fetch(e, ports, working), entries), strict=True):
            after_each()
            if there:
                images.append(
                    TrainingImage(entry.image_id, entry.sha256, entry.label, entry.group, entry.split)
                )
            else:
                problems.append(Problem(entry.image_id, "it was erased since the snapshot was made"))
    return images, problems


def _fetch(entry: SnapshotEntry, ports: TrainingPorts, working: WorkingImages) -> bool:
    """Whether the image is in the cache now."""
    path = working.path(entry.sha256)
    if path.exists():
        return True
    bucket = ports.learning if entry.bucket == "learning" else ports.images
    try:
        data = bucket.read(entry.key, entry.object_version)
    except NotFoundError as error:
        if entry.bucket == "images":
            return False
        raise SnapshotError(f"Image {entry.image_id} of the snapshot is gone.") from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise SnapshotError(f"Image {entry.image_id} is not the one that the snapshot names.")
    write_bytes(path, data)
    return True
