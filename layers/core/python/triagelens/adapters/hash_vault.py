"""Hashes of former passwords under a key of their own."""

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class KmsHashVault:
    """`services.migration.HashVault`. What is sealed for one name cannot be opened for another."""

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def seal(self, username: str, password_hash: str) -> str:
        answer = self._client.encrypt(
            KeyId=self._key_id, Plaintext=password_hash.encode(), EncryptionContext=_context(username)
        )
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def open(self, username: str, sealed: str) -> str:
        answer = self._client.decrypt(
            KeyId=self._key_id,
            CiphertextBlob=base64.b64decode(sealed),
            EncryptionContext=_context(username),
        )
        return answer["Plaintext"].decode()


def _context(username: str) -> dict[str, str]:
    """Bound to the name by its digest: contexts are in the account's own log, where no name belongs."""
    return {"user": hashlib.sha256(username.encode()).hexdigest()}
