"""What AllCare encrypted: its images and the lines of its records, under one key.

A key of 32 bytes opens Fernet tokens (github.com/fernet/spec), which it wrote with the `cryptography`
package; keys of 16, 24 or 32 bytes open AES-GCM, as a nonce of 12 bytes, the text and its tag.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from triagelens_client.migrate.reading import Record
from triagelens_client.migrate.records import StoreError, UnfitError

NONCE_BYTES = 12
TAG_BYTES = 16
_FERNET = b"gAAAA"  # version 0x80 and the first bytes of a time before 2106, in base 64
_TEXTS = ("data", "ciphertext", "payload", "encrypted", "enc", "token")
_NO_KEY = "it is encrypted, and no key was given"
_WRONG_KEY = "it is encrypted, and the key does not open it"


@dataclass(frozen=True)
class Seal:
    """Opens what is encrypted. Without a key it opens nothing."""

    key: bytes | None = field(repr=False)

    @classmethod
    def of(cls, text: str | None) -> "Seal":
        """From the key as AllCare's configuration has it: base 64, safe for addresses.

        Raises:
            StoreError: it is no key.
        """
        if not text or not text.strip():
            return cls(None)
        try:
            plain = text.strip().rstrip("=")
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise StoreError("The encryption key is not base 64, as in AllCare's configuration.") from error
        if len(key) not in (16, 24, 32):
            raise StoreError("The encryption key has to have 16, 24 or 32 bytes.")
        return cls(key)

    def opened(self, data: bytes) -> bytes:
        """Raises UnfitError where there is no key, or another one."""
        if self.key is None:
            raise UnfitError(_NO_KEY)
        if data.startswith(_FERNET) and len(self.key) == 32:
            try:
                return Fernet(base64.urlsafe_b64encode(self.key)).decrypt(data.strip())
            except InvalidToken as error:
                raise UnfitError(_WRONG_KEY) from error
        if len(data) < NONCE_BYTES + TAG_BYTES:
            raise UnfitError(_WRONG_KEY)
        try:
            return AESGCM(self.key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None)
        except InvalidTag as error:
            raise UnfitError(_WRONG_KEY) from error

    def opened_line(self, wrapper: Record) -> bytes:
        """The text in a line's wrapper: `{"data": ...}`, or with nonce and tag apart.

        Raises:
            UnfitError: it cannot be opened.
        """
        text = _field(wrapper, *_TEXTS)
        if text.startswith(_FERNET):
            return self.opened(text)
        nonce, tag = _field(wrapper, "nonce", "iv"), _field(wrapper, "tag")
        return self.opened(b"".join(_decoded(part) for part in (nonce, text, tag)))


def is_token(data: bytes) -> bool:
    """Whether these bytes are a Fernet token, by their beginning."""
    return data.startswith(_FERNET)


def is_wrapper(record: Record) -> bool:
    """Whether a line is not a record but holds one, encrypted."""
    return "case_id" not in record and any(isinstance(record.get(name), str) for name in _TEXTS)


def _field(wrapper: dict[str, Any], *names: str) -> bytes:
    value = next((wrapper[name] for name in names if isinstance(wrapper.get(name), str)), "")
    return value.encode()


def _decoded(text: bytes) -> bytes:
    plain = text.strip().rstrip(b"=").replace(b"+", b"-").replace(b"/", b"_")
    try:
        return base64.urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except (binascii.Error, ValueError) as error:
        raise UnfitError(_WRONG_KEY) from error
