"""Training from a snapshot: its entries, and its working images in the local cache."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from training_job.arrangement import DatasetError
from training_job.atomic import write_bytes
from training_job.working_images import TrainingImage, WorkingImages
from triagelens.domain.snapshots import Snapshot, SnapshotEntry

RECORD = "snapshot.json"


def snapshot_entries(manifest: Path | bytes | Iterable[str]) -> list[SnapshotEntry]:
    """The entries of a snapshot, in its order; given as a file, its bytes or its lines.

    Raises:
        pydantic.ValidationError: a line is not an entry.
    """
    if isinstance(manifest, Path):
        manifest = manifest.read_bytes()
    lines = manifest.split(b"\n") if isinstance(manifest, bytes) else manifest
    return [SnapshotEntry.model_validate_json(line) for line in lines if line.strip()]


def snapshot_in(folder: Path) -> Snapshot | None:
    """The snapshot that was ingested into a folder by hand, if there is one."""
    path = folder / RECORD
    return Snapshot.model_validate_json(path.read_bytes()) if path.is_file() else None


def images_in(folder: Path, snapshot: Snapshot, working: WorkingImages) -> list[TrainingImage]:
    """The images of a folder's snapshot, in the cache.

    Raises:
        DatasetError: the manifest or an image is not what it was when the snapshot was made.
    """
    manifest = _read(folder, snapshot.key, snapshot.sha256)
    images: list[TrainingImage] = []
    for entry in snapshot_entries(manifest):
        path = working.path(entry.sha256)
        if not path.exists():
            write_bytes(path, _read(folder, entry.key, entry.sha256))
        images.append(TrainingImage(entry.image_id, entry.sha256, entry.label, entry.group, entry.split))
    return images


def _read(folder: Path, key: str, sha256: str) -> bytes:
    try:
        data = (folder / key).read_bytes()
    except OSError as error:
        raise DatasetError(f"{key} of the snapshot in {folder} cannot be read.") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetError(f"{key} of the snapshot in {folder} has changed; ingest it again.")
    return data
