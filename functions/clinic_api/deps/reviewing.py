"""Panels of readers and the review queue: adapters, use cases, and who may do what."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.cases import CaseRecordsPort, PanelRecordsPort
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import ClockPort
from clinic_api.settings import settings
from triagelens.adapters.dynamodb.review import DynamoReview
from triagelens.domain.people import Action, Person
from triagelens.services.panels import Panels
from triagelens.services.review import ReviewQueue
from triagelens.services.review_ports import ReviewRecords

ReaderAdmin = Annotated[Person, Depends(Allowed(Action.MEASURE_READERS))]


@lru_cache
def review_records() -> ReviewRecords:
    conf = settings()
    return DynamoReview(conf.casework_table, conf.aws_region)


def panels(
    cases: CaseRecordsPort, records: PanelRecordsPort, clock: ClockPort, journal: JournalPart
) -> Panels:
    return Panels(cases, records, clock, journal)


def review_queue(
    review: Annotated[ReviewRecords, Depends(review_records)], panels: PanelRecordsPort
) -> ReviewQueue:
    return ReviewQueue(review, panels)


PanelsCase = Annotated[Panels, Depends(panels)]
ReviewQueueCase = Annotated[ReviewQueue, Depends(review_queue)]
