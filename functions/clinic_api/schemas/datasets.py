"""Datasets over HTTP."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clinic_api.schemas.images import UploadFormResponse
from triagelens.domain.datasets import (
    MOST_ARCHIVE_BYTES,
    MOST_FILE_BYTES,
    MOST_FILES_AT_ONCE,
    MOST_MULTIPART_BYTES,
    Dataset,
    DatasetFailure,
    DatasetFile,
    DatasetForm,
    DatasetStatus,
    leads_elsewhere,
)
from triagelens.domain.manifest import Slug
from triagelens.services.dataset_parts import PART_LIFETIME, Part
from triagelens.services.datasets import FORM_LIFETIME, LINK_LIFETIME, NewDataset
from triagelens.services.ports import Page, UploadForm

DATASET_ID_EXAMPLE = "01k9qp1v7n3d8r5t2w6y4m9x0c"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
MOST_PARTS_AT_ONCE = 100

DatasetName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=PRINTABLE, examples=["HAM10000, cleaned"])
]
Words = Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE)]


def _leads_nowhere_else(path: str) -> str:
    """A path below the dataset's own root."""
    if leads_elsewhere(path):
        raise ValueError("a path has folders and a name, divided by single /, and no . or ..")
    return path


FilePath = Annotated[
    str,
    Field(min_length=1, max_length=500, pattern=PRINTABLE, examples=["melanoma/0001.jpg"]),
    AfterValidator(_leads_nowhere_else),
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DatasetRequest(_Request):
    """A dataset about to be sent.

    `archive` is one zip, tar or tgz in one form; `multipart` is the same in parts; `files` are images and
    `metadata.csv` one by one.
    """

    name: DatasetName
    specialty: Slug = Field(examples=["skin"])
    new_specialty: bool = Field(
        default=False, description="The specialty is not in the table yet: labels are kept as they come"
    )
    form: Literal["archive", "multipart", "files"] = "archive"
    size_bytes: int | None = Field(
        default=None,
        ge=1,
        examples=[2_771_732_744],
        description=f"Of the archive: at most {MOST_ARCHIVE_BYTES} in one form, {MOST_MULTIPART_BYTES} in "
        "parts. Not with `files`",
    )
    group_column: Annotated[str, Field(pattern=PRINTABLE)] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        examples=["lesion_id"],
        description="Column of metadata.csv that says which images stay together when sets are made",
    )
    licence: Words | None = Field(default=None, examples=["CC-BY-NC-4.0"])
    source: Words | None = Field(default=None, examples=["doi:10.7910/DVN/DBW86T"])

    def new_dataset(self) -> NewDataset:
        return NewDataset(**self.model_dump(exclude={"form"}), form=DatasetForm(self.form))


class LabelsDatasetRequest(_Request):
    """A snapshot of what readers have labelled in a specialty by now."""

    name: DatasetName
    specialty: str = Field(max_length=64, examples=["skin"])

    def new_dataset(self) -> NewDataset:
        return NewDataset(name=self.name, specialty=self.specialty, form=DatasetForm.LABELS)


class DatasetResponse(BaseModel):
    """A dataset and what became of it."""

    dataset_id: str = Field(examples=[DATASET_ID_EXAMPLE])
    name: str = Field(examples=["HAM10000, cleaned"])
    specialty: str = Field(examples=["skin"])
    new_specialty: bool
    form: DatasetForm
    status: DatasetStatus
    size_bytes: int | None = None
    group_column: str | None = Field(default=None, examples=["lesion_id"])
    licence: str | None = None
    source: str | None = Field(default=None, examples=["doi:10.7910/DVN/DBW86T"])
    job_id: str | None = Field(default=None, description="Of the latest ingestion")
    snapshot_ids: list[str] = Field(
        description="The latest last", examples=[["9f86d081884c7d659a2feaa0c55ad015"]]
    )
    counts: dict[str, dict[str, int]] = Field(
        description="Images of the latest snapshot: label -> set -> number",
        examples=[{"mel": {"train": 779, "validation": 223, "held_out": 111}}],
    )
    problems: dict[str, int] = Field(
        description="What the latest snapshot left out: reason -> number of files",
        examples=[{"truncated": 2, "unknown_label": 31}],
    )
    problems_url: str | None = Field(
        default=None,
        description="Where the list of problems can be fetched, one JSON line a file; only when one dataset "
        f"is asked for, and for {LINK_LIFETIME // timedelta(minutes=1)} minutes",
    )
    failure: DatasetFailure | None = Field(
        default=None, description="Why the latest ingestion came to nothing"
    )
    created_by: str = Field(description="Opaque id of the person")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, dataset: Dataset, problems_url: str | None = None) -> Self:
        ingested = dataset.ingested
        return cls.model_validate(
            dataset.model_dump(exclude={"ingested", "snapshot_ids", "multipart"})
            | {
                "snapshot_ids": list(dataset.snapshot_ids),
                "counts": ingested.counts if ingested else {},
                "problems": ingested.problems if ingested else {},
                "problems_url": problems_url,
            }
        )


