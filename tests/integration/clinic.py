"""A clinic with patients to erase, written by the adapters themselves."""

from datetime import UTC, datetime

import boto3

from tests.cloud import REGION, Cloud
from tests.integration.erasing import everything
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.erasures import DynamoErasures
from triagelens.adapters.dynamodb.feedback import DynamoFeedback
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.people import DynamoPeople
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.erasures import Begun, Receipt
from triagelens.domain.feedback import Feedback
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.patients import LinkedAccount, Patient, PatientDetails, new_number, username_of
from triagelens.domain.people import Person, Role
from triagelens.domain.reports import Audience, Report, ReportKind

MARK = "xyzzyplugh"
NOW = datetime.now(UTC)


class Clinic:
    """Patients with everything that is theirs, written by the adapters themselves."""

    def __init__(self, cloud: Cloud, pool_id: str) -> None:
        self.cloud, self.pool_id = cloud, pool_id
        self.patients = DynamoPatients("casework", REGION)
        self.casework = DynamoCasework("casework", REGION, "ephemeral")
        self.cases, self.panels = DynamoCases("casework", REGION), DynamoPanels("casework", REGION)
        self.erasures = DynamoErasures("audit", "casework", REGION)

    def patient(self, role: Role = Role.PATIENT) -> Patient:
        """Somebody with an account, two images and two cases, one of which names nobody."""
        patient_id = new_id()
        account = self.account(patient_id, role)
        patient = self.patients.add_patient(
            Patient(
                patient_id=patient_id,
                number=new_number(),
                owner="gp",
                details=PatientDetails(name=MARK),
                account=account,
                created_at=NOW,
                updated_at=NOW,
                updated_by="gp",
                correlation_id="request",
            )
        )
        images = [self.image("gp", patient_id), self.image(str(account.sub), None)]
        self.case(images[0], patient_id)
        self.case(images[1], None)
        return patient

    def account(self, patient_id: str, role: Role) -> LinkedAccount:
        username = username_of(patient_id)
        cognito = boto3.client("cognito-idp", region_name=REGION)
        made = cognito.admin_create_user(UserPoolId=self.pool_id, Username=username)["User"]
        sub = next(entry["Value"] for entry in made["Attributes"] if entry["Name"] == "sub")
        DynamoPeople("users", REGION).add_person(
            Person(sub=sub, username=username, role=role, name=MARK, patient_id=patient_id, created_at=NOW)
        )
        feedback = Feedback(feedback_id=new_id(), person=sub, rating=4, text=MARK, submitted_at=NOW)
        DynamoFeedback("casework", REGION).write(feedback)
        return LinkedAccount(username=username, address_digest=new_id(), sub=sub)

    def image(self, owner: str, patient_id: str | None, status: ImageStatus | None = None) -> ImageRecord:
        record = ImageRecord(
            image_id=new_id(),
            owner=owner,
            specialty="eye",
            status=status or ImageStatus.AWAITING_UPLOAD,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1, original_filename=MARK),
            upload_expires_at=NOW,
            created_at=NOW,
            updated_at=NOW,
            correlation_id="request",
            patient_id=patient_id,
        )
        for key in (record.upload_key, f"working/{record.image_id}/a.jpg"):
            bucket = "uploads" if key.startswith("uploads/") else "images"
            self.cloud.s3.put_object(Bucket=bucket, Key=key, Body=MARK.encode())
        return self.casework.add_image(record, None)

    def case(self, image: ImageRecord, patient_id: str | None, *more: ImageRecord) -> Case:
        case = Case(
            case_id=new_id(),
            number=DynamoCaseNumbers("casework", REGION, 1).take("doctor"),
            specialty="eye",
            status=CaseStatus.OPEN,
            owner="doctor",
            image_owner=image.owner,
            image_ids=(image.image_id, *(one.image_id for one in more)),
            patient_id=patient_id,
            notes=MARK,
            created_at=NOW,
            updated_at=NOW,
            updated_by="doctor",
            correlation_id="request",
        )
        return self.cases.add_case(case, case.entry("case.create", None))

    def begin(self, patient: Patient) -> str:
        """What the API does, without its message."""
        account = patient.account
        begun = Begun(
            erasure_id=new_id(),
            patient_id=patient.patient_id,
            requested_by="doctor",
            begun_at=NOW,
            correlation_id="request",
            username=account and account.username,
            sub=account and account.sub,
        )
        self.erasures.begin(begun, self.patients.patient(patient.patient_id))
        return begun.erasure_id

    def receipt(self, erasure_id: str) -> Receipt:
        return self.erasures.receipt(erasure_id)

    def is_clean(self) -> bool:
        return MARK not in everything(self.cloud, self.pool_id)


def report_of(case: Case) -> Report:
    report = Report(
        report_id=new_id(),
        kind=ReportKind.CASE,
        audience=Audience.CLINIC,
        case_id=case.case_id,
        requested_by="doctor",
        created_at=NOW,
        correlation_id="request",
    )
    return DynamoReports("casework", REGION).add_report(report)
