"""Patients on the table: nothing given twice, lists that skip nothing, no event about anybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ulid import ULID

from tests.cloud import REGION, Cloud
from tests.fakes import START
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.patients import DynamoPatients
from triagelens.adapters.dynamodb.streams import record_changes
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.errors import (
    AddressTakenError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    PatientNumberTakenError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.patients import LinkedAccount, Patient, PatientDetails, new_number

ACCOUNT = LinkedAccount(username="patient-1", address_digest="d" * 64)


@pytest.fixture
def patients(cloud: Cloud) -> DynamoPatients:
    return DynamoPatients("casework", REGION)


def new(**more: Any) -> Patient:
    record = Patient(
        patient_id=new_id(),
        number=new_number(),
        owner="gp",
        details=PatientDetails(name="A"),
        created_at=START,
        updated_at=START,
        updated_by="gp",
        correlation_id="request",
    )
    return record.model_copy(update=more)


def attempt(write: Callable[[], object]) -> bool:
    try:
        write()
    except ConflictError:
        return False
    return True


def test_of_those_who_want_one_number_or_one_address_at_a_time_one_gets_it(patients: DynamoPatients) -> None:
    wanted = [new(number="7") for _ in range(6)]
    wanted += [new(account=ACCOUNT) for _ in range(6)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda patient: attempt(lambda: patients.add_patient(patient)), wanted))
    assert (sum(got[:6]), sum(got[6:])) == (1, 1)
    assert len(patients.patients(None, 50, None).items) == 2


def test_a_patient_is_found_by_the_number_that_is_theirs_now(patients: DynamoPatients) -> None:
    first = patients.add_patient(new(number="a7"))
    assert patients.numbered("A7") == first
    second = patients.replace_patient(first, first.model_copy(update={"number": "b8"}))
    assert patients.numbered("b8") == second
    with pytest.raises(NotFoundError):
        patients.numbered("a7")


def test_a_refused_record_leaves_nothing(patients: DynamoPatients) -> None:
    first = patients.add_patient(new(number="a7", account=ACCOUNT))
    before = {(item.pk, item.sk) for item in CaseworkItem.scan()}
    with pytest.raises(PatientNumberTakenError):
        patients.add_patient(new(number="A7"))
    with pytest.raises(AddressTakenError):
        patients.add_patient(new(account=ACCOUNT))
    assert {(item.pk, item.sk) for item in CaseworkItem.scan()} == before
    assert patients.invited_by(ACCOUNT.address_digest) == first
    patients.withdraw_patient(first)
    assert patients.invited_by(ACCOUNT.address_digest) is None
    with pytest.raises(NotFoundError):
        patients.patient(first.patient_id)
    patients.add_patient(new(number="A7", account=ACCOUNT))


def test_the_second_of_two_writers_loses_and_so_does_a_late_withdrawal(patients: DynamoPatients) -> None:
    first = patients.add_patient(new(number="1"))
    second = patients.replace_patient(first, first.model_copy(update={"number": "2"}))
    with pytest.raises(OutdatedError):
        patients.replace_patient(first, first.model_copy(update={"owner": "other"}))
    with pytest.raises(OutdatedError):
        patients.withdraw_patient(first)
    assert patients.patient(first.patient_id) == second
    patients.add_patient(new(number="1"))


def test_lists_go_over_months_page_by_page(patients: DynamoPatients) -> None:
    begin = datetime(2026, 8, 30, tzinfo=UTC)
    made = []
    for n in range(7):
        patient_id = str(ULID.from_datetime(begin + timedelta(days=17 * n))).lower()
        patients.add_patient(new(patient_id=patient_id, owner="gp" if n % 2 else "other"))
        made.append(patient_id)

    def listed(owner: str | None) -> list[str]:
        found: list[str] = []
        cursor = None
        while True:
            page = patients.patients(owner, 2, cursor)
            found += [patient.patient_id for patient in page.items]
            cursor = page.cursor
            if cursor is None:
                return found

    assert listed(None) == made[::-1]
    assert listed("gp") == made[1::2][::-1]
    assert listed("nobody") == []
    with pytest.raises(InvalidRequestError):
        patients.patients(None, 2, "x")


def test_an_image_stays_its_patients_whatever_becomes_of_it(patients: DynamoPatients) -> None:
    casework = DynamoCasework("casework", REGION)
    record = ImageRecord(
        image_id=new_id(),
        owner="gp",
        specialty="skin",
        status=ImageStatus.AWAITING_UPLOAD,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=START,
        updated_at=START,
        correlation_id="request",
        patient_id="p1",
    )
    stored = casework.replace_image(record)
    moved = casework.replace_image(stored.move(ImageStatus.ACCEPTED, START))
    assert patients.images_of("p1", 5, None).items == [moved]
    assert patients.images_of("p2", 5, None).items == []


def test_a_patients_record_makes_no_event(patients: DynamoPatients) -> None:
    patients.add_patient(new(account=ACCOUNT))
    told = [
        {"dynamodb": {"SequenceNumber": "1", "NewImage": item.to_dynamodb_dict()}}
        for item in CaseworkItem.scan()
    ]
    assert len(told) == 4
    assert record_changes(told) == ([], [])
