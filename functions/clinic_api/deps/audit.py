"""The audit trail for who reads it: its adapters, and who may."""

from functools import lru_cache
from typing import Annotated

from fastapi import Depends

from clinic_api.deps.access import Allowed
from clinic_api.settings import settings
from triagelens.adapters.audit_exports import S3AuditExports
from triagelens.adapters.aws import s3_client
from triagelens.adapters.dynamodb.audit import DynamoAuditReader
from triagelens.domain.people import Action, Person
from triagelens.services.audit_ports import AuditExports, AuditReader


@lru_cache
def audit_reader() -> AuditReader:
    conf = settings()
    return DynamoAuditReader(conf.audit_table, conf.aws_region)


@lru_cache
def audit_exports() -> AuditExports:
    conf = settings()
    s3 = s3_client(conf.aws_region, path_style=conf.path_style, endpoint_url=conf.presign_endpoint_url)
    return S3AuditExports(s3, conf.audit_bucket)


AuditReaderPort = Annotated[AuditReader, Depends(audit_reader)]
AuditExportsPort = Annotated[AuditExports, Depends(audit_exports)]
Auditor = Annotated[Person, Depends(Allowed(Action.READ_AUDIT))]
