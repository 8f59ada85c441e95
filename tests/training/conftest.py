"""What tests of training jobs share."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fake_learning import FakeBucket, FakePlatform
from tests.training.deployments import LABELS, SPLITS, Deployment
from training_job.phantoms import render
from triagelens.domain.snapshots import SnapshotEntry


@pytest.fixture(scope="session")
def snapshot() -> tuple[str, FakeBucket]:
    """Small phantoms of two classes, ten groups of three for each."""
    platform = FakePlatform()
    entries = []
    for label in LABELS:
        for number in range(30):
            picture = io.BytesIO()
            render("eye", label, number, (120, 90)).save(picture, "JPEG", quality=90)
            data = picture.getvalue()
            digest = hashlib.sha256(data).hexdigest()
            key = f"datasets/d/images/{digest}.jpg"
            platform.learning.objects[key] = data
            group = f"{label}-{number // 3}"
            made = {"image_id": f"{label}-{number}", "bucket": "learning", "key": key, "sha256": digest}
            made |= {"label": label, "group": group, "split": SPLITS[number // 3 % len(SPLITS)]}
            entries.append(SnapshotEntry.model_validate(made))
    return platform.keep_snapshot(entries), platform.learning


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs")


@pytest.fixture
def deployment(snapshot: tuple[str, FakeBucket], caches: Path) -> Deployment:
    snapshot_id, learning = snapshot
    return Deployment(
        caches, snapshot_id, FakePlatform(learning=replace(learning, objects={**learning.objects}))
    )
