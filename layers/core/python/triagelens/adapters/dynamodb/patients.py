"""Patients in the casework table, with an item for each number and for each address that was invited."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from triagelens.adapters.dynamodb.case_items import CASE, case_from_item
from triagelens.adapters.dynamodb.casework import IMAGE, META, image_from_item
from triagelens.adapters.dynamodb.months import Months, check_cursor
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import check_not_erased, is_erased, tombstone
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import Case
from triagelens.domain.errors import (
    AddressTakenError,
    NotFoundError,
    OutdatedError,
    PatientNumberTakenError,
)
from triagelens.domain.ids import month_of
from triagelens.domain.images import ImageRecord
from triagelens.domain.patients import Patient
from triagelens.services.ports import Page

PATIENT = "PAT"
MONTHS = "PATIENTS"
ACTIVE = "active"
Record = TypeVar("Record")


class DynamoPatients:
    """`services.patient_ports.PatientRecords` on DynamoDB."""

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)
        self._months = Months(MONTHS)

    def patient(self, patient_id: str) -> Patient:
        try:
            item = CaseworkItem.get(patient_pk(patient_id), META, consistent_read=True)
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("There is no such patient.") from None
        return patient_from_item(item)

    def numbered(self, number: str) -> Patient:
        try:
            item = CaseworkItem.get(*_number_key(number), consistent_read=True)
        except CaseworkItem.DoesNotExist:
            raise NotFoundError("There is no such patient.") from None
        return self.patient(item.body["patient_id"])

    def invited_by(self, address_digest: str) -> Patient | None:
        try:
            item = CaseworkItem.get(*_address_key(address_digest), consistent_read=True)
            return self.patient(item.body["patient_id"])
        except (CaseworkItem.DoesNotExist, NotFoundError):
            return None

    def patients(self, owner: str | None, limit: int, cursor: str | None) -> Page[Patient]:
        check_cursor(cursor)
        if owner is not None:
            found: Iterable[CaseworkItem] = CaseworkItem.gsi1.query(
                _own_partition(owner),
                None if cursor is None else CaseworkItem.gsi1sk < cursor,
                scan_index_forward=False,
                limit=limit + 1,
                page_size=limit + 1,
            )
        else:
            found = islice(self._of_all(limit + 1, cursor), limit + 1)
        return _page([patient_from_item(item) for item in found], limit, lambda patient: patient.patient_id)

    def add_patient(self, patient: Patient) -> Patient:
        self._months.note(patient.patient_id)
        parts, item = Parts(), _patient_item(patient)
        parts.put(item, OutdatedError("There is such a patient already."))
        parts.put(_number_item(patient), _number_taken())
        if patient.account is not None:
            parts.put(
                _address_item(patient, patient.account.address_digest),
                AddressTakenError("A patient was invited by this e-mail address before."),
            )
        parts.write(self._connection)
        return patient.model_copy(update={"version": item.version})

    def replace_patient(self, before: Patient, after: Patient) -> Patient:
        outdated = OutdatedError("The patient's record has changed since it was read.")
        parts, item = Parts(), _patient_item(after)
        if _number_key(after.number) != _number_key(before.number):
            mine = CaseworkItem.status == before.patient_id
            parts.delete(_number_item(before), mine, outdated)
            parts.put(_number_item(after), _number_taken())
        parts.put(item, outdated)
        parts.write(self._connection)
        return after.model_copy(update={"version": item.version})

    def withdraw_patient(self, patient: Patient) -> None:
        outdated = OutdatedError("The patient's record has changed since it was read.")
        parts, mine = Parts(), CaseworkItem.status == patient.patient_id
        parts.delete(_patient_item(patient), CaseworkItem.version == patient.version, outdated)
        parts.delete(_number_item(patient), mine, outdated)
        if patient.account is not None:
            parts.delete(_address_item(patient, patient.account.address_digest), mine, outdated)
        parts.write(self._connection)

    def images_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[ImageRecord]:
        found = _of_patient(f"{patient_pk(patient_id)}#{IMAGE}", limit + 1, cursor)
        return _page([image_from_item(item) for item in found], limit, lambda image: image.image_id)

    def cases_of(self, patient_id: str, limit: int, cursor: str | None) -> Page[Case]:
        found = _of_patient(f"{patient_pk(patient_id)}#{CASE}", limit + 1, cursor)
        return _page([case_from_item(item) for item in found], limit, lambda case: case.case_id)

    def _of_all(self, most: int, cursor: str | None) -> Iterator[CaseworkItem]:
        for month in self._months.behind(cursor):
            yield from CaseworkItem.gsi2.query(
                f"{PATIENT}#{ACTIVE}#{month}",
                None if cursor is None else CaseworkItem.gsi2sk < cursor,
                scan_index_forward=False,
                limit=most,
                page_size=most,
            )


def bury_patient(parts: Parts, patient: Patient, erasure_id: str, at: datetime) -> None:
    """Puts a tombstone in the record's place, and frees its number and its address.

    Raises OutdatedError, when it is written, if the record has changed since it was read.
    """
    outdated = OutdatedError("The patient's record has changed since it was read.")
    mine = CaseworkItem.pk.does_not_exist() | (CaseworkItem.status == patient.patient_id)
    parts.put(tombstone(patient_pk(patient.patient_id), patient.version, erasure_id, at), outdated)
    parts.delete(_number_item(patient), mine, outdated)
    if patient.account is not None:
        parts.delete(_address_item(patient, patient.account.address_digest), mine, outdated)


def unburied_patient(patient_id: str) -> Patient | None:
    """The record, unless it is gone or a tombstone."""
    try:
        item = CaseworkItem.get(patient_pk(patient_id), META, consistent_read=True)
    except CaseworkItem.DoesNotExist:
        return None
    return None if is_erased(item) else patient_from_item(item)


def patient_pk(patient_id: str) -> str:
    return f"{PATIENT}#{patient_id}"


def _own_partition(owner: str) -> str:
    return f"OWNER#{owner}#{PATIENT}"


def _patient_item(patient: Patient) -> CaseworkItem:
    return CaseworkItem(
        patient_pk(patient.patient_id),
        META,
        kind="patient",
        status=ACTIVE,
        body=patient.model_dump(mode="json", exclude={"version"}),
        gsi1pk=_own_partition(patient.owner),
        gsi1sk=patient.patient_id,
        gsi2pk=f"{PATIENT}#{ACTIVE}#{month_of(patient.patient_id)}",
        gsi2sk=patient.patient_id,
        version=patient.version,
    )


def patient_from_item(item: CaseworkItem) -> Patient:
    """The patient that an item holds.

    Raises:
        ErasedError: it is a tombstone.
    """
    check_not_erased(item, "There is no such patient.")
    return Patient.model_validate({**item.body, "version": item.version})


def _number_key(number: str) -> tuple[str, str]:
    """Numbers that differ in upper and lower case only are the same number."""
    return f"PATNUMBER#{number.upper()}", META


def _address_key(address_digest: str) -> tuple[str, str]:
    return f"PATADDRESS#{address_digest}", META


def _number_item(patient: Patient) -> CaseworkItem:
    return _claim(_number_key(patient.number), "patient_number", patient)


def _address_item(patient: Patient, address_digest: str) -> CaseworkItem:
    return _claim(_address_key(address_digest), "patient_address", patient)


def _claim(key: tuple[str, str], kind: str, patient: Patient) -> CaseworkItem:
    """Says whose a number or an address is."""
    patient_id = patient.patient_id
    return CaseworkItem(*key, kind=kind, status=patient_id, body={"patient_id": patient_id})


def _number_taken() -> PatientNumberTakenError:
    return PatientNumberTakenError("Another patient has this number.")


def _of_patient(partition: str, most: int, cursor: str | None) -> Iterable[CaseworkItem]:
    check_cursor(cursor)
    behind = None if cursor is None else CaseworkItem.gsi3sk < cursor
    return CaseworkItem.gsi3.query(partition, behind, scan_index_forward=False, limit=most, page_size=most)


def _page(found: list[Record], limit: int, id_of: Callable[[Record], str]) -> Page[Record]:
    """One page of what was read with one item to spare."""
    items = found[:limit]
    return Page(items, id_of(items[-1]) if len(found) > limit else None)
