"""Panels, annotations, forms, the review queue and feedback: adapters, use cases, and who may do what."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.arrivals import FeedbackRecordsPort
from clinic_api.deps.cases import CaseRecordsPort, PanelRecordsPort
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import CaseworkPort, ClockPort
from clinic_api.settings import settings
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dynamodb.annotations import DynamoAnnotations
from triagelens.adapters.dynamodb.review import DynamoReview
from triagelens.adapters.s3 import S3ShapeFiles
from triagelens.domain.people import Action, Person
from triagelens.services.annotation_ports import ShapeFiles
from triagelens.services.annotations import Annotations
from triagelens.services.feedback import Feedbacks
from triagelens.services.forms import Forms
from triagelens.services.panels import Panels
from triagelens.services.review import ReviewQueue
from triagelens.services.review_ports import ReviewRecords

ReaderAdmin = Annotated[Person, Depends(Allowed(Action.MEASURE_READERS))]
FeedbackAdmin = Annotated[Person, Depends(Allowed(Action.SEE_FEEDBACK))]


@lru_cache
def review_records() -> ReviewRecords:
    conf = settings()
    return DynamoReview(conf.casework_table, conf.aws_region)


@lru_cache
def annotation_records() -> DynamoAnnotations:
    conf = settings()
    return DynamoAnnotations(conf.casework_table, conf.aws_region)


@lru_cache
def shape_files() -> ShapeFiles:
    conf = settings()
    return S3ShapeFiles(s3_client(conf.aws_region, path_style=conf.path_style), conf.images_bucket)


ReviewRecordsPort = Annotated[ReviewRecords, Depends(review_records)]
AnnotationRecordsPort = Annotated[DynamoAnnotations, Depends(annotation_records)]


def panels(
    cases: CaseRecordsPort, records: PanelRecordsPort, clock: ClockPort, journal: JournalPart
) -> Panels:
    return Panels(cases, records, clock, journal)


def review_queue(review: ReviewRecordsPort, panels: PanelRecordsPort) -> ReviewQueue:
    return ReviewQueue(review, panels)


def annotations(
    records: AnnotationRecordsPort,
    files: Annotated[ShapeFiles, Depends(shape_files)],
    panels: PanelRecordsPort,
    casework: CaseworkPort,
    clock: ClockPort,
) -> Annotations:
    return Annotations(records, files, panels, casework, clock)


def forms(records: AnnotationRecordsPort, clock: ClockPort) -> Forms:
    return Forms(records, clock)


def feedbacks(records: FeedbackRecordsPort, clock: ClockPort, journal: JournalPart) -> Feedbacks:
    return Feedbacks(records, clock, journal)


AnnotationsCase = Annotated[Annotations, Depends(annotations)]
FormsCase = Annotated[Forms, Depends(forms)]
FeedbacksCase = Annotated[Feedbacks, Depends(feedbacks)]
PanelsCase = Annotated[Panels, Depends(panels)]
ReviewQueueCase = Annotated[ReviewQueue, Depends(review_queue)]
