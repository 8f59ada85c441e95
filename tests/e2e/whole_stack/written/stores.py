"""What the pages presuppose on a reader's disk: former systems' stores, and labelled images, of phantoms."""

from collections.abc import Mapping
from pathlib import Path

from tests import old_stores
from tests.e2e.whole_stack.learning import archive
from tests.old_stores import PATIENT, PDF, REPORT, SCAN, SUBMISSION, USER, WHOLE_CASE, case, write_csv
from training_job.phantoms import photograph
from triagelens.domain.specialties import specialty

PHOTO, SMALL = (640, 480), (120, 90)
OF_EACH_CLASS = 5


def allcare(root: Path, owner: str, seed: int, key: str | None = None) -> None:
    """`backserver/`: a user and two cases, one of them confirmed; beside it the key."""
    images = {name: photograph("skin", "mel", seed + n, PHOTO) for n, name in enumerate(("a.jpg", "b.jpg"))}
    backserver = root / "backserver"
    lines = [*WHOLE_CASE, case(10001, "b.jpg")]
    old_stores.allcare(backserver, lines, images, owner=owner, users={owner: USER}, key=key)
    if key is not None:
        (root / "allcare-key.txt").write_text(key, encoding="ascii")


def cataract(root: Path) -> None:
    """`training_data/`: two submissions of the app."""
    images = {f"{label}.jpg": photograph("eye", label, 1, PHOTO) for label in ("normal", "cataract")}
    old_stores.cataract(root, {name.split(".")[0]: SUBMISSION for name in images}, images)


def braintumor(root: Path) -> None:
    """`export/`: a patient with an account, a scan and a report."""
    export = write_csv(root / "export", patients=[PATIENT], scans=[SCAN], reports=[REPORT])
    scan = photograph("brain", "glioma", 1, PHOTO)
    for name, data in (("scans/scan-0001.jpg", scan), ("reports/REP 03.pdf", PDF)):
        (export / name).parent.mkdir()
        (export / name).write_bytes(data)


def dermascan(root: Path, name: str, labels: Mapping[str, str]) -> None:
    """`server/`: a dataset of folders, by label and what is drawn for it, and a model of Keras."""
    for label, drawn in labels.items():
        folder = root / "server" / "data" / name / label
        folder.mkdir(parents=True)
        for seed in range(OF_EACH_CLASS):
            (folder / f"{seed}.jpg").write_bytes(photograph("skin", drawn, seed, SMALL))
    (root / "server" / "models").mkdir()
    (root / "server" / "models" / "derma.h5").write_bytes(b"\x89HDF\r\n\x1a\n")


def dataverse_files(path: Path, of_each: int, seed: int) -> None:
    """HAM10000 as it is downloaded: the table, and the photos in zips of their own.

    The first two of each label are of one lesion, the others each of their own: no label is left without
    one to train on, whatever the ledger's key is.
    """
    rows, photos = ["lesion_id,image_id,dx,dx_type,age,sex,localization"], dict[str, bytes]()
    for label in specialty("skin").label_names:
        for number in range(of_each):
            name = f"ISIC_{len(photos):07d}"
            photos[f"{name}.jpg"] = photograph("skin", label, seed + number, SMALL)
            rows.append(f"HAM_{label}_{max(number, 1)},{name},{label},histo,45.0,male,back")
    names = sorted(photos)
    parts = {1: names[: len(names) // 2], 2: names[len(names) // 2 :]}
    files = {"HAM10000_metadata": "\n".join(rows).encode()}
    for part, inside in parts.items():
        files[f"HAM10000_images_part_{part}.zip"] = archive({name: photos[name] for name in inside})
    path.write_bytes(archive(files))
