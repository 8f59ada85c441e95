"""Casework: its adapters, its use cases, and who may do what with which case."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends, Header

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import Allowed, CurrentPerson
from clinic_api.deps.ports import CaseworkPort, ClockPort
from clinic_api.deps.use_cases import ImagesCase
from clinic_api.etags import versions_in
from clinic_api.settings import settings
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.domain.cases import Case
from triagelens.domain.people import Action, Person
from triagelens.services.case_ports import CaseNumbers, CaseRecords
from triagelens.services.cases import Cases
from triagelens.services.changes import Asked
from triagelens.services.numbered_cases import NumberedCases
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.readings import Readings


@lru_cache
def case_records() -> CaseRecords:
    conf = settings()
    return DynamoCases(conf.casework_table, conf.aws_region)


@lru_cache
def case_numbers() -> CaseNumbers:
    conf = settings()
    return DynamoCaseNumbers(conf.casework_table, conf.aws_region, conf.case_number_start)


@lru_cache
def panel_records() -> PanelRecords:
    conf = settings()
    return DynamoPanels(conf.casework_table, conf.aws_region)


CaseRecordsPort = Annotated[CaseRecords, Depends(case_records)]
CaseNumbersPort = Annotated[CaseNumbers, Depends(case_numbers)]
PanelRecordsPort = Annotated[PanelRecords, Depends(panel_records)]


def cases(
    records: CaseRecordsPort,
    numbers: CaseNumbersPort,
    casework: CaseworkPort,
    images: ImagesCase,
    clock: ClockPort,
) -> Cases:
    return Cases(records, numbers, casework, images, clock)


def readings(records: CaseRecordsPort, panels: PanelRecordsPort, clock: ClockPort) -> Readings:
    return Readings(records, panels, clock)


CasesCase = Annotated[Cases, Depends(cases)]
ReadingsCase = Annotated[Readings, Depends(readings)]

CaseWorker = Annotated[Person, Depends(Allowed(Action.WORK_ON_CASES))]
CaseReader = Annotated[Person, Depends(Allowed(Action.READ_CASES))]


def numbered_cases(cases: CasesCase, numbers: CaseNumbersPort) -> NumberedCases:
    return NumberedCases(cases, numbers, correlation_id())


NumberedCasesCase = Annotated[NumberedCases, Depends(numbered_cases)]


def visible_case(case_id: str, person: CurrentPerson, cases: CasesCase) -> Case:
    """The case that the path names, if the person may see it: the one place that decides this."""
    return cases.visible_to(person, case_id)


VisibleCase = Annotated[Case, Depends(visible_case)]

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The `ETag` of the version that you read; required, so that nobody's change is lost",
        examples=['"3"'],
    ),
]


def asked(person: CurrentPerson, _case: VisibleCase, if_match: IfMatch = None) -> Asked:
    """Who changes the case, and which version of it; not before it is certain that they may see it."""
    return Asked(person, versions_in(if_match), correlation_id())


Change = Annotated[Asked, Depends(asked)]
