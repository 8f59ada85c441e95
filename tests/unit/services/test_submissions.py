"""A form and its photo, wherever an earlier request of the same stopped."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.fake_cases import FakeCases
from tests.fake_forms import FakeForms
from tests.fakes import (
    START,
    FakeCasework,
    FakeClock,
    FakeInferenceQueue,
    FakeOriginals,
    FakeStopwatch,
    FakeWaitingRoom,
)
from tests.photos import photo
from triagelens.domain.cases import Case, HistoryEntry
from triagelens.domain.errors import ConflictError, NoFindingError
from triagelens.domain.forms import FormAnswers, PatientForm
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.panels import Panel
from triagelens.domain.people import Person, Role
from triagelens.services.cases import Cases, NewCase
from triagelens.services.forms import Forms
from triagelens.services.images import Images, Waiting, retry
from triagelens.services.small_uploads import Photo, SmallUploads, finding_of
from triagelens.services.submissions import Submissions, Submitted
from triagelens.services.uploads import UploadRules, Uploads

PHOTO = Photo(photo(width=200, height=150), "mouth.jpg")
GRETA = Person(sub="greta", username="greta", role=Role.GP, created_at=START)
DOCTOR = Person(sub="doctor", username="doctor", role=Role.DOCTOR, created_at=START)
ANSWERS = FormAnswers(consent=True, age=54)
HOUR = timedelta(hours=1)


@dataclass
class Clinic:
    """The use case over fakes; nothing ever analyses a photo."""

    clock: FakeClock = field(default_factory=FakeClock)
    casework: FakeCasework = field(default_factory=FakeCasework)
    records: FakeCases = field(default_factory=FakeCases)
    written: FakeForms = field(default_factory=FakeForms)

    @property
    def images(self) -> Images:
        return Images(self.casework, self.clock, HOUR)

    @property
    def cases(self) -> Cases:
        return Cases(self.records, self.records.numbers, self.casework, self.images, self.clock)

    @property
    def forms(self) -> Forms:
        return Forms(self.written, self.clock)

    def retry(self, record: ImageRecord) -> ImageRecord:
        return retry(record, self.casework, FakeInferenceQueue(), self.clock)

    def submit(self, answers: FormAnswers = ANSWERS, by: Person = GRETA) -> Submitted:
        originals = FakeOriginals()
        uploads = Uploads(self.casework, originals, self.clock, UploadRules(HOUR, 50_000_000))
        waiting = Waiting(self.casework, self.images, FakeWaitingRoom(), FakeStopwatch())
        small = SmallUploads(uploads, originals, waiting, self.retry, FakeStopwatch())
        return Submissions(small, self.cases, self.forms, self.records).submit(
            by, "oral", PHOTO, answers, "correlation"
        )


class Dying(FakeForms):
    """Goes down before it has written a form."""

    def write_form(self, form: PatientForm, entry: HistoryEntry) -> PatientForm:
        raise ConnectionError


class Overtaken(FakeCases):
    """While somebody opens a case, another request of the same opens it."""

    def add_case(self, case: Case, entry: HistoryEntry, panel: Panel | None = None) -> Case:
        if not self.records:
            number = self.numbers.take(case.owner)
            other = case.model_copy(update={"case_id": "0" * 26, "number": number})
            super().add_case(other, entry, panel)
        return super().add_case(case, entry, panel)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def test_a_case_that_lost_its_form_gets_it_when_the_request_comes_again(clinic: Clinic) -> None:
    whole, clinic.written = clinic.written, Dying()
    with pytest.raises(ConnectionError):
        clinic.submit()
    (case_id,) = clinic.records.records
    clinic.written = whole
    assert clinic.submit().case.case_id == case_id
    assert whole.records[case_id].answers == ANSWERS


def test_two_requests_of_the_same_at_once_are_one_case(clinic: Clinic) -> None:
    clinic.records = Overtaken()
    submitted = clinic.submit()
    assert list(clinic.records.records) == [submitted.case.case_id] == ["0" * 26]
    assert clinic.written.records[submitted.case.case_id].answers == ANSWERS
    assert clinic.records.numbers.free == {submitted.case.number - 1}  # that of the slower one came back


def test_a_form_that_was_corrected_meanwhile_is_not_written_over(clinic: Clinic) -> None:
    first = clinic.submit()
    corrected = FormAnswers(consent=True, age=45)
    clinic.forms.submit(DOCTOR, first.case, 0, corrected, frozenset({1}))
    assert clinic.submit().case.case_id == first.case.case_id
    assert clinic.written.records[first.case.case_id].answers == corrected


def test_a_case_to_which_a_doctor_put_the_photo_is_found(clinic: Clinic) -> None:
    first = clinic.submit()
    clinic.records.records.clear()
    clinic.records.claims.clear()
    theirs = clinic.cases.open(DOCTOR, NewCase("oral", (first.image.image_id,)), "correlation")
    assert clinic.submit().case.case_id == theirs.case_id


def test_other_answers_other_people_and_another_day_are_other_cases(clinic: Clinic) -> None:
    found = [clinic.submit(), clinic.submit(FormAnswers(consent=True, age=55)), clinic.submit(by=DOCTOR)]
    clinic.clock.advance(days=2)
    clinic.casework.keys.clear()  # as the table's TTL does
    found.append(clinic.submit())
    assert len({submitted.case.case_id for submitted in found}) == 4


def test_a_conflict_of_another_kind_is_told(clinic: Clinic) -> None:
    first = clinic.submit()
    clinic.records.claims[first.image.image_id] = first.case.case_id
    moved = first.case.model_copy(update={"image_ids": ("1" * 26,)})
    clinic.records.records[first.case.case_id] = moved
    with pytest.raises(ConflictError):
        clinic.submit()


def test_a_photo_that_never_came_has_no_finding(clinic: Clinic) -> None:
    record = clinic.submit().image
    assert finding_of(record) is None
    with pytest.raises(NoFindingError, match="Send it again"):
        finding_of(record.model_copy(update={"status": ImageStatus.EXPIRED}))
