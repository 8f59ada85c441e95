"""Closed days of the audit trail in a bucket with Object Lock, and the key that signs them."""

import base64
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from triagelens.domain.audit_chain import ALGORITHM, Seal

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

LINK_LIFETIME_S = 300


class S3AuditExports:
    """`services.audit_ports.AuditExports`: `days/2026-11-23.jsonl`, and its seal beside it."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def write(self, day: date, lines: Iterable[bytes], seal: Seal) -> None:
        """Writing a day again makes further versions; those before stay as long as they are locked."""
        self._client.put_object(
            Bucket=self._bucket, Key=_lines(day), Body=b"".join(lines), ContentType="application/jsonl"
        )
        self._client.put_object(
            Bucket=self._bucket,
            Key=f"days/{day.isoformat()}.seal.json",
            Body=seal.model_dump_json().encode(),
            ContentType="application/json",
        )

    def url(self, day: date) -> str:
        return self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": _lines(day)}, ExpiresIn=LINK_LIFETIME_S
        )


class KmsSigner:
    """`services.audit_ports.Signer`. The private key never leaves KMS."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def sign(self, statement: bytes) -> str:
        answer = self._client.sign(
            KeyId=self._key_id, Message=statement, MessageType="RAW", SigningAlgorithm=ALGORITHM
        )
        return base64.b64encode(answer["Signature"]).decode()

    def public_key(self) -> str:
        return self._public_key

    @cached_property
    def _public_key(self) -> str:
        return base64.b64encode(self._client.get_public_key(KeyId=self._key_id)["PublicKey"]).decode()


def _lines(day: date) -> str:
    return f"days/{day.isoformat()}.jsonl"
