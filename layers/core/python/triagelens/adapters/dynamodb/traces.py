"""What the casework table holds of a patient: where it is found, and how it goes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from ulid import ULID

from triagelens.adapters.dynamodb.case_items import CASE, case_from_item, case_pk, own_partition
from triagelens.adapters.dynamodb.casework import IMAGE, META, image_from_item, image_pk
from triagelens.adapters.dynamodb.feedback import DynamoFeedback
from triagelens.adapters.dynamodb.patients import bury_patient, patient_pk, unburied_patient
from triagelens.adapters.dynamodb.reports import (
    EDITION,
    REPORT,
    report_pk,
    reports_of_case_partition,
    reports_of_patient_partition,
)
from triagelens.adapters.dynamodb.tables import CaseworkItem, bind, transaction_connection
from triagelens.adapters.dynamodb.tombstones import bury, is_erased
from triagelens.adapters.dynamodb.transactions import Parts
from triagelens.domain.cases import Case, CaseStatus
from triagelens.domain.errors import OutdatedError
from triagelens.domain.ids import first_id_of
from triagelens.domain.images import ImageRecord

# Ids are made by many clocks: a case may look a little older than its images.
CLOCKS_DIFFER = timedelta(hours=1)


class DynamoTraces:
    """`services.erasure_ports.Traces` on DynamoDB.

    Indexes say where to look, and lag behind; what is found is read again from its own key.
    """

    def __init__(self, table_name: str, region: str) -> None:
        bind(CaseworkItem, table_name, region)
        self._connection = transaction_connection(region)
        self._feedback = DynamoFeedback(table_name, region)

    def bury_patient(self, patient_id: str, erasure_id: str, at: datetime) -> None:
        while (patient := unburied_patient(patient_id)) is not None:
            parts = Parts()
            bury_patient(parts, patient, erasure_id, at)
            try:
                parts.write(self._connection)
            except OutdatedError:
                continue  # what has just been written is buried next
            return

    def images_of_patient(self, patient_id: str) -> Iterator[ImageRecord]:
        for image in _images(CaseworkItem.gsi3.query(f"{patient_pk(patient_id)}#{IMAGE}")):
            if image.patient_id == patient_id:
                yield image

    def images_of_owner(self, sub: str) -> Iterator[ImageRecord]:
        yield from _images(CaseworkItem.gsi1.query(f"OWNER#{sub}#{IMAGE}"))

    def image(self, image_id: str) -> ImageRecord | None:
        return next(map(image_from_item, _records([image_pk(image_id)])), None)

    def cases_of_patient(self, patient_id: str) -> Iterator[Case]:
        for case in _cases(CaseworkItem.gsi3.query(f"{patient_pk(patient_id)}#{CASE}")):
            if case.patient_id == patient_id:
                yield case

    def cases_with(self, images: Sequence[ImageRecord]) -> Iterator[Case]:
        """Whoever owns an image of a case made the case or shares it: their lists name every one."""
        wanted = {image.image_id for image in images}
        oldest: dict[tuple[str, str], str] = {}
        for image in images:
            place = (image.owner, image.specialty)
            oldest[place] = min(oldest.get(place, image.image_id), image.image_id)
        for (owner, specialty), first in oldest.items():
            since = CaseworkItem.gsi1sk >= _a_little_before(first)
            for status in CaseStatus:
                listed = CaseworkItem.gsi1.query(own_partition(owner, specialty, status), since)
                for case in _cases(listed):
                    if wanted.intersection(case.image_ids):
                        yield case

    def reports(self, patient_ids: Iterable[str], case_ids: Iterable[str]) -> Iterator[str]:
        for patient_id in patient_ids:
            for item in CaseworkItem.gsi3.query(reports_of_patient_partition(patient_id)):
                yield item.pk.removeprefix(f"{REPORT}#")
        for case_id in case_ids:
            for item in CaseworkItem.gsi2.query(reports_of_case_partition(case_id)):
                yield item.pk.removeprefix(f"{REPORT}#")

    def erase_image(self, image_id: str, erasure_id: str, at: datetime) -> None:
        bury(image_pk(image_id), erasure_id, at)
        _clear(image_pk(image_id))

    def erase_case(self, case_id: str, erasure_id: str, at: datetime) -> None:
        bury(case_pk(case_id), erasure_id, at)
        _clear(case_pk(case_id))

    def erase_report(self, report_id: str) -> None:
        _clear(report_pk(report_id))

    def erase_editions(self, case_id: str) -> None:
        editions = CaseworkItem.sk.startswith(EDITION)
        found = list(CaseworkItem.query(case_pk(case_id), editions, consistent_read=True))
        with CaseworkItem.batch_write() as batch:
            for item in found:
                batch.delete(item)

    def erase_rest(self, patient_id: str) -> None:
        _clear(patient_pk(patient_id))

    def erase_feedback(self, sub: str) -> None:
        self._feedback.remove(sub)


def _images(listed: Iterable[CaseworkItem]) -> Iterator[ImageRecord]:
    return map(image_from_item, _records([item.pk for item in listed]))


def _cases(listed: Iterable[CaseworkItem]) -> Iterator[Case]:
    return map(case_from_item, _records([item.pk for item in listed]))


def _records(pks: Sequence[str]) -> Iterator[CaseworkItem]:
    """The records of these keys that are there and are no tombstones."""
    keys = [(pk, META) for pk in dict.fromkeys(pks)]
    found = CaseworkItem.batch_get(keys, consistent_read=True) if keys else ()
    return (item for item in found if not is_erased(item))


def _clear(pk: str) -> None:
    """Removes everything under a key but a tombstone."""
    found = [item for item in CaseworkItem.query(pk, consistent_read=True) if not is_erased(item)]
    with CaseworkItem.batch_write() as batch:
        for item in found:
            batch.delete(item)


def _a_little_before(identifier: str) -> str:
    return first_id_of(ULID.from_str(identifier.upper()).datetime - CLOCKS_DIFFER)
