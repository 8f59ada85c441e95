"""Old systems' stores, made for a test."""

import base64
import csv
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


STROKES: Mapping[str, Any] = {
    "strokes": [{"points": [[10, 10], [30, 40]], "width": 3}],
    "boxes": [[5, 5, 25, 45]],
}
DRAWN: Mapping[str, Any] = {
    "case_id": 10000,
    "image_index": 0,
    "correct_label": "mel",
    "annotations": STROKES,
}
LABELLED: Mapping[str, Any] = {
    "case_id": 10000,
    "correct_label": "mel",
    "label_notes": "Clear.",
    "labeled_by": "dr",
}
# One case with all that can be said of it: labelled, drawn on, confirmed.
WHOLE_CASE: Sequence[object] = (
    case(10000, "a.jpg"),
    DRAWN,
    LABELLED,
    {"case_id": 10000, "case_status": "confirmed"},
)


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


def write_json(root: Path, **collections: object) -> Path:
    """SMITA's collections: a list is written as an array, a text as it is."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in collections.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (root / f"{name}.json").write_text(text)
    return root


def write_csv(root: Path, **tables: Sequence[Mapping[str, object]]) -> Path:
    """Tables of the brain tumour system; the first row names the columns."""
    root.mkdir(parents=True, exist_ok=True)
    for name, records in tables.items():
        with (root / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(records[0]))
            writer.writeheader()
            writer.writerows(records)
    return root


PATIENT: Mapping[str, object] = {
    "id": 7,
    "patient_id": "P-2025-0007",
    "name": "Zoë Quux",
    "email": "zoe@example.org",
    "age": 41,
    "gender": "Female",
    "phone": "+49 30 901820",
    "address": "1 Main Street, Springfield",
    "username": "zoe.quux",
    "password_hash": HASH,
    "created_at": "2025-02-01 08:00:00",
}
SCAN: Mapping[str, object] = {
    "id": 1,
    "patient_id": 7,
    "scan_id": "scan-0001",
    "original_filename": "mri.png",
    "original_path": "https://res.cloudinary.com/x/image/upload/v1/brain_tumor_scans/original/abc123.png",
    "prediction": "Tumor",
    "confidence": 97.5,
    "probability": 0.975,
    "created_at": "2025-02-02 09:30:00",
}
REPORT: Mapping[str, Any] = {
    "id": 3,
    "report_id": "REP-2025-0003",
    "patient_id": 7,
    "report_path": "https://storage.example.org/brain_tumor_reports/REP%2003.pdf?v=1",
    "scan_count": 7,
    "tumor_count": 3,
    "no_tumor_count": 4,
    "status": "completed",
    "created_at": "2025-03-07T14:02:00",
}
PDF = b"%PDF-1.4 by the former system"
FORM: Mapping[str, object] = {
    "_id": {"$oid": "65a0c0ffee65a0c0ffee65a0"},
    "smita_id": "SMITA-001",
    "name": "Zoë Quux",
    "age": "54",
    "gender": "F",
    "tobacco": "yes",
    "symptoms": ["burning", "swelling"],
    "Dentures?": "no",
    "consent": True,
    "image_url": "https://res.cloudinary.com/x/image/upload/v1/oral/xyz789.jpg",
    "prediction": "Lesion",
    "confidence": 0.91,
    "created_at": {"$date": "2025-05-06T07:08:09Z"},
}
COMMENTS = ("See a surgeon.", "Seen.")


def smita(root: Path, image: bytes, smita_id: str = "SMITA-001", username: str = "ann") -> Path:
    """A user, and a form with its image and two comments."""
    comments = [
        {"smita_id": smita_id, "comment": text, "author": "dr", "created_at": "2025-05-07T10:00:00"}
        for text in COMMENTS
    ]
    users = [{"username": username, "password": HASH}]
    write_json(root, users=users, forms=[{**FORM, "smita_id": smita_id}], comments=comments)
    (root / "images").mkdir()
    (root / "images" / "xyz789.jpg").write_bytes(image)
    return root
