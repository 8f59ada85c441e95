"""A dataset: labelled images on their way from a researcher's disk, or from cases, to a snapshot."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from math import ceil
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.errors import TransitionError
from triagelens.domain.manifest import Slug

ARCHIVES = "archives/"
MIB = 1 << 20
MOST_ARCHIVE_BYTES = 5_000_000_000  # S3 takes 5 GB in one form
MOST_MULTIPART_BYTES = 50_000_000_000
MOST_FILE_BYTES = 50_000_000  # of a single image, or of metadata.csv
PART_BYTES = 32 * MIB
MOST_FILES_AT_ONCE = 100  # announced in one request; how many in all, ingestion says


class DatasetForm(StrEnum):
    """How the images come: one archive in one form or in parts, file by file, or from labelled cases."""

    ARCHIVE = "archive"
    MULTIPART = "multipart"
    FILES = "files"
    LABELS = "labels"


class DatasetStatus(StrEnum):
    """Where a dataset stands.

    `uploaded` is an archive that was put together, and whose ingestion could not be started yet.
    """

    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"
    INGESTING = "ingesting"
    READY = "ready"
    FAILED = "failed"
    ABORTED = "aborted"


# What is not drawn here is refused. A failed ingestion may be asked for again; and a job that was killed
# after it told of its failure is done again by another attempt, which ends it as it finds.
TRANSITIONS: frozenset[tuple[DatasetStatus, DatasetStatus]] = frozenset(
    {
        (DatasetStatus.AWAITING_UPLOAD, DatasetStatus.UPLOADED),
        (DatasetStatus.AWAITING_UPLOAD, DatasetStatus.INGESTING),
        (DatasetStatus.AWAITING_UPLOAD, DatasetStatus.ABORTED),
        (DatasetStatus.UPLOADED, DatasetStatus.INGESTING),
        (DatasetStatus.INGESTING, DatasetStatus.READY),
        (DatasetStatus.INGESTING, DatasetStatus.FAILED),
        (DatasetStatus.FAILED, DatasetStatus.INGESTING),
        (DatasetStatus.FAILED, DatasetStatus.READY),
        (DatasetStatus.FAILED, DatasetStatus.FAILED),
    }
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class MultipartUpload(_Part):
    """An archive that comes in parts.

    Attributes:
        s3_upload_id: S3's name of the upload.
        part_bytes: size of each part but the last.
    """

    s3_upload_id: str
    part_bytes: int


class DatasetFailure(_Part):
    """Why an ingestion ended without a snapshot."""

    code: str
    message: str


class Ingested(_Part):
    """What an ingestion came to.

    Attributes:
        snapshot_id: of the immutable manifest.
        counts: label -> split -> number of images.
        problems: reason -> how many files were left out, or only noted, for it.
        problems_key: S3 key of the list of problems in the learning bucket; None if there is none.
    """

    snapshot_id: str
    counts: Mapping[str, Mapping[str, int]]
    problems: Mapping[str, int] = Field(default_factory=dict)
    problems_key: str | None = None


class Dataset(_Part):
    """Everything about a dataset but its snapshots, which are records of their own.

    Attributes:
        new_specialty: the specialty is not in the table; labels are kept as they come.
        group_column: column of metadata.csv that says which images go together (patient, lesion).
        upload_id: names the archive's object; a ULID, not S3's own name of the upload.
        size_bytes: of the archive as announced.
        object_version: of the archive; known once it has arrived and been pinned.
        content_sha256: of an archive that came through the API itself; None of any other.
        job_id: of the latest ingestion.
        ingested: what the latest ingestion that ended well came to.
        created_by: opaque id of the person.
        version: optimistic lock of the stored item.
    """

    dataset_id: str
    name: str
    specialty: Slug
    new_specialty: bool = False
    form: DatasetForm
    status: DatasetStatus = DatasetStatus.AWAITING_UPLOAD
    group_column: str | None = None
    licence: str | None = None
    source: str | None = None
    upload_id: str
    size_bytes: int | None = None
    multipart: MultipartUpload | None = None
    object_version: str | None = None
    content_sha256: str | None = None
    job_id: str | None = None
    ingested: Ingested | None = None
    snapshot_ids: tuple[str, ...] = ()
    failure: DatasetFailure | None = None
    created_by: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    version: int | None = Field(default=None)

    @property
    def archive_key(self) -> str:
        """S3 key of the archive."""
        return f"{ARCHIVES}{self.dataset_id}/{self.upload_id}"

    @property
    def part_count(self) -> int:
        """How many parts the archive comes in; 0 if it does not come in parts."""
        if self.multipart is None or self.size_bytes is None:
            return 0
        return ceil(self.size_bytes / self.multipart.part_bytes)

    def part_size(self, number: int) -> int:
        """Bytes of the part of that number, counted from 1."""
        if self.multipart is None or self.size_bytes is None:
            return 0
        return min(self.multipart.part_bytes, self.size_bytes - (number - 1) * self.multipart.part_bytes)

    def move(self, to: DatasetStatus, now: datetime, **changes: Any) -> Self:
        """A copy in status `to`, with `changes` applied. A failure does not outlive the status.

        Raises:
            TransitionError: the status machine has no such edge.
        """
        if (self.status, to) not in TRANSITIONS:
            raise TransitionError(f"A dataset that is {self.status} cannot become {to}.")
        failure = changes.pop("failure", None)
        return self.model_copy(update={"status": to, "updated_at": now, "failure": failure, **changes})

    def ready(self, ingested: Ingested, now: datetime) -> Self:
        """As it is after an ingestion that ended well. Told again, it changes nothing.

        Raises:
            TransitionError: no ingestion is under way.
        """
        if self.status is DatasetStatus.READY and self.ingested == ingested:
            return self
        known = [known for known in self.snapshot_ids if known != ingested.snapshot_id]
        return self.move(
            DatasetStatus.READY, now, ingested=ingested, snapshot_ids=(*known, ingested.snapshot_id)
        )

    def failed(self, failure: DatasetFailure, now: datetime) -> Self:
        """As it is after an ingestion that came to nothing.

        Raises:
            TransitionError: no ingestion is under way.
        """
        return self.move(DatasetStatus.FAILED, now, failure=failure)


class DatasetFile(_Part):
    """One announced file of a dataset that comes file by file.

    Attributes:
        path: as the researcher has it, with `/` between folders: "melanoma/0001.jpg", "metadata.csv".
    """

    dataset_id: str
    path: str
    size_bytes: int

    @property
    def file_id(self) -> str:
        """Made of the path, so that a file announced twice is one file."""
        return sha256(self.path.encode()).hexdigest()[:32]

    @property
    def key(self) -> str:
        """S3 key of the file."""
        return f"{ARCHIVES}{self.dataset_id}/{self.file_id}"


def leads_elsewhere(path: str) -> bool:
    """Whether a file's path is anything but folders and a name below the dataset's own root."""
    return any(part in ("", ".", "..") for part in path.split("/")) or "\\" in path
