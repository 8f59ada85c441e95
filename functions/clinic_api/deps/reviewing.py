"""Panels, annotations, forms and the review queue: adapters, use cases, and who may do what."""

from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.cases import CaseRecordsPort, PanelRecordsPort
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import ClockPort
from triagelens.domain.people import Action, Person
from triagelens.services.panels import Panels

ReaderAdmin = Annotated[Person, Depends(Allowed(Action.MEASURE_READERS))]


def panels(
    cases: CaseRecordsPort, records: PanelRecordsPort, clock: ClockPort, journal: JournalPart
) -> Panels:
    return Panels(cases, records, clock, journal)


PanelsCase = Annotated[Panels, Depends(panels)]
