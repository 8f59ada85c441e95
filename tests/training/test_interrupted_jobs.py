"""Training jobs whose host dies, that are cancelled, or that another attempt takes over."""

import hashlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.killing import KilledError
from tests.training.deployments import EPOCHS, Deployment, metrics
from training_job.average import MovingAverage
from training_job.jobs.run import DONE
from training_job.snapshots import snapshot_entries
from triagelens.domain.snapshots import manifest_key
from triagelens.domain.training_jobs import JobStatus, Runner

KILLS = 10


class Fate:
    """Kills the process when it comes to a point for the n-th time; None lets it live."""

    def __init__(self) -> None:
        self.passed = 0
        self.dies_at: int | None = None

    def point(self, *_: object) -> None:
        self.passed += 1
        if self.passed == self.dies_at:
            raise KilledError

    def next_life(self, dies_at: int | None) -> None:
        self.passed, self.dies_at = 0, dies_at


def test_a_job_killed_at_ten_random_points_ends_like_one_that_was_not(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Points are the steps of training and the writes to S3 and to the record, before they are done."""
    fate, update = Fate(), MovingAverage.update

    def step(average: MovingAverage, model: Any) -> None:
        fate.point()
        update(average, model)

    monkeypatch.setattr(MovingAverage, "update", step)
    deployment.platform.learning.before_write = deployment.platform.models.before_write = fate.point
    deployment.records.at_write = fate.point
    whole = deployment.add_job(epochs=8)
    fate.next_life(None)
    assert deployment.run(whole) == DONE
    points_of_an_epoch = fate.passed // 8
    seed = random.randrange(10_000)
    lots = random.Random(seed)
    lives = [lots.randint(2, 2 * points_of_an_epoch) for _ in range(KILLS)]
    print(f"seed {seed}: killed at points {lives}")
    fate.next_life(None)
    killed = deployment.add_job(epochs=8)
    died = 0
    for start, dies_at in enumerate(lives, start=1):
        fate.next_life(dies_at)
        try:
            deployment.run(killed, start)
        except KilledError:
            died += 1
    fate.next_life(None)
    assert deployment.run(killed, KILLS + 1) == DONE
    assert died >= KILLS // 2
    assert deployment.records.job(killed).status is JobStatus.COMPLETED
    assert metrics(deployment, killed) == metrics(deployment, whole)
    assert deployment.incoming(killed, "head.npy") == deployment.incoming(whole, "head.npy")


def test_a_job_whose_image_is_erased_while_its_host_is_lost_begins_anew_without_it(
    deployment: Deployment,
) -> None:
    """As a patient may ask. The checkpoint is of other images, and must not be gone on with."""
    platform = deployment.platform
    entries = snapshot_entries(platform.learning.objects[manifest_key(deployment.snapshot_id)])
    erased = next(entry for entry in entries if entry.split == "train")
    picture = platform.learning.objects[erased.key] + b"\0"  # bytes of its own, so that no cache knows it
    elsewhere = erased.model_copy(update={"bucket": "images", "sha256": hashlib.sha256(picture).hexdigest()})
    platform.images.objects[erased.key] = picture
    rest = [entry for entry in entries if entry != erased]
    deployment.snapshot_id = platform.keep_snapshot([*rest, elsewhere])
    job_id = deployment.add_job()

    def lost() -> None:
        raise KilledError

    platform.learning.before_write = at_epoch(2, lost)
    with pytest.raises(KilledError):
        deployment.run(job_id)
    platform.learning.before_write = lambda _: None
    del platform.images.objects[erased.key]
    deployment.folder = deployment.folder / "another host"
    assert deployment.run(job_id, 2) == DONE
    found = metrics(deployment, job_id)
    assert len(found["history"]) == EPOCHS
    assert sum(found["images"]["train"].values()) == 35
    assert [state.message for state in deployment.records.history].count(f"Epoch 0/{EPOCHS}") == 2


def at_epoch(number: int, act: Callable[[], object]) -> Callable[[str], None]:
    """Acts just before the checkpoint of that epoch, from 1, is kept."""
    left = iter(range(number - 1))

    def before_write(key: str) -> None:
        if "/checkpoints/" in key and next(left, None) is None:
            act()

    return before_write


def test_a_cancelled_job_leaves_no_model(deployment: Deployment) -> None:
    job_id = deployment.add_job(epochs=20)

    def cancel() -> None:
        job = deployment.records.job(job_id)
        if not job.cancel_requested:
            deployment.records.replace_job(job.model_copy(update={"cancel_requested": True}))

    deployment.platform.learning.before_write = at_epoch(2, cancel)
    assert deployment.run(job_id) == DONE
    assert deployment.records.job(job_id).message == "Epoch 1/20"
    assert deployment.platform.models.objects == {}


def test_an_attempt_that_another_has_taken_over_from_leaves_no_model(deployment: Deployment) -> None:
    job_id = deployment.add_job(epochs=20)
    taken = iter([True])

    def take_over() -> None:
        if next(taken, False):
            deployment.ports.jobs.claim(job_id, Runner(runner_id="host", start=2))

    deployment.platform.learning.before_write = at_epoch(1, take_over)
    assert deployment.run(job_id) == DONE
    assert deployment.platform.models.objects == {}
    assert deployment.records.job(job_id).attempt == 2
    keys = [key for key in deployment.platform.learning.objects if key.startswith("jobs/")]
    assert keys == [f"jobs/{job_id}/checkpoints/1/checkpoint.pt"]
