"""A clinic in which anything may happen next."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from tests.cloud import REGION
from triagelens.adapters.dynamodb.case_items import case_item
from triagelens.adapters.dynamodb.casework import META, DynamoCasework
from triagelens.adapters.dynamodb.erasures import DynamoErasures
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.reports import DynamoReports
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.cases import MOVES, Case, CaseStatus
from triagelens.domain.erasures import Begun
from triagelens.domain.ids import new_id
from triagelens.domain.images import TRANSITIONS, ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.patients import Patient, PatientDetails, new_number
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport, Reason
from triagelens.domain.reports import Audience, Edition, Report, ReportKind, failure

LABELS = {"skin": ("mel", "nv"), "eye": ("normal", "cataract")}
MODEL = ModelIdentity(name="m", version="1", sha256="a" * 64, manifest_sha256="b" * 64)


class Clinic:
    """Random work on images, cases, patients and reports, through the tables' own adapters."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.images: list[ImageRecord] = []
        self.cases: list[Case] = []
        self.patients: list[Patient] = []
        self.reports: list[Report] = []
        self.casework = DynamoCasework("casework", REGION)
        self.patient_records = DynamoPatients("casework", REGION)
        self.report_records = DynamoReports("casework", REGION)
        self.erasures = DynamoErasures("audit", "casework", REGION)

    def work(self) -> None:
        """One operation: something new, a change of something, or the end of something.

        Patients and reports are written in transactions, for each of which moto copies every table.
        """
        ways: dict[Callable[[], None], float] = {
            self.new_image: 29,
            self.new_case: 11,
            self.new_patient: 1,
            self.new_report: 1,
            self.move_image: 38,
            self.decide_case: 13,
            self.amend_patient: 0.2,
            self.end_report: 1,
            self.delete_image: 5,
            self.erase_patient: 0.3,
            self.delete_report: 0.3,
        }
        [way] = self.chance.choices(list(ways), list(ways.values()))
        way()

    def new_image(self) -> None:
        self.images.append(self.casework.add_image(self._image(), None))

    def new_case(self) -> None:
        self.cases.append(self._stored(self._case()))

    def new_patient(self) -> None:
        self.patients.append(self.patient_records.add_patient(self._patient()))

    def new_report(self) -> None:
        """Of a patient, or of a case where there is no patient yet."""
        if self.patients or self.cases:
            self.reports.append(self.report_records.add_report(self._report()))

    def move_image(self) -> None:
        for number in self._any_of(self.images):
            self.images[number] = self.casework.replace_image(self._moved(self.images[number]))

    def decide_case(self) -> None:
        for number in self._any_of(self.cases):
            self.cases[number] = self._stored(self._decided(self.cases[number]))

    def amend_patient(self) -> None:
        for number in self._any_of(self.patients):
            before = self.patients[number]
            after = before.model_copy(update={"details": PatientDetails(name="B")})
            self.patients[number] = self.patient_records.replace_patient(before, after)

    def end_report(self) -> None:
        for number in self._any_of(self.reports):
            if not self.reports[number].is_done:
                self.reports[number] = self.report_records.replace_report(self._ended(self.reports[number]))

    def delete_image(self) -> None:
        for number in self._any_of(self.images):
            _delete(f"IMG#{self.images.pop(number).image_id}")

    def erase_patient(self) -> None:
        """As an erasure begins, or as an invitation that nobody could take is withdrawn."""
        for number in self._any_of(self.patients):
            gone = self.patients.pop(number)
            if self.chance.random() < 0.3:
                self.patient_records.withdraw_patient(gone)
                continue
            begun = Begun(
                erasure_id=new_id(),
                patient_id=gone.patient_id,
                requested_by="owner",
                begun_at=gone.created_at,
                correlation_id="c",
            )
            self.erasures.begin(begun, gone)

    def delete_report(self) -> None:
        for number in self._any_of(self.reports):
            _delete(f"REPORT#{self.reports.pop(number).report_id}")

    def end_everything(self) -> None:
        """Nothing is left."""
        while self.patients:
            self.erase_patient()
        for image in self.images:
            _delete(f"IMG#{image.image_id}")
        for case in self.cases:
            _delete(f"CASE#{case.case_id}")
        for report in self.reports:
            _delete(f"REPORT#{report.report_id}")

    def _any_of(self, records: Sequence[object]) -> list[int]:
        """The place of one of them; none if there are none."""
        return [self.chance.randrange(len(records))] if records else []

    def _time(self) -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=self.chance.randrange(10))

    def _image(self) -> ImageRecord:
        now = self._time()
        return ImageRecord(
            image_id=new_id(),
            owner="owner",
            specialty=self.chance.choice(sorted(LABELS)),
            status=ImageStatus.AWAITING_UPLOAD,
            upload=UploadDeclaration.model_validate(
                {
                    "content_type": "image/jpeg",
                    "size_bytes": 1,
                    "purpose": self.chance.choice(["diagnosis", "training"]),
                }
            ),
            upload_expires_at=now,
            created_at=now,
            updated_at=now,
            correlation_id="c",
        )

    def _moved(self, image: ImageRecord) -> ImageRecord:
        """The image after a step that the status machine draws; without one, touched only."""
        steps = sorted(to for at, to in TRANSITIONS if at is image.status)
        if not steps:
            return image.model_copy(update={"attempt": image.attempt + 1})
        to = self.chance.choice(steps)
        if to is ImageStatus.REJECTED:
            reasons = tuple(
                Reason(code=code, message="m", severity=self.chance.choice(["reject", "warn"]))
                for code in self.chance.sample(["blurred", "dark", "bright"], 2)
            )
            return image.move(
                to, image.updated_at, quality=QualityReport(verdict="rejected", reasons=reasons)
            )
        if to is ImageStatus.ANALYZED:
            first, second = self.chance.sample(LABELS[image.specialty], 2)
            found = Prediction.ranked(
                {first: 0.9, second: 0.1},
                specialty=image.specialty,
                model=MODEL,
                demonstration=True,
                intended_use="tests",
            )
            return image.move(to, image.updated_at, prediction=found)
        return image.move(to, image.updated_at)

    def _case(self) -> Case:
        now = self._time()
        return Case(
            case_id=new_id(),
            number=len(self.cases) + 1,
            specialty=self.chance.choice(sorted(LABELS)),
            status=CaseStatus.OPEN,
            owner="owner",
            image_ids=("i",),
            created_at=now,
            updated_at=now,
            updated_by="owner",
            correlation_id="c",
        )

    def _decided(self, case: Case) -> Case:
        moves = sorted(move for at, move in MOVES if at is case.status)
        if not moves:
            return case
        return case.after(self.chance.choice(moves), "owner", case.updated_at, "c")

    def _stored(self, case: Case) -> Case:
        item = case_item(case)
        item.save()
        return case.model_copy(update={"version": int(item.version)})

    def _patient(self) -> Patient:
        now = self._time()
        return Patient(
            patient_id=new_id(),
            number=new_number(),
            owner="owner",
            details=PatientDetails(name="A"),
            created_at=now,
            updated_at=now,
            updated_by="owner",
            correlation_id="c",
        )

    def _report(self) -> Report:
        of: dict[str, object] = {"kind": ReportKind.CASE}
        if self.patients:
            of = {"kind": ReportKind.PATIENT, "patient_id": self.chance.choice(self.patients).patient_id}
        else:
            of |= {"case_id": self.chance.choice(self.cases).case_id}
        return Report.model_validate(
            {
                "report_id": new_id(),
                "audience": Audience.CLINIC,
                "requested_by": "owner",
                "created_at": self._time(),
                "correlation_id": "c",
                **of,
            }
        )

    def _ended(self, report: Report) -> Report:
        """Made, or given up for now."""
        now = report.created_at
        if self.chance.random() < 0.3:
            return report.failed(failure("processing_error", "m", retryable=True), now)
        edition = Edition(
            number=1,
            audience=report.audience,
            content_sha256="a" * 64,
            key="k",
            sha256="b" * 64,
            size_bytes=1,
            pages=1,
            images=0,
            made_at=now,
        )
        return report.ready(edition, now)


def _delete(pk: str) -> None:
    CaseworkItem(pk, META).delete(add_version_condition=False)
