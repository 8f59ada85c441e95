"""How far a run is: a bar on a terminal, a line per epoch elsewhere."""

import logging
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from training_job.trainer import Measured

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told how a run goes."""

    def begin(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        """The epochs begin, or go on after those that an earlier part of the run has finished."""

    def step(self) -> None:
        """A batch was learnt from.

        Raises:
            StoppedError: the run is to end here.
        """

    def epoch(self, measured: Measured) -> None:
        """An epoch is finished, and its state is safe."""

    def goes_on(self) -> bool:
        """Whether another epoch is wanted."""

    def end(self) -> None:
        """No more epochs come, for whatever reason."""

    def stage(self, name: str) -> None:
        """Other work begins: "Exporting"."""


class Nobody:
    """Listens for a process that does not speak."""

    def begin(self, epochs: int, steps_per_epoch: int, done: int) -> None: ...

    def step(self) -> None: ...

    def epoch(self, measured: Measured) -> None: ...

    def goes_on(self) -> bool:
        return True

    def end(self) -> None: ...

    def stage(self, name: str) -> None: ...


class EpochBar:
    """Shows the steps of all epochs to whoever started the run by hand."""

    def __init__(self) -> None:
        self._epochs = self._done = 0
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None

    def begin(self, epochs: int, steps_per_epoch: int, done: int) -> None:
        self._epochs, self._done = epochs, done
        self._task = self._bar.add_task(
            self._name(), total=epochs * steps_per_epoch, completed=done * steps_per_epoch
        )
        self._bar.start()

    def step(self) -> None:
        if self._task is not None:
            self._bar.advance(self._task)

    def epoch(self, measured: Measured) -> None:
        self._done += 1
        text = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in measured.items())
        if self._bar.disable:
            logger.info("Epoch %d/%d: %s", self._done, self._epochs, text)
        else:
            self._bar.console.print(f"Epoch {self._done}/{self._epochs}: {text}")
        if self._task is not None:
            self._bar.update(self._task, description=self._name())

    def goes_on(self) -> bool:
        return True

    def end(self) -> None:
        self._bar.stop()

    def stage(self, name: str) -> None:
        logger.info("%s", name)

    def _name(self) -> str:
        return f"Epoch {min(self._done + 1, self._epochs)}/{self._epochs}"