class PartsResponse(BaseModel):
    """How an archive is cut into parts. The last part is what is left."""

    part_bytes: int = Field(examples=[33_554_432])
    count: int = Field(examples=[83])
    arrived: list[int] = Field(description="Numbers of the parts that have come whole", examples=[[1, 2, 3]])

    @classmethod
    def of(cls, dataset: Dataset, arrived: list[int]) -> Self:
        part_bytes = dataset.multipart.part_bytes if dataset.multipart else 0
        return cls(part_bytes=part_bytes, count=dataset.part_count, arrived=arrived)


class CreatedDatasetResponse(DatasetResponse):
    """The dataset, and where its archive goes: a form, or the number of parts."""

    upload: UploadFormResponse | None = Field(default=None, description="Of an archive in one piece")
    parts: PartsResponse | None = Field(default=None, description="Of an archive in parts")


class DatasetList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[DatasetResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Dataset]) -> Self:
        return cls(items=[DatasetResponse.of(dataset) for dataset in page.items], cursor=page.cursor)


class PartNumbersRequest(_Request):
    """Which parts are about to be sent."""

    part_numbers: list[Annotated[int, Field(ge=1, le=10_000)]] = Field(
        min_length=1, max_length=MOST_PARTS_AT_ONCE, examples=[[1, 2, 3]]
    )


class PartPlace(BaseModel):
    """Where one part goes: PUT exactly `size_bytes` bytes to `url`."""

    part_number: int = Field(examples=[1])
    size_bytes: int = Field(examples=[33_554_432])
    url: str
    expires_at: datetime


class PartPlaces(BaseModel):
    """One place for each part, by number."""

    items: list[PartPlace]

    @classmethod
    def of(cls, parts: list[Part], now: datetime) -> Self:
        return cls(
            items=[
                PartPlace(
                    part_number=part.number,
                    size_bytes=part.size_bytes,
                    url=part.url,
                    expires_at=now + PART_LIFETIME,
                )
                for part in parts
            ]
        )


class AnnouncedFile(_Request):
    """One file, by its path below the dataset's root: `metadata.csv`, `melanoma/0001.jpg`."""

    path: FilePath
    size_bytes: int = Field(ge=1, examples=[271_828], description=f"At most {MOST_FILE_BYTES}")


class FilesRequest(_Request):
    """The next files of a dataset that comes file by file."""

    files: list[AnnouncedFile] = Field(
        min_length=1,
        max_length=MOST_FILES_AT_ONCE,
        examples=[[{"path": "melanoma/0001.jpg", "size_bytes": 271_828}]],
    )


class FilePlace(BaseModel):
    """Where one file goes."""

    path: str = Field(examples=["melanoma/0001.jpg"])
    upload: UploadFormResponse


class FilePlaces(BaseModel):
    """One form for each file, in the order in which they were announced."""

    items: list[FilePlace]

    @classmethod
    def of(cls, places: list[tuple[DatasetFile, UploadForm]], now: datetime) -> Self:
        return cls(items=[FilePlace(path=file.path, upload=shown(form, now)) for file, form in places])


def shown(form: UploadForm, now: datetime) -> UploadFormResponse:
    """A form as the API tells it."""
    return UploadFormResponse(url=form.url, fields=form.fields, expires_at=now + FORM_LIFETIME)
