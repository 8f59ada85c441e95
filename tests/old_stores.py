"""Old systems' stores, made for a test."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bcrypt
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PASSWORD = "Former-pass-1"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
FERNET_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
AES_KEY = base64.urlsafe_b64encode(bytes(range(16))).decode()
USER: Mapping[str, str] = {
    "password_hash": HASH,
    "first_name": "Jane",
    "last_name": "Roe",
    "role": "doctor",
}


def sealed(data: bytes, key: str) -> bytes:
    """Encrypted as AllCare would with that key."""
    plain = base64.urlsafe_b64decode(key)
    if len(plain) == 32:
        return Fernet(key.encode()).encrypt(data)
    nonce = b"\x07" * 12
    return nonce + AESGCM(plain).encrypt(nonce, data, None)


def case(case_id: int, *images: str, **more: Any) -> dict[str, Any]:
    """A line of metadata.jsonl."""
    return {
        "case_id": case_id,
        "user_id": "user001",
        "images": list(images),
        "predictions": [{"label": "mel", "confidence": 0.8}, {"label": "nv", "confidence": 0.15}],
        "blur_score": 120.5,
        "timestamp": "2025-03-04T10:30:00",
        "case_status": "open",
        **more,
    }


def allcare(
    root: Path,
    lines: Sequence[object],
    images: Mapping[str, bytes],
    *,
    owner: str = "user001",
    users: Mapping[str, Any] | None = None,
    key: str | None = None,
) -> Path:
    """A storage folder with one user's cases; a line that is no object is written as it is."""
    storage = root / "storage"
    (storage / owner / "images").mkdir(parents=True, exist_ok=True)
    for name, data in images.items():
        content = data if key is None else sealed(data, key)
        (storage / owner / "images" / name).write_bytes(content)
    written = [line if isinstance(line, str) else _line(line, key) for line in lines]
    (storage / owner / "metadata.jsonl").write_text("".join(f"{line}\n" for line in written))
    if users is not None:
        (root / "users.json").write_text(json.dumps(users))
    return storage


def _line(record: object, key: str | None) -> str:
    text = json.dumps(record)
    if key is None:
        return text
    data = sealed(text.encode(), key)
    if data.startswith(b"gAAAA"):
        return json.dumps({"encrypted": True, "data": data.decode()})
    parts = {"nonce": data[:12], "ciphertext": data[12:-16], "tag": data[-16:]}
    return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})


SUBMISSION: Mapping[str, Any] = {
    "prediction": 0.15,
    "predictedClass": 0,
    "className": "Normal",
    "confidence": 85.0,
    "inferenceTime": 0.123,
    "timestamp": "2025-01-17T10:30:00Z",
    "deviceInfo": {"platform": "android", "version": "13"},
}


def cataract(root: Path, submissions: Mapping[str, object], images: Mapping[str, bytes]) -> Path:
    """`training_data` with metadata by submission and images by file name."""
    folder = root / "training_data"
    for part in ("images", "metadata"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, data in images.items():
        (folder / "images" / name).write_bytes(data)
    for name, record in submissions.items():
        text = record if isinstance(record, str) else json.dumps(record)
        (folder / "metadata" / f"{name}.json").write_text(text)
    return folder
