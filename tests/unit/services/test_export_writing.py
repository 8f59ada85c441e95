"""An export keeps its bounds: rows, bytes, seconds, memory, and of COCO images and points."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest

from tests.fakes import START
from triagelens.domain.annotations import Annotation, Shapes, Stroke
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.errors import NotFoundError, TooLargeError
from triagelens.domain.exports import Export, Wanted
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.panels import Panel
from triagelens.services import export_drawings, export_writing
from triagelens.services.export_drawings import ExportDrawings
from triagelens.services.export_limits import TooLongError
from triagelens.services.export_reading import TOGETHER, ExportReading
from triagelens.services.export_writing import ExportWriter
from triagelens.services.ports import Page


def image(number: int = 0) -> ImageRecord:
    return ImageRecord(
        image_id=f"image-{number}",
        owner="owner",
        specialty="eye",
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=START,
        updated_at=START,
        correlation_id="c",
        working_image=WorkingImage(key="k", width=10, height=10),
    )


def case(*image_ids: str) -> Case:
    return Case(
        case_id=new_id(),
        number=1,
        specialty="eye",
        status=CaseStatus.OPEN,
        owner="owner",
        image_ids=image_ids,
        created_at=START,
        updated_at=START,
        updated_by="owner",
        correlation_id="c",
    )


def drawing(on: str, key: str | None = None) -> Annotation:
    line = Shapes(strokes=(Stroke(points=((1, 1), (2, 2)), label="cataract"),))
    return Annotation(
        annotation_id=new_id(),
        case_id="case",
        specialty="eye",
        image_id=on,
        image_index=0,
        width=10,
        height=10,
        author="reader",
        shapes=None if key else line,
        key=key,
        shape_count=1,
        created_at=START,
        updated_at=START,
    )


@dataclass
class Clinic:
    """What an export is read from, in memory; counts the images that were handed out."""

    images_there: int = 0
    cases_there: list[Case] = field(default_factory=list)
    drawn: list[Annotation] = field(default_factory=list)
    handed_out: int = 0
    seconds_an_image: float = 0.0
    now_s: float = 0.0

    def images(self, status: ImageStatus, month: str) -> Iterator[ImageRecord]:
        if status is ImageStatus.ANALYZED and month == f"{START:%Y%m}":
            for number in range(self.images_there):
                self.handed_out += 1
                self.now_s += self.seconds_an_image
                yield image(number)

    def images_of(self, image_ids: Sequence[str]) -> Mapping[str, ImageRecord]:
        return {image_id: image().model_copy(update={"image_id": image_id}) for image_id in image_ids}

    def cases(self, specialty: str, status: CaseStatus, month: str) -> Iterator[Case]:
        there = month == f"{START:%Y%m}" and status is CaseStatus.OPEN and specialty == "eye"
        return iter(self.cases_there if there else ())

    def names(self, patient_ids: Sequence[str]) -> Mapping[str, str]:
        raise AssertionError(f"nobody asked for the names of {len(patient_ids)}")

    def panels(self, case_ids: Sequence[str]) -> dict[str, Panel]:
        assert len(case_ids) <= TOGETHER
        return {}

    def annotations(self, case_id: str, limit: int, cursor: str | None) -> Page[Annotation]:
        return Page(self.drawn, None)

    def read(self, key: str) -> Shapes:
        raise NotFoundError(f"{key} is gone.")

    def write(self, file: BytesIO, /, **wanted: Any) -> int:
        asked = {"what": "images", "format": "jsonl", **wanted}
        export = Export(
            export_id=new_id(),
            owner="rita",
            wanted=Wanted.model_validate(asked),
            correlation_id="c",
            created_at=START,
            updated_at=START,
        )
        parts: Any = self
        reading = ExportReading(parts, parts)
        drawings = ExportDrawings(reading, parts, parts)
        return ExportWriter(reading, drawings, lambda: self.now_s, 100.0).write(export, file)


class Watched(BytesIO):
    """A file that notes how many images had been handed out at each write."""

    def __init__(self, clinic: Clinic) -> None:
        super().__init__()
        self.clinic, self.ahead, self.lines = clinic, 0, 0

    def write(self, data: Any) -> int:
        self.lines += 1
        self.ahead = max(self.ahead, self.clinic.handed_out - self.lines)
        return super().write(data)


def test_rows_are_written_as_they_are_read() -> None:
    clinic = Clinic(images_there=1_000)
    file = Watched(clinic)
    assert clinic.write(file) == file.lines == 1_000
    assert file.ahead < TOGETHER


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_more_rows_than_an_export_may_have_are_refused(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(export_writing, "MOST_ROWS", 3)
    assert Clinic(images_there=3).write(BytesIO(), format=form) == 3
    clinic = Clinic(images_there=10_000)
    with pytest.raises(TooLargeError, match="3 rows"):
        clinic.write(BytesIO(), format=form)
    assert clinic.handed_out <= TOGETHER


@pytest.mark.parametrize("form", ["csv", "jsonl", "coco"])
def test_more_bytes_than_an_export_may_have_are_refused(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(export_writing, "MOST_BYTES", 2_000)
    file = BytesIO()
    with pytest.raises(TooLargeError, match="MB"):
        Clinic(images_there=100).write(file, format=form, specialty="eye")
    assert file.tell() <= 2_000


def test_images_of_another_specialty_count_for_the_time_that_reading_takes() -> None:
    clinic = Clinic(images_there=1_000, seconds_an_image=1.0)
    with pytest.raises(TooLongError, match="fewer days"):
        clinic.write(BytesIO(), specialty="skin")
    assert clinic.handed_out == 101


def test_more_images_than_a_coco_document_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_drawings, "MOST_COCO_IMAGES", 3)
    coco = {"format": "coco", "specialty": "eye"}
    assert Clinic(images_there=3).write(BytesIO(), **coco) == 3
    with pytest.raises(TooLargeError, match="3 images"):
        Clinic(images_there=4).write(BytesIO(), **coco)


def test_more_points_than_a_coco_document_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_drawings, "MOST_COCO_POINTS", 4)
    clinic = Clinic(cases_there=[case("a", "b")], drawn=[drawing("a"), drawing("b")])
    coco = {"what": "cases", "format": "coco", "specialty": "eye"}
    assert clinic.write(BytesIO(), **coco) == 2
    clinic.drawn.append(drawing("a"))
    with pytest.raises(TooLargeError, match="too much drawn"):
        clinic.write(BytesIO(), **coco)


def test_drawings_on_images_that_are_not_told_or_whose_shapes_are_gone_are_left_out() -> None:
    clinic = Clinic(
        cases_there=[case("a")], drawn=[drawing("a"), drawing("elsewhere"), drawing("a", key="gone")]
    )
    file = BytesIO()
    assert clinic.write(file, what="cases", format="coco", specialty="eye") == 1
    document = json.loads(file.getvalue())
    assert [entry["file_name"] for entry in document["images"]] == ["a.jpg"]
    assert [entry["image_id"] for entry in document["annotations"]] == [1]


def test_cases_are_read_a_hundred_at_a_time() -> None:
    clinic = Clinic(cases_there=[case("a") for _ in range(250)])
    file = BytesIO()
    assert clinic.write(file, what="cases", format="csv") == 250
    header, *lines = file.getvalue().decode().splitlines()
    assert header.startswith('"case_id","number"')
    assert len(lines) == 250
