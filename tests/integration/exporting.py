"""A desk that asks for exports, and what there is to export."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import export_records.handler
import export_records.settings
import export_records.wiring
from tests.cloud import REGION, Cloud, FakeContext, failed_ids, sqs_event
from triagelens.adapters.aws import s3_client, sqs_client
from triagelens.adapters.dynamodb.case_items import case_item, case_pk
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.exports import DynamoExports
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.export_files import S3ExportFiles, SqsExportQueue
from triagelens.domain.annotations import Annotation, Box, Shapes
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.exports import Export, ExportStatus, Wanted
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.patients import Patient, PatientDetails
from triagelens.domain.people import Person, Role
from triagelens.services.exports import Exports

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADMIN = Person(sub="admin", username="admin", role=Role.ADMIN, created_at=NOW)
RESEARCHER = Person(sub="rita", username="rita", role=Role.RESEARCHER, created_at=NOW)


class Desk:
    """Asks for exports and reads their files."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.records = DynamoExports("casework", REGION, "ephemeral")
        self.exports = Exports(
            self.records,
            SqsExportQueue(sqs_client(REGION), cloud.queue_urls["exports"]),
            S3ExportFiles(s3_client(REGION), "documents"),
            lambda: NOW,
        )

    def ask(self, person: Person = RESEARCHER, key: str | None = None, /, **wanted: Any) -> Export:
        asked = {"what": "images", "format": "csv", **wanted}
        return self.exports.request(person, Wanted.model_validate(asked), key, "c")

    def made(self, person: Person = RESEARCHER, /, **wanted: Any) -> str:
        """The text of the file that an export comes to."""
        export = self.ask(person, **wanted)
        assert self.deliver(*self.cloud.waiting("exports")) == []
        return self.text(export)

    def text(self, export: Export) -> str:
        stored = self.records.export(export.export_id)
        assert stored.status is ExportStatus.READY, stored
        assert stored.file is not None
        found = self.cloud.s3.get_object(
            Bucket="documents", Key=stored.file.key, VersionId=stored.file.object_version
        )
        data: bytes = found["Body"].read()
        assert len(data) == stored.file.size_bytes
        return data.decode()

    def deliver(self, *bodies: str, receive_count: int = 1) -> list[str]:
        event = sqs_event(*bodies, receive_count=receive_count)
        return failed_ids(export_records.handler.handler(event, FakeContext()))


def image(status: ImageStatus = ImageStatus.ANALYZED, **changes: Any) -> ImageRecord:
    made = ImageRecord(
        image_id=new_id(),
        owner="owner",
        specialty="eye",
        status=status,
        upload=UploadDeclaration(
            content_type="image/jpeg", size_bytes=1, original_filename="=cmd|' /C calc'!A0.jpg"
        ),
        upload_expires_at=NOW,
        created_at=NOW,
        updated_at=NOW,
        correlation_id="c",
        working_image=WorkingImage(key="working/x", width=10, height=20),
    )
    return DynamoCasework("casework", REGION).replace_image(made.model_copy(update=changes))


def case(status: CaseStatus = CaseStatus.OPEN, **changes: Any) -> Case:
    made = Case(
        case_id=new_id(),
        number=10_000,
        specialty="eye",
        status=status,
        owner="owner",
        image_ids=("i",),
        notes="-2+3 of Ada Canary",
        created_at=datetime.now(UTC),
        updated_at=NOW,
        updated_by="owner",
        correlation_id="c",
    ).model_copy(update=changes)
    case_item(made).save()
    return made


def patient(name: str) -> Patient:
    made = Patient(
        patient_id=new_id(),
        number="P-1",
        owner="owner",
        details=PatientDetails(name=name),
        created_at=NOW,
        updated_at=NOW,
        updated_by="owner",
        correlation_id="c",
    )
    return DynamoPatients("casework", REGION).add_patient(made)


def draw(of: Case, on: ImageRecord, by: str) -> None:
    shapes = Shapes(boxes=(Box(x=1, y=2, width=3, height=4, label="cataract"),))
    drawn = Annotation(
        annotation_id=new_id(),
        case_id=of.case_id,
        specialty="eye",
        image_id=on.image_id,
        image_index=0,
        width=10,
        height=20,
        author=by,
        shapes=shapes,
        shape_count=1,
        created_at=NOW,
        updated_at=NOW,
    )
    pk, body = case_pk(of.case_id), drawn.model_dump(mode="json")
    CaseworkItem(pk, f"ANN#{drawn.annotation_id}", kind="annotation", body=body).save()


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))
