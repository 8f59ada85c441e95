"""The commands of the pages on datasets and training are carried out: phantoms, a small network."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.batch_worker import TRAINING_PYTHON
from tests.e2e.whole_stack.learning import out_of_service, why_no_training, worker_of
from tests.e2e.whole_stack.stack import Person, Stack
from tests.e2e.whole_stack.written.reader import Desk, Reader
from tests.e2e.whole_stack.written.stores import dataverse_files
from tests.unit.documentation.pages import DOCS, blocks
from training_job.__main__ import write_phantoms
from training_job.snapshots import snapshot_in
from triagelens.domain.manifest import Manifest
from triagelens.domain.specialties import specialty

OF_EACH = 12
MANIFEST = r"(\S+/manifest\.json)"
LABELS = specialty("skin").label_names
[PREPARE] = [block.text for block in blocks(DOCS / "ham10000.md") if block.language == "python"]


@pytest.fixture(scope="module", autouse=True)
def training_environment() -> None:
    if reason := why_no_training():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def worker(plain: Stack, admin: Person) -> Iterator[None]:
    for job in admin.client.training.all():
        if not job.has_ended:  # what other tests asked for and did not want
            admin.client.training.cancel(job.job_id)
    with worker_of(plain.cloud):
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ham10000.zip`, made by the page's own program of what is downloaded."""
    folder = tmp_path_factory.mktemp("downloads")
    (folder / "prepare.py").write_text(PREPARE, encoding="utf-8")
    dataverse_files(folder / "dataverse_files.zip", OF_EACH, seed=20_000)
    prepare = [sys.executable, "prepare.py", "dataverse_files.zip", "ham10000.zip"]
    subprocess.run(prepare, cwd=folder, check=True)
    return folder / "ham10000.zip"


def at_a_shell(desk: Desk, admin: Person, archive: Path, folder: Path) -> Reader:
    """An admin with the archive under both of its names, in the training environment."""
    for name in ("HAM10000.zip", "ham10000.zip"):
        (folder / name).symlink_to(archive)
    reader = desk.reader(folder, admin)
    reader.environment["PATH"] = f"{TRAINING_PYTHON.parent}:{reader.environment['PATH']}"
    return reader


@pytest.fixture
def reader(desk: Desk, admin: Person, archive: Path, tmp_path: Path) -> Reader:
    return at_a_shell(desk, admin, archive, tmp_path)


@pytest.fixture(scope="module", autouse=True)
def by_hand(
    desk: Desk, admin: Person, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, "Future[Reader]"]]:
    """The readers of pages that need no deployment, who go on beside those of the others."""

    def at(page: str) -> Reader:
        reader = at_a_shell(desk, admin, archive, tmp_path_factory.mktemp(page))
        reader.after = {
            "python -m training_job train": reader.learn("MANIFEST", MANIFEST),
            ".venv-training/bin/python": reader.learn("MANIFEST", MANIFEST),
        }
        return reader

    def ingestion() -> Reader:
        reader = at("ingestion")
        reader.follow("ingestion.md")
        return reader

    def training() -> Reader:
        reader = at("training")
        write_phantoms("skin", OF_EACH, 30_000, (120, 90), reader.folder)
        (reader.folder / "skin").rename(reader.folder / "D")
        reader.follow("training.md")
        return reader

    with ThreadPoolExecutor(1) as pool:
        yield {"ingestion.md": pool.submit(ingestion), "training.md": pool.submit(training)}


def test_datasets(reader: Reader, worker: None, admin: Person) -> None:
    told = reader.follow("datasets.md")
    [job_id] = [answer.strip() for command, answer in told.items() if " upload " in command]
    found = admin.client.datasets.get(reader.stands_for["01k9qp1v7n3d8r5t2w6y4m9x0c"])
    assert (found.status, found.group_column, found.job_id) == ("ready", "lesion_id", job_id)
    assert sum(sum(sets.values()) for sets in found.counts.values()) == OF_EACH * len(LABELS)


def test_ham10000(reader: Reader, worker: None, desk: Desk, admin: Person, colleague: Person) -> None:
    reader.after = {
        "triagelens datasets create": reader.learn("DATASET_ID"),
        "triagelens datasets upload": reader.learn("INGESTION_ID"),
        "triagelens training start": reader.learn("VERSION", r"skin:(\S+)"),
    }
    reader.before["triagelens models replay"] = desk.becomes(reader, colleague)
    reader.follow("ham10000.md")
    card = admin.client.models.get("skin", reader.stands_for["VERSION"])
    assert (card.status, card.production) == ("not_evaluable", False)
    assert [decision.by for decision in card.decisions] == [admin.client.users.named(colleague.username).id]
    out_of_service(admin, "skin")


def test_ingestion(by_hand: Mapping[str, "Future[Reader]"]) -> None:
    made = snapshot_in(by_hand["ingestion.md"].result().folder / "snapshots")
    assert made is not None
    assert (made.images, made.problems) == (OF_EACH * len(LABELS), {})


@pytest.mark.parametrize("page", ["ingestion.md", "training.md"])
def test_what_is_trained_by_hand_is_a_model(by_hand: Mapping[str, "Future[Reader]"], page: str) -> None:
    reader = by_hand[page].result()
    made = Manifest.model_validate_json((reader.folder / reader.stands_for["MANIFEST"]).read_text("utf-8"))
    assert (made.specialty, made.name, tuple(made.labels)) == ("skin", "skin-test_efficientnet", LABELS)
