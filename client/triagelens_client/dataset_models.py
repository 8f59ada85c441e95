"""Answers of the API about datasets."""

from collections.abc import Mapping
from datetime import datetime

from triagelens_client.models import Answer, UploadForm
from triagelens_client.training_models import JobFailure

SETTLED = frozenset({"ready", "failed", "aborted"})


class Dataset(Answer):
    """A dataset, as it was when it was read.

    Attributes:
        form: `archive`, `multipart`, `files` or `labels`.
        job_id: of the latest ingestion, a training job of kind `ingest`.
        counts: images of the latest snapshot: label -> set -> number.
        problems: what that snapshot left out: reason -> number of files.
        problems_url: of their list; only where one dataset was asked for, and for a short time.
    """

    dataset_id: str
    name: str
    specialty: str
    new_specialty: bool = False
    form: str
    status: str
    size_bytes: int | None = None
    group_column: str | None = None
    licence: str | None = None
    source: str | None = None
    job_id: str | None = None
    snapshot_ids: tuple[str, ...] = ()
    counts: Mapping[str, Mapping[str, int]]
    problems: Mapping[str, int]
    problems_url: str | None = None
    failure: JobFailure | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED


class Parts(Answer):
    """How an archive is cut into parts, and which have come."""

    part_bytes: int
    count: int
    arrived: tuple[int, ...]


class PartPlace(Answer):
    """Where one part goes."""

    part_number: int
    size_bytes: int
    url: str


class PartPlaces(Answer):
    items: tuple[PartPlace, ...]


class FilePlace(Answer):
    """Where one file goes."""

    path: str
    upload: UploadForm


class FilePlaces(Answer):
    items: tuple[FilePlace, ...]
