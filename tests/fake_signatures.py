"""A signature that only the tests can make, and that no other message fits."""

import base64
import hashlib

from triagelens.domain.models import ModelFiles, signed_message


class FakeSignatures:
    """Signs and verifies like the key in KMS; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def sign(self, message: bytes) -> str:
        return base64.b64encode(hashlib.sha256(b"the key" + message).digest()).decode()

    def verify(self, message: bytes, signature: str) -> bool:
        self.asked += 1
        return signature == self.sign(message)


def signed(specialty: str, files: ModelFiles) -> str:
    """The signature that registration would have made."""
    return FakeSignatures().sign(signed_message(specialty, files))
