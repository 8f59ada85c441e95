"""Datasets in memory, and an uploads' prefix that holds what a test says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tests.fakes import page_of, stored_in
from triagelens.domain.datasets import Dataset, DatasetFile
from triagelens.domain.errors import NotFoundError, OutdatedError
from triagelens.services.learning_ports import Arrived
from triagelens.services.ports import Page, UploadForm


@dataclass
class FakeDatasetRecords:
    """`services.learning_ports.DatasetRecords` with the same locks as the table.

    `before_write` is called once before the next write: what somebody else does in between.
    """

    records: dict[str, Dataset] = field(default_factory=dict)
    followed: set[tuple[str, str]] = field(default_factory=set)
    announced: dict[tuple[str, str], DatasetFile] = field(default_factory=dict)
    before_write: Callable[[], object] | None = None

    def dataset(self, dataset_id: str) -> Dataset:
        return stored_in(self.records, dataset_id)

    def datasets(self, limit: int, cursor: str | None) -> Page[Dataset]:
        newest_first = sorted(self.records.values(), key=lambda dataset: dataset.dataset_id, reverse=True)
        return page_of(newest_first, limit, cursor, "dataset_id")

    def named(self, name: str) -> Sequence[Dataset]:
        found = [dataset for dataset in self.records.values() if dataset.name == name]
        return sorted(found, key=lambda dataset: dataset.dataset_id, reverse=True)

    def add_dataset(self, dataset: Dataset, follows: str | None = None) -> Dataset:
        self._happen()
        if follows is not None:
            if (dataset.name, follows) in self.followed:
                raise OutdatedError("Another dataset of that name has come.")
            self.followed.add((dataset.name, follows))
        return self.replace_dataset(dataset)

    def replace_dataset(self, dataset: Dataset) -> Dataset:
        self._happen()
        stored = self.records.get(dataset.dataset_id)
        if (stored.version if stored else None) != dataset.version:
            raise OutdatedError("The dataset has changed since it was read.")
        written = dataset.model_copy(update={"version": (dataset.version or 0) + 1})
        self.records[dataset.dataset_id] = written
        return written

    def _happen(self) -> None:
        if self.before_write is not None:
            happening, self.before_write = self.before_write, None
            happening()

    def add_files(self, files: Sequence[DatasetFile]) -> None:
        self.announced |= {(file.dataset_id, file.file_id): file for file in files}

    def files(self, dataset_id: str) -> Sequence[DatasetFile]:
        return [file for (of, _), file in self.announced.items() if of == dataset_id]


@dataclass
class FakeDatasetUploads:
    """`services.learning_ports.DatasetUploads`. `objects`: key -> bytes; `open`: S3's upload id -> its parts.

    `written`: what came through the API itself; `before_upload` is called once before that.
    `before_complete` is called once before parts are put together; `lose_answer`: it is done, and the
    answer is lost.
    """

    objects: dict[str, int] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)
    before_upload: Callable[[], object] | None = None
    open: dict[str, dict[int, int]] = field(default_factory=dict)
    before_complete: Callable[[], object] | None = None
    lose_answer: bool = False

    def form(self, key: str, size_bytes: int, lifetime: timedelta) -> UploadForm:
        return UploadForm(url="https://learning.example/", fields={"key": key, "size": str(size_bytes)})

    def begin_parts(self, key: str) -> str:
        s3_upload_id = f"s3-{len(self.open) + 1}"
        self.open[s3_upload_id] = {}
        return s3_upload_id

    def part_url(self, key: str, s3_upload_id: str, number: int, size_bytes: int, lifetime: timedelta) -> str:
        return f"https://learning.example/{key}?upload={s3_upload_id}&part={number}&bytes={size_bytes}"

    def parts(self, key: str, s3_upload_id: str) -> dict[int, int]:
        if s3_upload_id not in self.open:
            raise NotFoundError("The upload is gone.")
        return self.open[s3_upload_id]

    def complete(self, key: str, s3_upload_id: str) -> None:
        if self.before_complete is not None:
            happening, self.before_complete = self.before_complete, None
            happening()
        self.objects[key] = sum(self.parts(key, s3_upload_id).values())
        del self.open[s3_upload_id]
        if self.lose_answer:
            self.lose_answer = False
            raise ConnectionError("The answer was lost.")

    def abort(self, key: str, s3_upload_id: str) -> None:
        self.open.pop(s3_upload_id, None)

    def write(self, key: str, data: bytes) -> None:
        if self.before_upload is not None:
            happening, self.before_upload = self.before_upload, None
            happening()
        self.written[key], self.objects[key] = data, len(data)

    def arrived(self, key: str) -> Arrived | None:
        return Arrived("v1", self.objects[key]) if key in self.objects else None

    def any_arrived(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.objects)

    def problems_url(self, key: str, lifetime: timedelta) -> str:
        return f"https://learning.example/{key}"
