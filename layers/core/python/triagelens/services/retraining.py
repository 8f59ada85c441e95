"""From all that readers have labelled so far to the next model, in one request.

A snapshot of the labels is made by one job, and trained on by another that waits for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from triagelens.domain.datasets import DatasetForm
from triagelens.domain.errors import ConflictError, TooFewLabelsError
from triagelens.domain.people import Person
from triagelens.domain.training_jobs import JobKind, TrainingJob
from triagelens.domain.training_settings import PRETRAINED, PRODUCTION, TrainingSettings
from triagelens.services.datasets import Datasets, NewDataset
from triagelens.services.job_requests import FEWEST_CLASSES, JobRequests
from triagelens.services.panel_ports import PanelRecords

FEWEST_CASES = 5
# How many labelled cases are looked at to find several labels among them, and how many jobs to find one.
MOST_CASES = 100
MOST_JOBS = 500
PAGE = 50
# Where no model that was trained here is in service: the network of the system that is trained in this way.
ARCHITECTURE = "ResNet50"


@dataclass(frozen=True)
class Retraining:
    """Trainings of a specialty on its labelled cases."""

    panels: PanelRecords
    datasets: Datasets
    jobs: JobRequests

    def start(self, person: Person, specialty: str, epochs: int, batch_size: int) -> TrainingJob:
        """The training that begins where the model in service ended, queued behind the snapshot it is of.

        Asked twice by the same person at the same moment, there is one training.

        Raises:
            TooFewLabelsError: fewer than five cases, or fewer than two labels.
            ConflictError: a training of the specialty is under way.
            TrainingNotDeployedError: this deployment does not train.
            UnknownSpecialtyError: there is none of that name.
        """
        latest = self.latest(specialty)
        if latest is not None and latest.is_open:
            raise ConflictError("A training is under way. Ask for its status, and start another one then.")
        self._check_enough(specialty)
        architecture, base_model = self._beginning(specialty)
        settings = TrainingSettings(
            architecture=architecture, epochs=epochs, batch_size=batch_size, base_model=base_model
        )
        new = NewDataset(f"Labels of {specialty}, to train on", specialty, DatasetForm.LABELS)
        key = f"retraining-{latest.job_id if latest is not None else specialty}"
        return self.jobs.start_after(person, self.datasets.from_labels(person, new), settings, key)

    def latest(self, specialty: str) -> TrainingJob | None:
        """The newest training of the specialty, whoever started it, if it is among the newest jobs."""
        newest = islice(self._newest(), MOST_JOBS)
        return next((job for job in newest if (job.kind, job.specialty) == (JobKind.TRAIN, specialty)), None)

    def _newest(self) -> Iterator[TrainingJob]:
        cursor = None
        while True:
            page = self.jobs.page(PAGE, cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return

    def _check_enough(self, specialty: str) -> None:
        cases, labels = 0, set[str]()
        for case in islice(self.panels.training_cases(specialty), MOST_CASES):
            cases += 1
            labels.add(case.training_label)
            if cases >= FEWEST_CASES and len(labels) >= FEWEST_CLASSES:
                return
        raise TooFewLabelsError(
            f"A training needs at least {FEWEST_CASES} labelled cases of at least {FEWEST_CLASSES} labels; "
            f"there are {cases} of {len(labels)}."
        )

    def _beginning(self, specialty: str) -> tuple[str, str]:
        """Architecture and weights: those of the model in service if it was trained here."""
        serving = self.jobs.registry.production(specialty)
        card = None if serving is None else self.jobs.registry.model(specialty, serving.version)
        if card is None or card.job_id is None or card.training is None or not card.training.weights_sha256:
            return ARCHITECTURE, PRETRAINED
        made = self.jobs.job(card.job_id)
        return TrainingSettings.model_validate(made.config).architecture, PRODUCTION
