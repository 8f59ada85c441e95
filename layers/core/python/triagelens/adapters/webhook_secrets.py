"""Webhooks' secrets under a key of their own."""

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsSecretVault:
    """`services.webhook_ports.SecretVault`. What is sealed for one webhook opens for no other."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def seal(self, webhook_id: str, secret: str) -> str:
        answer = self._client.encrypt(
            KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext={"webhook": webhook_id}
        )
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, webhook_id: str, sealed: str) -> str:
        answer = self._client.decrypt(
            KeyId=self._key_id,
            CiphertextBlob=base64.b64decode(sealed),
            EncryptionContext={"webhook": webhook_id},
        )
        return answer["Plaintext"].decode()
