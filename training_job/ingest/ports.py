"""What an ingestion job needs of the platform."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from training_job.ingest.making import Making
from training_job.ingest.members import ArchiveLimits
from training_job.jobs.ports import Bucket
from triagelens.domain.datasets import Dataset, DatasetFile
from triagelens.services.ports import Clock
from triagelens.services.snapshot_ports import LabelledImages
from triagelens.services.training_jobs import TrainingJobs


class Datasets(Protocol):
    """Records of datasets."""

    def dataset(self, dataset_id: str) -> Dataset:
        """Raises NotFoundError if there is none."""

    def files(self, dataset_id: str) -> Sequence[DatasetFile]:
        """The announced files of a dataset that comes file by file."""

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        """Writes over the version it was read at.

        Raises:
            OutdatedError: the stored record has changed since.
        """


@dataclass(frozen=True)
class IngestPorts:
    """All of it.

    Attributes:
        open_archive: a file of the learning bucket, by key and object version, read by ranges.
        learning: where uploads lie and working images go.
        images: the platform's own working images.
        workers: files that are looked at at the same time.
    """

    jobs: TrainingJobs
    datasets: Datasets
    labelled: LabelledImages
    making: Making
    learning: Bucket
    images: Bucket
    open_archive: Callable[[str, str | None], BinaryIO]
    clock: Clock
    limits: ArchiveLimits
    workers: int
