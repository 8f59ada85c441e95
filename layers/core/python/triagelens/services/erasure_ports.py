"""What erasing needs from the outside."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from triagelens.domain.cases import Case
from triagelens.domain.erasures import Begun, ErasureRequest, Outcome, Receipt, Scope
from triagelens.domain.images import ImageRecord
from triagelens.domain.patients import Patient
from triagelens.domain.people import Person
from triagelens.services.ports import Page


class ErasureRecords(Protocol):
    """What is known of erasures. It is only added to, and lies where no restore of casework reaches."""

    def begin(self, begun: Begun, patient: Patient) -> None:
        """Puts a tombstone in the record's place and writes down that it was done: both, or neither.

        Raises:
            OutdatedError: the record has changed since it was read.
        """

    def receipt(self, erasure_id: str) -> Receipt:
        """Raises NotFoundError if there is no such erasure."""

    def receipts(self, limit: int, cursor: str | None) -> Page[Receipt]:
        """Newest first.

        Raises:
            InvalidRequestError: the cursor is not one that this list gave out.
        """

    def since(self, erasure_id: str) -> Iterator[Receipt]:
        """Those whose id is not smaller."""

    def account(self, erasure_id: str) -> str | None:
        """The account's `sub`, as it was noted."""

    def note_account(self, erasure_id: str, sub: str) -> None: ...

    def scope(self, erasure_id: str) -> Scope: ...

    def note_scope(self, erasure_id: str, more: Scope) -> None:
        """Adds to the scope."""

    def complete(self, erasure_id: str, outcome: Outcome, *, sweep: bool) -> None:
        """Writes down what a pass came to; the first time counts."""


class Traces(Protocol):
    """Everything of a patient's in the casework table. Erasing is done again without harm."""

    def bury_patient(self, patient_id: str, erasure_id: str, at: datetime) -> None:
        """Puts a tombstone in the record's place, and frees its number and address, if that is yet to be
        done."""

    def images_of_patient(self, patient_id: str) -> Iterator[ImageRecord]: ...

    def images_of_owner(self, sub: str) -> Iterator[ImageRecord]: ...

    def image(self, image_id: str) -> ImageRecord | None:
        """None if it is gone, or erased."""

    def cases_of_patient(self, patient_id: str) -> Iterator[Case]: ...

    def cases_with(self, images: Sequence[ImageRecord]) -> Iterator[Case]:
        """Cases that hold one of the images, of whomever they are."""

    def reports(self, patient_ids: Iterable[str], case_ids: Iterable[str]) -> Iterator[str]:
        """Ids of reports about these patients and cases."""

    def erase_image(self, image_id: str, erasure_id: str, at: datetime) -> None: ...

    def erase_case(self, case_id: str, erasure_id: str, at: datetime) -> None: ...

    def erase_report(self, report_id: str) -> None: ...

    def erase_editions(self, case_id: str) -> None:
        """What is known of the files of a case's reports, so that none that is gone is given out again."""

    def erase_rest(self, patient_id: str) -> None:
        """What lies beside the patient's record."""

    def erase_feedback(self, sub: str) -> None: ...


class StoredFiles(Protocol):
    """Objects, with all their versions. Erasing is done again without harm."""

    def erase_image(self, image_id: str) -> None: ...

    def erase_case(self, case_id: str) -> None: ...

    def erase_reports(self, subject_id: str) -> None:
        """Of a case's or a patient's reports."""

    def erase_exports(self) -> None:
        """Every export there is: nobody knows who is in which."""


class Accounts(Protocol):
    """People's accounts."""

    def sub_of(self, username: str) -> str | None:
        """The account of that name at the identity provider."""

    def person(self, sub: str) -> Person | None: ...

    def expect_no_more(self, username: str, patient_id: str) -> None:
        """Forgets the former password that is kept for the patient under that name, if one is."""

    def unlink(self, person: Person) -> None:
        """The person is no longer the patient."""

    def remove(self, sub: str, username: str) -> None:
        """Removes the person's record, which holds at once, and then the account if it is still theirs."""


class Learning(Protocol):
    """What was learnt from images."""

    def snapshots_with(self, image_id: str) -> Sequence[str]:
        """Ids of the snapshots that hold the image."""

    def models_from(self, snapshot_ids: frozenset[str]) -> Sequence[str]:
        """`specialty/version` of every model that was trained on one of the snapshots."""


class ErasureQueue(Protocol):
    def send(self, request: ErasureRequest, delay_s: int = 0) -> None: ...
