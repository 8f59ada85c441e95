"""Fitting a network, epoch by epoch, with all the state that is needed to go on after an interruption."""

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training_job.average import MovingAverage
from training_job.config import Recipe
from training_job.distributed import World
from training_job.errors import TrainingError
from training_job.model import Classifier

Batch = tuple[torch.Tensor, torch.Tensor]
Measured = dict[str, float]
State = dict[str, Any]
ALONE = World()


class Source(Protocol):
    """Where batches come from: augmented inputs (n, 3, height, width) and targets (n,), on the device."""

    def __len__(self) -> int:
        """Batches of an epoch, at most."""

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of an epoch; the first is number 0."""


class DivergedError(TrainingError):
    """The loss is no longer a number."""

    code = "diverged"

    def __init__(self, epoch: int) -> None:
        super().__init__(f"The loss went out of bounds in epoch {epoch}; try a lower learning rate.")


def make_repeatable(threads: int | None) -> None:
    """Choose deterministic algorithms, and a fixed number of threads for this process if given."""
    if threads:
        torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS repeats itself only with this
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())


def nothing() -> None:
    """What is done after a step by default."""


class Trainer:
    """A network being fitted, by this process alone or by several together.

    Several see the parts of each batch and end with the same weights as one that sees all of it, but for
    rounding and for batch statistics where those are not gathered (on CPUs).

    Attributes:
        epoch: how many are done.
        history: what was measured in each of them.
        best_epoch: the one whose weights are kept, from 1; 0 before there is one.
    """

    def __init__(
        self,
        model: Classifier,
        recipe: Recipe,
        steps_per_epoch: int,
        device: torch.device,
        class_weights: torch.Tensor | None = None,
        world: World = ALONE,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe, self._device, self._world = recipe, device, world
        self._plain: Classifier = model.to(device)
        if device.type == "cuda":
            self._plain = self._plain.to(memory_format=torch.channels_last)
        self._average = MovingAverage(self._plain, recipe.ema_decay) if recipe.ema_decay else None
        self._model = self._plain if world.alone else world.prepared(copy.deepcopy(self._plain), device)
        self._joined = world.joined(self._model, device)
        self._optimiser = optimiser(recipe, self._model)
        self._rate = schedule(recipe, self._optimiser, recipe.epochs * steps_per_epoch)
        self._precision = _precision(recipe, device)
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._precision is torch.float16)
        self._weights = class_weights
        self.epoch = 0
        self.history: list[Measured] = []
        self.best_epoch = 0
        self._best_score: tuple[float, ...] = ()
        self._best_weights: dict[str, torch.Tensor] = {}

    @property
    def network(self) -> Classifier:
        """The network as it would be used now: the moving average, if one is kept."""
        if self._average:
            return self._average.model
        network: Classifier = self._plain
        if network is not self._model:
            network.load_state_dict(self._model.state_dict())
        return network

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return float(self._optimiser.param_groups[0]["lr"])

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or too many have brought no progress."""
        patience = self._recipe.patience
        stuck = patience is not None and self.best_epoch and self.epoch - self.best_epoch >= patience
        return self.epoch >= self._recipe.epochs or bool(stuck)

    def run_epoch(self, source: Source, after_step: Callable[[], None] = nothing) -> Measured:
        """One pass over the images: mean loss and accuracy on augmented training images."""
        if not self._world.alone:  # only the first process's state is kept, so each epoch draws anew
            torch.manual_seed(np.random.SeedSequence(self._draws()).generate_state(1)[0])
        measured = self._train(source.epoch(self.epoch), after_step)
        self.epoch += 1
        self.history.append(measured)
        return measured

    def judge(self, measured: Measured, score: tuple[float, ...]) -> None:
        """Add what was measured after the last epoch, and keep its weights if the score is the best yet."""
        self.history[-1] = self.history[-1] | measured
        if score > self._best_score:
            self.best_epoch, self._best_score = self.epoch, score
            self._best_weights = {
                name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()
            }

    def result(self) -> Classifier:
        """The network of the best epoch (of the last, if none was judged), on the CPU, for predicting."""
        network = self.network
        network.to("cpu", memory_format=torch.contiguous_format)
        if self._best_weights:
            network.load_state_dict(self._best_weights)
        network.eval()
        return network

    def state(self) -> State:
        """Everything that the next epoch depends on, as tensors and plain values."""
        return {
            "model": self._model.state_dict(),
            "average": self._average.state_dict() if self._average else None,
            "optimiser": self._optimiser.state_dict(),
            "rate": self._rate.state_dict(),
            "scaler": self._scaler.state_dict(),
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all(),
            "epoch": self.epoch,
            "history": self.history,
            "best": (self.best_epoch, self._best_score, self._best_weights),
        }

    def restore(self, state: State) -> None:
        """Go on from `state`."""
        self._model.load_state_dict(state["model"])
        if self._average:
            self._average.load_state_dict(state["average"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._rate.load_state_dict(state["rate"])
        self._scaler.load_state_dict(state["scaler"])
        self.epoch, self.history = state["epoch"], state["history"]
        self.best_epoch, self._best_score, self._best_weights = state["best"]
        torch.set_rng_state(state["random"])
        if len(state["random_cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["random_cuda"])

    def _draws(self) -> list[int]:
        return [self._recipe.seed, self.epoch, self._world.rank]

    def _train(self, batches: Iterable[Batch], after_step: Callable[[], None]) -> Measured:
        self._joined.train()
        loss_sum, correct, seen = 0.0, 0, 0
        for images, targets in batches:
            with torch.autocast(self._device.type, self._precision, enabled=self._precision is not None):
                logits, _ = self._joined(images)
                loss, share = self._loss(logits.float(), targets)
            self._optimiser.zero_grad()
            self._scaler.scale(loss).backward()
            self._step()
            seen += len(targets)
            loss_sum += float(loss.detach()) * share
            correct += int((logits.argmax(1) == targets).sum())
            after_step()
        loss_sum, hits, images_seen = self._world.sums((loss_sum, correct, seen), self._device)
        if not math.isfinite(loss_sum):
            raise DivergedError(self.epoch + 1)
        return {"loss": round(loss_sum / images_seen, 4), "accuracy": round(hits / images_seen, 4)}

    def _loss(self, logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, float]:
        """The loss to go back from, and how many images it is to count for.

        Alone it is the batch's mean. Of several processes, each gives its part of the whole batch's mean,
        multiplied by their number, since their gradients are averaged.
        """
        weights, smoothing = self._weights, self._recipe.label_smoothing
        if self._world.alone:
            mean = functional.cross_entropy(logits, targets, weights, label_smoothing=smoothing)
            return mean, len(targets)
        total = functional.cross_entropy(logits, targets, weights, reduction="sum", label_smoothing=smoothing)
        weight = float(len(targets) if weights is None else weights[targets].sum())
        whole_weight, whole = self._world.sums((weight, len(targets)), self._device)
        return total * (self._world.size / whole_weight), whole / self._world.size

    def _step(self) -> None:
        if self._recipe.clip_norm is not None:
            self._scaler.unscale_(self._optimiser)
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.clip_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._rate.step()
        if self._average:
            self._average.update(self._model)


def optimiser(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser of a recipe; stochastic gradient descent gets Nesterov's momentum of 0.9."""
    weights, rate, decay = model.parameters(), recipe.learning_rate, recipe.weight_decay
    match recipe.optimizer:
        case "adam":
            return torch.optim.Adam(weights, lr=rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(weights, lr=rate, weight_decay=decay)
        case "sgd":
            return torch.optim.SGD(weights, lr=rate, weight_decay=decay, momentum=0.9, nesterov=True)
        case "rmsprop":
            return torch.optim.RMSprop(weights, lr=rate, weight_decay=decay)


def schedule(
    recipe: Recipe, fitted: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.OneCycleLR:
    """A cosine up to the learning rate and a longer one down (Smith & Topin, 2018).

    A warm-up of no more than one step is left out; PyTorch divides by zero at exactly one.
    """
    return torch.optim.lr_scheduler.OneCycleLR(
        fitted,
        recipe.learning_rate,
        total_steps=steps,
        pct_start=recipe.warm_up if recipe.warm_up * steps > 1 else 0.0,
        cycle_momentum=recipe.cycle_momentum,
    )


def _precision(recipe: Recipe, device: torch.device) -> torch.dtype | None:
    """The type that a GPU calculates in besides float32; None: no other."""
    if device.type != "cuda" or not recipe.mixed_precision:
        return None
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
