"""The key that signs models."""

import base64
import binascii
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

ALGORITHM: Final = "ECDSA_SHA_256"


class KmsSigner:
    """Signs messages of up to 4 KB with an ECC key that never leaves KMS."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def sign(self, message: bytes) -> str:
        answer = self._client.sign(
            KeyId=self._key_id, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM
        )
        return base64.b64encode(answer["Signature"]).decode("ascii")


class KmsSignatures:
    """`inference.ports.Signatures`, verified by KMS itself (ADR 0101)."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def verify(self, message: bytes, signature: str) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
        except binascii.Error:
            return False
        try:
            answer = self._client.verify(
                KeyId=self._key_id,
                Message=message,
                MessageType="RAW",
                Signature=raw,
                SigningAlgorithm=ALGORITHM,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "KMSInvalidSignatureException":
                return False
            raise
        return answer["SignatureValid"]
