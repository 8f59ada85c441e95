"""A run's state on disk after each epoch, so that an interruption costs one epoch at most."""

import io
from pathlib import Path

import torch

from training_job.atomic import write_bytes
from training_job.errors import TrainingError
from training_job.trainer import Trainer

FILE = "checkpoint.pt"


class ResumeError(TrainingError):
    """What was begun cannot be gone on with."""


class Checkpoint:
    """The one checkpoint of a run: the last whole epoch. It holds tensors and plain values, no code.

    Args:
        snapshot: of the images; a run goes on only with the very same.
    """

    def __init__(self, folder: Path, snapshot: str) -> None:
        self._path, self._snapshot = folder / FILE, snapshot

    def save(self, trainer: Trainer) -> None:
        buffer = io.BytesIO()
        torch.save({"snapshot": self._snapshot, "trainer": trainer.state()}, buffer)
        write_bytes(self._path, buffer.getvalue())

    def restore(self, trainer: Trainer) -> None:
        """Put the trainer where the run was left; nothing happens if no epoch was finished.

        Raises:
            ResumeError: the images have changed since.
        """
        if not self._path.exists():
            return
        content = torch.load(self._path, map_location="cpu", weights_only=True)
        if content["snapshot"] != self._snapshot:
            raise ResumeError("The images, their labels or their groups have changed since the run began.")
        trainer.restore(content["trainer"])

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
