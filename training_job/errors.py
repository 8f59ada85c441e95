"""What stops a run and can be put right by whoever started it."""


class TrainingError(Exception):
    """The run cannot go on as it was asked for; the message says what to change.

    `code` is stable and machine-readable; a job's record keeps it.
    """

    code = "training_failed"


class WeightsError(TrainingError):
    """The weights to begin with cannot be had, or do not fit the network."""

    code = "weights_unusable"


class StoppedError(Exception):
    """Somebody who may has stopped the run; there is nothing more to do."""
