"""Training from a snapshot: its entries, and its working images in the local cache."""

from collections.abc import Iterable
from pathlib import Path

from triagelens.domain.snapshots import SnapshotEntry


def snapshot_entries(manifest: Path | bytes | Iterable[str]) -> list[SnapshotEntry]:
    """The entries of a snapshot, in its order; given as a file, its bytes or its lines.

    Raises:
        pydantic.ValidationError: a line is not an entry.
    """
    if isinstance(manifest, Path):
        manifest = manifest.read_bytes()
    lines = manifest.split(b"\n") if isinstance(manifest, bytes) else manifest
    return [SnapshotEntry.model_validate_json(line) for line in lines if line.strip()]
