"""A run's state after each epoch, so that an interruption costs one epoch at most."""

import io
from pathlib import Path
from typing import Protocol

import torch

from training_job.atomic import write_bytes
from training_job.distributed import World
from training_job.errors import TrainingError
from training_job.trainer import ALONE, Trainer

FILE = "checkpoint.pt"


class ResumeError(TrainingError):
    """What was begun cannot be gone on with."""


class CheckpointStore(Protocol):
    """Where one checkpoint is kept. It is there whole or not at all."""

    def read(self) -> bytes | None:
        """The newest; None before there is one."""

    def write(self, content: bytes) -> None:
        """Takes the place of the one before."""

    def remove(self) -> None:
        """Nothing is to be gone on with any more."""


class FileStore:
    """A checkpoint in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> bytes | None:
        return self._path.read_bytes() if self._path.exists() else None

    def write(self, content: bytes) -> None:
        write_bytes(self._path, content)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Checkpoint:
    """The one checkpoint of a run: the last whole epoch. It holds tensors and plain values, no code.

    Args:
        snapshot: of the images; a run goes on only with the very same.
    """

    def __init__(self, store: CheckpointStore, snapshot: str) -> None:
        self._store, self._snapshot = store, snapshot

    def save(self, trainer: Trainer) -> None:
        buffer = io.BytesIO()
        torch.save({"snapshot": self._snapshot, "trainer": trainer.state()}, buffer)
        self._store.write(buffer.getvalue())

    def restore(self, trainer: Trainer, world: World = ALONE) -> None:
        """Put the trainer where the run was left; nothing happens if no epoch was finished.

        Raises:
            ResumeError: the images have changed since.
        """
        kept = world.share(self._store.read)
        if kept is None:
            return
        content = torch.load(io.BytesIO(kept), map_location="cpu", weights_only=True)
        if content["snapshot"] != self._snapshot:
            raise ResumeError("The images, their labels or their groups have changed since the run began.")
        trainer.restore(content["trainer"])

    def remove(self) -> None:
        self._store.remove()
