"""Cases over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clinic_api.schemas.images import IMAGE_ID_EXAMPLE, ImageResponse, PatientId
from triagelens.domain.cases import MOST_IMAGES, Case, CaseStatus, HistoryEntry
from triagelens.domain.images import ImageRecord
from triagelens.domain.panels import MOST_READERS, Panel, PanelState
from triagelens.domain.people import Action, Person
from triagelens.services.cases import NewCase
from triagelens.services.ports import Page

CASE_ID_EXAMPLE = "01k9qr5w3nd8h2j7s0v4f6b1ac"

CaseNumber = Annotated[int, Field(ge=1, le=9_999_999_999, examples=[10_000])]
ImageIds = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=64)]],
    Field(min_length=1, max_length=MOST_IMAGES, examples=[[IMAGE_ID_EXAMPLE]]),
]
Notes = Annotated[str, Field(max_length=10_000, examples=["Itches since summer."])]
Reason = Annotated[str, Field(min_length=1, max_length=2_000, examples=["The border is out of focus."])]
ReadersWanted = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_READERS,
        description="How many readers label the case without knowing of each other",
        examples=[2],
    ),
]
Diagnosis = Annotated[str, Field(min_length=1, max_length=500, examples=["Melanocytic naevus"])]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CaseNumberResponse(BaseModel):
    """A number that is the caller's until a case has it or they release it."""

    number: int = Field(examples=[10_000])


class CaseRequest(_Request):
    """A new case. Without `number` it gets the next one."""

    specialty: str = Field(min_length=1, max_length=64, examples=["skin"])
    image_ids: ImageIds
    number: CaseNumber | None = Field(default=None, description="From `POST /v1/cases/ids`")
    patient_id: PatientId | None = None
    notes: Notes | None = None
    readers_wanted: ReadersWanted = 1

    def new_case(self) -> NewCase:
        return NewCase(
            specialty=self.specialty,
            image_ids=tuple(self.image_ids),
            number=self.number,
            patient_id=self.patient_id,
            notes=self.notes,
            readers_wanted=self.readers_wanted,
        )


class CaseAmendmentRequest(_Request):
    """What is to be different. Null clears; what is not there stays as it is."""

    image_ids: ImageIds = Field(default=[], description="All images that the case has from now on")
    patient_id: PatientId | None = None
    notes: Notes | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one field")
        return self

    def changes(self) -> dict[str, Any]:
        return self.model_dump(include=self.model_fields_set)


class ConfirmCaseRequest(_Request):
    """The diagnosis that stands."""

    final_diagnosis: Diagnosis
    reason: Reason | None = None


class CaseReasonRequest(_Request):
    """Why the case gets this status."""

    reason: Reason


class DecisionResponse(BaseModel):
    """Who gave the case its status, when, and why; of these, patients are told when."""

    at: datetime
    by: str | None = None
    reason: str | None = None


class CaseResponse(BaseModel):
    """A case. `notes`, `patient_id` and reasons are for clinicians and empty for everybody else."""

    case_id: str = Field(examples=[CASE_ID_EXAMPLE])
    number: int = Field(description="For people to say aloud", examples=[10_000])
    specialty: str = Field(examples=["skin"])
    status: CaseStatus
    owner: str = Field(description="Opaque id of who made the case")
    image_ids: list[str] = Field(examples=[[IMAGE_ID_EXAMPLE]])
    patient_id: str | None = None
    notes: str | None = None
    final_diagnosis: str | None = None
    decision: DecisionResponse | None = None
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="What the `ETag` says, in quotes", examples=[1])

    @classmethod
    def of(cls, case: Case, person: Person) -> Self:
        works_on_it = person.may(Action.WORK_ON_CASES)
        shown = case.model_dump(include=set(cls.model_fields) - {"decision"})
        decision = case.decision and DecisionResponse(at=case.decision.at)
        if works_on_it and case.decision is not None:
            decision = DecisionResponse.model_validate(case.decision.model_dump())
        if not works_on_it:
            shown |= {"patient_id": None, "notes": None}
        return cls.model_validate({**shown, "decision": decision})


class PanelResponse(BaseModel):
    """How far the reading of a case has come."""

    readers_wanted: ReadersWanted
    readers_in: int = Field(description="How many have labelled the case", examples=[1])
    state: PanelState
    training_label: str | None = Field(
        default=None,
        description="What the case teaches, once its readers agree or are settled",
        examples=["nv"],
    )
    adjudicated_by: str | None = Field(default=None, description="Opaque id of who settled it")

    @classmethod
    def of(cls, panel: Panel) -> Self:
        return cls(
            readers_wanted=panel.readers_wanted,
            readers_in=len(panel.labels),
            state=panel.state,
            training_label=panel.training_label,
            adjudicated_by=panel.adjudication and panel.adjudication.by,
        )


class CaseDetailResponse(CaseResponse):
    """A case with its images as they stand now, each with its finding, and for clinicians its reading."""

    images: list[ImageResponse]
    reading: PanelResponse | None = None

    @classmethod
    def with_images(cls, case: Case, person: Person, images: list[ImageRecord], panel: Panel) -> Self:
        shown = CaseResponse.of(case, person).model_dump()
        reading = PanelResponse.of(panel) if person.may(Action.WORK_ON_CASES) else None
        return cls(**shown, images=[ImageResponse.of(image) for image in images], reading=reading)


class CaseList(BaseModel):
    """One page, newest first. Ask again with `cursor` until it is null."""

    items: list[CaseResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Case], person: Person) -> Self:
        return cls(items=[CaseResponse.of(case, person) for case in page.items], cursor=page.cursor)


class CaseHistoryList(BaseModel):
    """One page of changes, newest first: of the case, its comments and its labels."""

    items: list[HistoryEntry]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[HistoryEntry]) -> Self:
        return cls(items=list(page.items), cursor=page.cursor)
