"""Several processes on one machine that fit one network together, one for each GPU: `torchrun --standalone`.

Each takes its part of every batch. The first alone measures, writes and speaks for all.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, cast

import timm.layers
import torch
from torch import distributed, nn

from training_job.errors import TrainingError
from training_job.model import Classifier

_LONGEST_WAIT = timedelta(hours=6)  # the others wait while the first prepares images
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """The processes of a run; one alone unless torchrun started this one.

    Attributes:
        rank: which of them this is, from 0.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        return self.size == 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, make: Callable[[], T]) -> T:
        """What the first process makes, in all of them; the others wait for it."""
        if self.alone:
            return make()
        box = [make() if self.first else None]
        distributed.broadcast_object_list(box, src=0)
        return cast("T", box[0])

    def sums(self, values: Sequence[float], device: torch.device) -> list[float]:
        """Each value summed over all processes."""
        if self.alone:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(tensor)
        return [float(value) for value in tensor]

    def prepared(self, model: Classifier, device: torch.device) -> Classifier:
        """The network with batch statistics over all processes, where that can be: on GPUs."""
        if self.alone or device.type != "cuda":
            return model
        converted: Classifier = timm.layers.convert_sync_batchnorm(model)
        return converted

    def joined(self, model: Classifier, device: torch.device) -> nn.Module:
        """The network such that each backward pass leaves the mean gradient of all processes."""
        if self.alone:
            return model
        places = [device] if device.type == "cuda" else None
        wrapped: nn.Module = nn.parallel.DistributedDataParallel(model, device_ids=places)
        return wrapped

    def leave(self) -> None:
        """Part from the others, when nothing is left to be done together."""
        if not self.alone:
            distributed.destroy_process_group()


def join() -> World:
    """Meet the processes that torchrun started besides this one, if it did; each takes a GPU of its own.

    Raises:
        TrainingError: there are fewer GPUs than processes.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    rank = int(os.environ["RANK"])
    on_gpus = torch.cuda.is_available()
    if on_gpus:
        if torch.cuda.device_count() < size:
            raise TrainingError(
                f"{size} processes were started, but there are {torch.cuda.device_count()} GPUs."
            )
        torch.cuda.set_device(rank)
    distributed.init_process_group("nccl" if on_gpus else "gloo", timeout=_LONGEST_WAIT)
    return World(rank, size)
