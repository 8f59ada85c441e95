"""What a report shows is gathered from where it lies."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from triagelens.domain.cases import Case
from triagelens.domain.errors import ConflictError, NotFoundError, UnavailableError
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.patients import Patient
from triagelens.domain.report_document import Clinic, Fact, Remark, ReportContent, ShownImage
from triagelens.domain.reports import (
    MOST_IMAGES,
    Audience,
    Report,
    ReportKind,
    findings_of,
)
from triagelens.services import report_content as words
from triagelens.services.case_ports import CaseRecords
from triagelens.services.explanations import Explainer
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.patient_ports import PatientRecords
from triagelens.services.ports import Casework, Clock, Page, People
from triagelens.services.report_ports import Pictures

if TYPE_CHECKING:
    from triagelens.domain.prediction import Prediction

T = TypeVar("T")
AT_ONCE = 8
PAGE = 100
MOST_REMARKS = 200
MOST_CASES = 200


class PatientChangedError(ConflictError):
    """The case names another patient than it did when the report was asked for."""

    code = "patient_changed"


@dataclass(frozen=True)
class Issuer:
    """Who issues reports. `portal_url` leads to cases and patients; empty where there is no portal."""

    clinic: Clinic
    portal_url: str = ""

    def link(self, report: Report) -> str:
        thing = "cases" if report.kind is ReportKind.CASE else "patients"
        path = f"{thing}/{report.subject_id}"
        return f"{self.portal_url.rstrip('/')}/{path}" if self.portal_url else f"triagelens:{path}"


@dataclass(frozen=True)
class Sources:
    """Where the parts of a report come from."""

    cases: CaseRecords
    panels: PanelRecords
    patients: PatientRecords
    casework: Casework
    people: People
    explainer: Explainer
    pictures: Pictures


@dataclass(frozen=True)
class Gathered:
    """What a report shows, and of which images: those of a case are watched until it is ready.

    Attributes:
        findings: of the images, see `domain.reports.findings_of`.
    """

    content: ReportContent
    findings: dict[str, dict[str, int]]
    watched_images: tuple[str, ...] = ()


class Gathering:
    """Puts together what a report says.

    Attributes:
        within: how long evidence may be drawn; what is not drawn by then is shown without, and says so.
    """

    def __init__(self, sources: Sources, issuer: Issuer, clock: Clock, within: timedelta) -> None:
        self._sources = sources
        self._issuer = issuer
        self._clock = clock
        self._within = within

    def gather(self, report: Report) -> Gathered:
        """Raises:
        NotFoundError: the case or the patient is gone.
        PatientChangedError: the case names another patient by now.
        """
        if report.kind is ReportKind.CASE:
            return self._of_case(report)
        return self._of_patient(report)

    def _of_case(self, report: Report) -> Gathered:
        sources = self._sources
        case = sources.cases.case(report.subject_id)
        patient = None if report.patient_id is None else sources.patients.patient(report.patient_id)
        if patient is not None and case.patient_id != patient.patient_id:
            raise PatientChangedError("The case names another patient by now.")
        images = [sources.casework.image(image_id) for image_id in case.image_ids]
        for_clinic = report.audience is Audience.CLINIC
        decided_by = None
        if for_clinic and case.decision is not None and not case.is_doubted_by_the_platform:
            decided_by = self._names([case.decision.by])[case.decision.by]
        content = self._content(
            report,
            title=f"Case {case.number}",
            about=words.case_facts(case, for_clinic=for_clinic, decided_by=decided_by),
            patient=patient,
            summary=words.summary(images, [case], whole_patient=False),
            images=images,
            remarks=self._remarks(case) if for_clinic else (),
        )
        return Gathered(content, findings_of(images), tuple(image.image_id for image in images))

    def _of_patient(self, report: Report) -> Gathered:
        patients, patient_id = self._sources.patients, report.subject_id
        patient = patients.patient(patient_id)
        cases = _first(MOST_CASES, lambda cursor: patients.cases_of(patient_id, PAGE, cursor))
        images, more = self._analysed(patient_id)
        analysed = [image for image in images if image.status is ImageStatus.ANALYZED]
        left_out = f"only the newest {MOST_IMAGES} analysed images" if more else None
        content = self._content(
            report,
            title=f"Patient {patient.number}",
            about=words.facts(record_since=words.day(patient.created_at), cases=len(cases), shows=left_out),
            patient=patient,
            summary=words.summary(images, cases, whole_patient=True),
            images=analysed,
            remarks=words.outcomes(cases, for_clinic=report.audience is Audience.CLINIC),
        )
        return Gathered(content, findings_of(analysed))

    def _analysed(self, patient_id: str) -> tuple[list[ImageRecord], bool]:
        """The patient's images, newest first, up to the last one that the report has room for."""
        found: list[ImageRecord] = []
        cursor, shown = None, 0
        while True:
            page = self._sources.patients.images_of(patient_id, PAGE, cursor)
            for image in page.items:
                shown += image.status is ImageStatus.ANALYZED
                if shown > MOST_IMAGES:
                    return found, True
                found.append(image)
            if page.cursor is None:
                return found, False
            cursor = page.cursor

    def _content(
        self,
        report: Report,
        *,
        title: str,
        about: tuple[Fact, ...],
        patient: Patient | None,
        summary: tuple[Fact, ...],
        images: Sequence[ImageRecord],
        remarks: tuple[Remark, ...],
    ) -> ReportContent:
        predictions: list[Prediction] = [image.prediction for image in images if image.prediction]
        now = self._clock()
        return ReportContent(
            title=title,
            clinic=self._issuer.clinic,
            about=(*about, Fact(name="For", value=f"the {report.audience}")),
            patient=() if patient is None else words.patient_facts(patient, now.date()),
            summary=summary,
            images=self._shown(images, now + self._within),
            remarks=remarks,
            models=words.model_facts(predictions),
            disclaimer=words.disclaimer(predictions),
            link=self._issuer.link(report),
        )

    def _shown(self, images: Sequence[ImageRecord], until: datetime) -> tuple[ShownImage, ...]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            evidence = pool.map(lambda image: self._evidence(image, until), images)
            return tuple(map(words.shown_image, images, evidence))

    def _evidence(self, image: ImageRecord, until: datetime) -> words.Evidence:
        """The overlay for the most probable label; else the working image, and why."""
        why_not = ""
        if image.prediction is not None:
            try:
                if self._clock() >= until:
                    raise UnavailableError("The evidence could not be drawn in time.", retry_after_s=1)
                found = self._sources.explainer.explain(image.image_id, image.prediction.top_label)
                picture = self._sources.pictures.read(found.overlay_key)
                return words.Evidence(picture, words.caption(image, explained=found))
            except UnavailableError:
                why_not = "The evidence could not be drawn in time; a later report may show it."
            except (ConflictError, NotFoundError) as error:
                why_not = str(error)
        said = words.caption(image, explained=None, why_not=why_not)
        if image.working_image is None:
            return words.Evidence(None, said)
        try:
            return words.Evidence(self._sources.pictures.read(image.working_image.key), said)
        except NotFoundError:
            return words.Evidence(None, f"{said} The image itself is gone.")

    def _remarks(self, case: Case) -> tuple[Remark, ...]:
        """Labels and comments; no labels as long as blind readers are awaited."""
        cases = self._sources.cases
        hidden = self._sources.panels.panel(case).hides_labels
        labels = (
            [] if hidden else _first(MOST_REMARKS, lambda cursor: cases.labels(case.case_id, PAGE, cursor))
        )
        comments = _first(MOST_REMARKS, lambda cursor: cases.comments(case.case_id, PAGE, cursor))
        writers = [label.reader for label in labels] + [comment.author for comment in comments]
        return words.remarks(case, labels, comments, self._names(writers))

    def _names(self, subs: Sequence[str]) -> dict[str, str]:
        """What people are called, by `sub`."""
        return {sub: self._name(sub) for sub in set(subs)}

    def _name(self, sub: str) -> str:
        try:
            person = self._sources.people.person(sub)
        except NotFoundError:
            return "Somebody who has left"
        return person.name or person.username


def _first(most: int, page: Callable[[str | None], Page[T]]) -> list[T]:
    """Up to `most` entries of a list, page by page."""
    found: list[T] = []
    cursor: str | None = None
    while len(found) < most:
        read = page(cursor)
        found += read.items
        if read.cursor is None:
            break
        cursor = read.cursor
    return found[:most]
