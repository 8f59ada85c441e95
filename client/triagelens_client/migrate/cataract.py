"""The cataract app's collection: `images/`, and for each a JSON file of the same name in `metadata/`."""

from functools import partial
from pathlib import Path
from typing import Any

from triagelens_client.migrate.places import OldFolder, read_bytes
from triagelens_client.migrate.reading import Record, as_record, moment, number, parsed, probability, text
from triagelens_client.migrate.records import Kind, OldImage, Store, StoreError, UnfitError

SYSTEM = "cataract"
SPECIALTY = "eye"
MOST_METADATA_BYTES = 1_000_000
MOST_CLASSES = 9_999
_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")
_NAMES = ("imageFile", "image_file", "imagePath", "image_path", "filename", "image")


def read_cataract(directory: Path) -> Store:
    """Every submission, with what the model on the device said.

    Args:
        directory: `training_data`, or the folder that it lies in.

    Raises:
        StoreError: there is no such collection.
    """
    folder, store = OldFolder.of(directory), Store(SYSTEM)
    folder = folder.inner("training_data") or folder
    if folder.inner("metadata") is None and folder.inner("images") is None:
        raise StoreError(f"{directory} holds neither metadata nor images of the cataract app.")
    used: set[Path] = set()
    for path in folder.files("metadata"):
        if path.suffix.lower() != ".json":
            continue
        try:
            store.images.append(_submission(folder, path, used))
        except UnfitError as error:
            store.leave_out(Kind.IMAGE, f"metadata/{path.name}", str(error))
    for path in folder.files("images"):
        if path not in used:
            store.leave_out(Kind.IMAGE, f"images/{path.name}", "no metadata tells of it")
    return store


def _submission(folder: OldFolder, path: Path, used: set[Path]) -> OldImage:
    record = as_record(parsed(read_bytes(path, MOST_METADATA_BYTES)))
    inner = record.get("metadata")
    if isinstance(inner, str):
        inner = parsed(inner)
    known = {**record, **inner} if isinstance(inner, dict) else record
    image = _image_of(folder, path.stem, known)
    if image in used:
        raise UnfitError("other metadata tells of its image")
    used.add(image)
    about: dict[str, Any] = {}
    remarks: list[str] = []
    prediction = _prediction(known)
    if prediction is None:
        remarks.append("the prediction of the device could not be read")
    else:
        about["on_device_prediction"] = prediction
    when = moment(known, "timestamp", "receivedAt", "received_at")
    if when is not None:
        about["captured_at"] = when.isoformat()
    device = known.get("deviceInfo")
    platform = text(device, "platform", most=50) if isinstance(device, dict) else None
    if isinstance(device, dict) and platform is not None:
        version = text(device, "version", most=50)
        about["device"] = {"platform": platform} | ({"version": version} if version else {})
    ref = image.relative_to(folder.path).as_posix()
    return OldImage(ref, SPECIALTY, partial(read_bytes, image), about, remarks=tuple(remarks))


def _image_of(folder: OldFolder, submission: str, record: Record) -> Path:
    """The image that the metadata names, or that has its name."""
    named = text(record, *_NAMES, most=1_000)
    if named is not None:
        return folder.find(named, "images")
    for ending in (*_ENDINGS, *(ending.upper() for ending in _ENDINGS)):
        try:
            return folder.find(f"images/{submission}{ending}")
        except UnfitError:
            continue
    raise UnfitError("its image is not there")


def _prediction(record: Record) -> dict[str, Any] | None:
    """The class that was shown, and how probable it was.

    `prediction`, the model's own number, is the probability of a cataract; `confidence` is that of the class
    shown, in per cent.
    """
    label = text(record, "className", "class_name", most=100)
    raw, place = number(record, "prediction"), number(record, "predictedClass")
    confidence = number(record, "confidence")
    share = None if confidence is None or not 0 <= confidence <= 100 else confidence / 100
    if share is None:
        cataract = probability(record, "prediction")
        share = None if cataract is None else cataract if place != 0 else 1 - cataract
    if label is None or share is None:
        return None
    said: dict[str, Any] = {"label": label, "probability": share, "model": "on device"}
    if raw is not None:
        said["raw_output"] = raw
    if place is not None and 0 <= place <= MOST_CLASSES and place == int(place):
        said["class_index"] = int(place)
    spent = number(record, "inferenceTime", "inference_time")
    return said if spent is None or spent < 0 else {**said, "inference_time_s": spent}
