"""Panels of readers over HTTP."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from clinic_api.schemas.cases import CaseResponse, PanelResponse, ReadersWanted, Reason
from triagelens.domain.agreement import Agreement, fleiss
from triagelens.domain.cases import Case
from triagelens.domain.panels import Panel
from triagelens.domain.people import Person
from triagelens.services.panel_ports import GoldCase
from triagelens.services.panels import ReaderAccuracy, SpecialtyAgreement
from triagelens.services.ports import Page

LabelName = Annotated[
    str, Field(min_length=1, max_length=64, description="A label of the specialty", examples=["nv"])
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReadersRequest(_Request):
    """How many blind readers the case asks for."""

    readers_wanted: ReadersWanted


class AdjudicationRequest(_Request):
    """What the case is, and why."""

    correct_label: LabelName
    reason: Reason


class GoldRequest(_Request):
    """The label that is known to be right."""

    correct_label: LabelName


class GoldResponse(BaseModel):
    """A case that measures readers."""

    case_id: str
    correct_label: str
    set_by: str = Field(description="Opaque id of who made it one")
    set_at: datetime

    @classmethod
    def of(cls, gold: GoldCase) -> Self:
        return cls(case_id=gold.case_id, correct_label=gold.label, set_by=gold.set_by, set_at=gold.set_at)


class AgreementFigures(BaseModel):
    """Agreement beyond chance: kappa is 1 for perfect, 0 for chance; null where chance always agrees."""

    cases: int
    observed: float = Field(description="Share of pairs of readings that agree", examples=[0.7])
    expected: float = Field(description="The same by chance", examples=[0.5])
    kappa: float | None = Field(default=None, examples=[0.4])

    @classmethod
    def figures(cls, found: Agreement) -> dict[str, float | None]:
        return {
            "cases": found.cases,
            "observed": found.observed,
            "expected": found.expected,
            "kappa": found.kappa,
        }


class PairFigures(AgreementFigures):
    """Cohen's kappa of the same two readers."""

    readers: tuple[str, str]


class PanelFigures(AgreementFigures):
    """Fleiss' kappa of all panels of as many readers."""

    readers: int = Field(examples=[3])


class AgreementResponse(BaseModel):
    """How well the blind readers of a specialty agree, counted when each panel was complete."""

    specialty: str = Field(examples=["skin"])
    cohen: list[PairFigures]
    fleiss: list[PanelFigures]

    @classmethod
    def of(cls, specialty: str, found: SpecialtyAgreement) -> Self:
        return cls(
            specialty=specialty,
            cohen=[
                PairFigures.model_validate(
                    {**AgreementFigures.figures(pair.agreement), "readers": pair.readers}
                )
                for pair in found.pairs
            ],
            fleiss=[
                PanelFigures.model_validate(
                    {**AgreementFigures.figures(panel.agreement), "readers": panel.readers}
                )
                for panel in found.panels
            ],
        )


class CaseAgreementResponse(PanelResponse):
    """How far the readers of one case agree; nothing of it as long as blind readers are awaited."""

    observed: float | None = Field(default=None, description="Share of pairs of readers that agree")
    labels: dict[str, int] | None = Field(default=None, description="How many readers gave which label")

    @classmethod
    def of(cls, panel: Panel) -> Self:
        shown = PanelResponse.of(panel).model_dump()
        if not panel.is_complete:
            return cls(**shown)
        given = list(panel.labels.values())
        found = fleiss([(given, 1)]) if len(given) > 1 else None
        return cls(**shown, labels=dict(Counter(given)), observed=found and found.observed)


class DisputedCase(CaseResponse):
    """A case whose readers disagree."""

    reading: PanelResponse


class DisputedList(BaseModel):
    """One page of cases whose readers disagree, oldest first. Ask again with `cursor` until it is null."""

    items: list[DisputedCase]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[tuple[Case, Panel]], person: Person) -> Self:
        items = [
            DisputedCase(**CaseResponse.of(case, person).model_dump(), reading=PanelResponse.of(panel))
            for case, panel in page.items
        ]
        return cls(items=items, cursor=page.cursor)


class LabelAccuracy(BaseModel):
    """Gold cases of one label."""

    correct_label: str
    read: int
    right: int


class ReaderFigures(BaseModel):
    """One reader on gold cases."""

    reader: str = Field(description="Opaque id of the reader")
    read: int = Field(description="Gold cases that they labelled")
    right: int
    accuracy: float = Field(examples=[0.9])
    by_label: list[LabelAccuracy]


class ReaderAccuracyResponse(BaseModel):
    """How often each reader was right where the answer is known."""

    specialty: str = Field(examples=["skin"])
    readers: list[ReaderFigures]

    @classmethod
    def of(cls, specialty: str, found: list[ReaderAccuracy]) -> Self:
        readers = [
            ReaderFigures(
                reader=entry.reader,
                read=entry.read,
                right=entry.right,
                accuracy=entry.right / entry.read,
                by_label=[
                    LabelAccuracy(correct_label=label, right=right, read=read)
                    for label, (right, read) in sorted(entry.by_label.items())
                ],
            )
            for entry in found
        ]
        return cls(specialty=specialty, readers=readers)
