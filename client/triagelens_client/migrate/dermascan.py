"""DermaScan's server: a folder for each dataset in `data/`, and trained models in `models/`."""

import hashlib
import re
from collections import Counter
from pathlib import Path

from triagelens_client.dataset_files import Folder
from triagelens_client.errors import UnreadableFileError
from triagelens_client.migrate.places import OldFolder
from triagelens_client.migrate.reading import sayable
from triagelens_client.migrate.records import Kind, OldDataset, Store, StoreError, UnfitError

SYSTEM = "dermascan"
SPECIALTY = "skin"
IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz"})
MODELS = frozenset({".h5", ".keras", ".pb", ".pt", ".pth", ".onnx"})
MOST_FILE_BYTES = 50_000_000
LONGEST_NAME = 200

NOT_ONNX = "a model of Keras cannot be taken over: train one on the dataset, or export it as ONNX"
ONNX = "models come with a manifest: triagelens models import"


def read_dermascan(directory: Path, *, specialty: str = SPECIALTY, new_specialty: bool = False) -> Store:
    """Every dataset; what else there is, is only told of.

    Args:
        directory: `server`, the folder that it lies in, or `server/data`.
        new_specialty: the platform does not know it yet: labels are kept as they are.

    Raises:
        StoreError: there is no such folder.
    """
    server, store = _places(OldFolder.of(directory)), Store(SYSTEM)
    data = server.inner("data") or server
    for folder in data.folders():
        try:
            store.datasets.append(_dataset(folder, specialty, new_specialty))
        except UnfitError as error:
            store.leave_out(Kind.DATASET, folder.name, str(error))
    for path in data.files() if data is not server else ():
        store.leave_out(Kind.DATASET, path.name, "it lies beside the datasets, in none of their folders")
    for path in server.files("models"):
        if path.suffix.lower() in MODELS:
            reason = ONNX if path.suffix.lower() == ".onnx" else NOT_ONNX
            store.leave_out(Kind.MODEL, f"models/{path.name}", reason)
    if not store.datasets and not store.unfit:
        raise StoreError(f"{directory} holds no datasets of DermaScan.")
    return store


def _places(given: OldFolder) -> OldFolder:
    below = given.inner("server")
    return below if below is not None and below.inner("data") is not None else given


def _dataset(folder: Path, specialty: str, new_specialty: bool) -> OldDataset:
    """Raises UnfitError where there is no image in it."""
    try:
        files = Folder(folder).files
    except UnreadableFileError as error:
        raise UnfitError("no images found") from error
    if any(sayable(name) != name for name in [folder.name, *(name for name, _, _ in files)]):
        raise UnfitError("a name in it holds what is no character")
    kinds = Counter(file.suffix.lower() for _, file, _ in files)
    images = sum(count for suffix, count in kinds.items() if suffix in IMAGES)
    archives = sum(count for suffix, count in kinds.items() if suffix in ARCHIVES)
    if images == 0 and archives > 0:
        raise UnfitError("it holds archives only: triagelens datasets create ARCHIVE --upload")
    if images == 0:
        raise UnfitError("no images found")
    _check_arranged(files)
    large = [name for name, _, size in files if size > MOST_FILE_BYTES]
    if large:
        raise UnfitError(f"{len(large)} of its files have more than {MOST_FILE_BYTES:,} bytes")
    remarks = []
    if archives:
        remarks.append(f"{archives} archives in it are not opened; its other files are taken")
    name = re.sub(r"[\x00-\x1f\x7f]", " ", folder.name).strip()[:LONGEST_NAME]
    return OldDataset(folder.name, name, specialty, new_specialty, folder, _listing(files), tuple(remarks))


def _listing(files: list[tuple[str, Path, int]]) -> str:
    told = "".join(f"{name}\0{size}\n" for name, _, size in files)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _check_arranged(files: list[tuple[str, Path, int]]) -> None:
    """Raises UnfitError where neither a table nor a folder for each class says what an image shows."""
    has_table = any(name.lower().endswith("metadata.csv") for name, _, _ in files)
    classes = {
        Path(name).parent.name for name, file, _ in files if file.suffix.lower() in IMAGES and "/" in name
    }
    if not has_table and len(classes) < 2:
        raise UnfitError("neither metadata.csv nor a folder for each class says what its images show")
