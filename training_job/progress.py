"""How far a run is: a bar on a terminal, a line per epoch elsewhere."""

import logging
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training_job.trainer import Measured

logger = logging.getLogger(__name__)


class EpochProgress:
    """Progress over the steps of all epochs.

    Args:
        done: epochs that an earlier part of the run has finished.
    """

    def __init__(self, epochs: int, steps_per_epoch: int, done: int = 0) -> None:
        console = Console(stderr=True)
        self._epochs, self._done = epochs, done
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(
            self._name(), total=epochs * steps_per_epoch, completed=done * steps_per_epoch
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self) -> None:
        self._bar.advance(self._task)

    def epoch(self, measured: Measured) -> None:
        """An epoch is finished, and its state is safe."""
        self._done += 1
        text = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in measured.items())
        if self._bar.disable:
            logger.info("Epoch %d/%d: %s", self._done, self._epochs, text)
        else:
            self._bar.console.print(f"Epoch {self._done}/{self._epochs}: {text}")
        self._bar.update(self._task, description=self._name())

    def _name(self) -> str:
        return f"Epoch {min(self._done + 1, self._epochs)}/{self._epochs}"
