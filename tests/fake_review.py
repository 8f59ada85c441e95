"""Panels, the review queue and annotations over cases and images in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.fake_cases import FakeCases
from tests.fakes import FakeCasework
from triagelens.domain.annotations import Annotation
from triagelens.domain.cases import LABELLED, Case, HistoryEntry
from triagelens.domain.images import ImageStatus
from triagelens.domain.panels import Panel
from triagelens.domain.prediction import Prediction
from triagelens.domain.review import ReviewItem, Strategy, review_item
from triagelens.services.panel_ports import TrainingCase
from triagelens.services.ports import Page


@dataclass
class FakePanels:
    """As much of `services.panel_ports.PanelRecords` as reading and training ask for."""

    stored: FakeCases

    def panel(self, case: Case) -> Panel:
        return self.stored.panel(case)

    def panels(self, case_ids: Sequence[str]) -> dict[str, Panel]:
        known = self.stored.panels
        return {case_id: known[case_id] for case_id in case_ids if case_id in known}

    def training_cases(self, specialty: str) -> Iterator[TrainingCase]:
        for case_id in sorted(self.stored.panels, reverse=True):
            case, panel = self.stored.case(case_id), self.stored.panels[case_id]
            label, decided_at = panel.training_label, panel.decided_at
            if case.specialty != specialty or case.status not in LABELLED:
                continue
            if label is not None and decided_at is not None:
                yield TrainingCase(
                    case_id, specialty, case.image_ids, case.patient_id, label, decided_at=decided_at
                )


@dataclass
class FakeReview:
    """`services.review_ports.ReviewRecords` that ranks whenever it is asked."""

    stored: FakeCases
    casework: FakeCasework

    def findings(self, image_ids: Sequence[str]) -> list[tuple[str, Prediction]]:
        images = [self.casework.image(image_id) for image_id in image_ids]
        return [
            (image.image_id, image.prediction)
            for image in images
            if image.status is ImageStatus.ANALYZED and image.prediction is not None
        ]

    def first(self, specialty: str, strategy: Strategy, limit: int, cursor: str | None) -> Page[ReviewItem]:
        items = [
            item
            for case in self.stored.records.values()
            if case.specialty == specialty
            and (item := review_item(case, self.stored.panel(case), self.findings(case.image_ids)))
        ]
        return Page(sorted(items, key=lambda item: item.margin)[:limit], None)

    def cases(self, case_ids: Sequence[str]) -> dict[str, Case]:
        return {case_id: self.stored.case(case_id) for case_id in case_ids}


@dataclass
class FakeAnnotations:
    """Keeps what is drawn."""

    written: list[Annotation] = field(default_factory=list)

    def write(self, annotation: Annotation, entry: HistoryEntry) -> None:
        self.written.append(annotation)
