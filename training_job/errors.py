"""What stops a run and can be put right by whoever started it."""


class TrainingError(Exception):
    """The run cannot go on as it was asked for; the message says what to change."""
