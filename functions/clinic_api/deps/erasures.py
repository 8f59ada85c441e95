"""Erasures: their adapters, their use case, and who may ask for them."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.deps.patients import patient_records
from clinic_api.deps.people import JournalPart
from clinic_api.deps.ports import ClockPort
from clinic_api.settings import settings
from triagelens.adapters.aws import sqs_client
from triagelens.adapters.dynamodb.erasures import DynamoErasures
from triagelens.adapters.sqs import SqsErasureQueue
from triagelens.domain.people import Action, Person
from triagelens.services.erasure import Erasures
from triagelens.services.erasure_ports import ErasureQueue, ErasureRecords
from triagelens.services.patient_ports import PatientRecords


@lru_cache
def erasure_records() -> ErasureRecords:
    conf = settings()
    return DynamoErasures(conf.audit_table, conf.casework_table, conf.aws_region)


@lru_cache
def erasure_queue() -> ErasureQueue:
    conf = settings()
    return SqsErasureQueue(sqs_client(conf.aws_region), conf.erasure_queue_url)


def erasures(
    patients: Annotated[PatientRecords, Depends(patient_records)],
    records: Annotated[ErasureRecords, Depends(erasure_records)],
    queue: Annotated[ErasureQueue, Depends(erasure_queue)],
    clock: ClockPort,
    journal: JournalPart,
) -> Erasures:
    return Erasures(patients, records, queue, clock, journal)


ErasuresCase = Annotated[Erasures, Depends(erasures)]
Eraser = Annotated[Person, Depends(Allowed(Action.ERASE_PATIENTS))]
