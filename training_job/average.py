"""A moving average of a network's weights, which often predicts better than any one of its steps."""

import copy
from typing import Any

import torch

from training_job.model import Classifier


class MovingAverage:
    """Exponential average of weights and batch statistics.

    Early on it forgets faster, min(decay, (1 + n) / (10 + n)) after n steps, so that a short run is not
    held back by the weights that it began with.
    """

    def __init__(self, model: Classifier, decay: float) -> None:
        self.model: Classifier = copy.deepcopy(model).eval().requires_grad_(False)
        self._decay = decay
        self._steps = 0

    def update(self, model: Classifier) -> None:
        """Take in the weights after a step."""
        self._steps += 1
        keep = min(self._decay, (1 + self._steps) / (10 + self._steps))
        with torch.no_grad():
            for mean, now in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - keep)
                else:
                    mean.copy_(now)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self._steps, "weights": self.model.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._steps = state["steps"]
        self.model.load_state_dict(state["weights"])
