"""What ingestion leaves behind for the gate: a dataset, its snapshot, its images, the ledger."""

import hashlib
from typing import Any

from tests.cloud import REGION, Cloud
from tests.fakes import START
from tests.holdout import picture
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.adapters.dynamodb.snapshots import DynamoSnapshots
from triagelens.adapters.dynamodb.tables import RegistryItem
from triagelens.domain.ids import new_id
from triagelens.domain.ledger import IMAGE, LedgerEntry
from triagelens.domain.snapshots import (
    Snapshot,
    SnapshotEntry,
    digest_of,
    id_of,
    manifest_key,
    manifest_of,
    problems_key,
)
from triagelens.domain.splits import Split

LABELS = ("normal", "cataract")


def entry_of(data: bytes, label: str, split: Split) -> SnapshotEntry:
    digest = hashlib.sha256(data).hexdigest()
    return SnapshotEntry(
        image_id=digest[:12],
        bucket="learning",
        key=f"datasets/d/images/{digest}.jpg",
        sha256=digest,
        label=label,
        group=f"{IMAGE}{digest}",
        split=split,
    )


def hold_out(cloud: Cloud, of_each: int, *, split: Split = "held_out", first: int = 0) -> list[SnapshotEntry]:
    """So many images of each label of the eye, in one snapshot and in the ledger."""
    entries = []
    for index, label in enumerate(LABELS):
        for number in range(first, first + of_each):
            data = picture(index, number)
            entry = entry_of(data, label, split)
            cloud.s3.put_object(Bucket="learning", Key=entry.key, Body=data)
            entries.append(entry)
    enter(*(LedgerEntry(name=entry.group, split=entry.split) for entry in entries))
    keep(cloud, entries)
    return entries


def enter(*entries: LedgerEntry) -> None:
    """Writes into the ledger of the eye."""
    ledgers = DynamoLedgers("registry", REGION)
    for start in range(0, len(entries), 50):
        revision = ledgers.read("eye").revision
        ledgers.write("eye", revision, entries[start : start + 50])


def keep(cloud: Cloud, entries: list[SnapshotEntry], **changes: Any) -> Snapshot:
    """Makes a snapshot of these images known, as the only one of a new dataset."""
    manifest = manifest_of(entries)
    digest = digest_of(manifest)
    dataset_id = new_id()
    RegistryItem("DATASETS", dataset_id, kind="dataset_entry", body={}).save()
    cloud.s3.put_object(Bucket="learning", Key=manifest_key(id_of(digest)), Body=manifest)
    fields: dict[str, Any] = {
        "snapshot_id": id_of(digest),
        "sha256": digest,
        "key": manifest_key(id_of(digest)),
        "problems_key": problems_key(id_of(digest)),
        "specialty": "eye",
        "dataset_id": dataset_id,
        "job_id": None,
        "images": len(entries),
        "labels": LABELS,
        "counts": {},
        "problems": {},
        "ledger_revision": 1,
        "licence": None,
        "source": None,
        "created_at": START,
    }
    return DynamoSnapshots("registry", REGION).add(Snapshot(**fields | changes), [])
