"""What readers' labels teach, read from the tables, and made into a snapshot by the job."""

from datetime import timedelta
from typing import Any

import pytest

from tests.archives import picture
from tests.cloud import REGION, Cloud
from tests.fake_training_jobs import new_job
from tests.fakes import START, FakeClock
from training_job.jobs.entry import run
from training_job.jobs.ingestion import ingest_settings
from training_job.jobs.settings import runner_settings, settings
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.cases import Case, Move
from triagelens.domain.datasets import Dataset, DatasetForm, DatasetStatus
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.people import Person, Role
from triagelens.domain.training_jobs import JobKind
from triagelens.services.cases import Cases, NewCase
from triagelens.services.changes import Asked
from triagelens.services.images import Images
from triagelens.services.labelled_images import LabelledCaseImages
from triagelens.services.readings import Readings

CLOCK = FakeClock()


def doctor(name: str) -> Person:
    return Person(sub=name, username=name, role=Role.DOCTOR, created_at=START)


class Ward:
    """Cases with one image each, on the tables."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.casework, self.records = (
            DynamoCasework("casework", REGION, "ephemeral"),
            DynamoCases("casework", REGION),
        )
        self.panels = DynamoPanels("casework", REGION)
        numbers = DynamoCaseNumbers("casework", REGION, 10_000)
        images = Images(self.casework, CLOCK, timedelta(days=4))
        self.cases = Cases(self.records, numbers, self.casework, images, CLOCK)
        self.readings = Readings(self.records, self.panels, CLOCK)

    def image(self, number: int, *, working: bool = True) -> str:
        image_id = new_id()
        key = f"working/{image_id}.jpg"
        self.cloud.s3.put_object(Bucket="images", Key=key, Body=picture(number))
        record = ImageRecord(
            image_id=image_id,
            owner="anna",
            specialty="skin",
            status=ImageStatus.ANALYZED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
            upload_expires_at=START,
            created_at=START,
            updated_at=START,
            correlation_id="correlation",
            patient_id=f"patient-{number}",
            working_image=WorkingImage(key=key, width=10, height=10) if working else None,
        )
        self.casework.replace_image(record)
        return image_id

    def case(self, *image_ids: str, readers: int = 1) -> Case:
        return self.cases.open(doctor("anna"), NewCase("skin", image_ids, readers_wanted=readers), "request")

    def label(self, case: Case, reader: str, label: str) -> None:
        self.readings.label(doctor(reader), case, label, None)

    def taught(self, specialty: str = "skin") -> dict[str, str]:
        found = LabelledCaseImages(self.panels, self.casework).of_specialty(specialty)
        return {image.image_id: image.label for image in found}


@pytest.fixture
def ward(cloud: Cloud) -> Ward:
    return Ward(cloud)


def test_an_image_teaches_what_its_readers_agree_on_and_nothing_otherwise(ward: Ward) -> None:
    agreed, disputed, unread, rejected = (ward.image(number) for number in range(4))
    both = ward.case(agreed, readers=2)
    for reader in ("anna", "bert"):
        ward.label(both, reader, "mel")
    quarrel = ward.case(disputed, readers=2)
    for reader, label in (("anna", "mel"), ("bert", "nv")):
        ward.label(quarrel, reader, label)
    ward.case(unread)
    refused = ward.case(rejected)
    ward.label(refused, "anna", "nv")
    stored = ward.records.case(refused.case_id)
    asked = Asked(doctor("anna"), frozenset({stored.version or 0}), "request")
    ward.cases.decide(asked, stored, Move.REJECT, "not skin")
    assert ward.taught() == {agreed: "mel"}
    assert ward.taught("eye") == {}


def test_an_image_without_a_working_image_or_erased_teaches_nothing(ward: Ward) -> None:
    kept, never, erased = ward.image(0), ward.image(1, working=False), ward.image(2)
    case = ward.case(kept, never, erased)
    ward.label(case, "anna", "nv")
    CaseworkItem(f"IMG#{erased}", "META").delete(add_version_condition=False)
    (image,) = LabelledCaseImages(ward.panels, ward.casework).of_specialty("skin")
    assert (image.image_id, image.label, image.patient_id) == (kept, "nv", "patient-0")
    assert image.key == f"working/{kept}.jpg"


@pytest.fixture
def container(ward: Ward) -> Any:
    caches = (settings, runner_settings, ingest_settings)
    for cache in caches:
        cache.cache_clear()
    yield ward
    for cache in caches:
        cache.cache_clear()


def test_the_job_makes_a_snapshot_that_leads_to_the_platforms_own_images(container: Ward) -> None:
    images = {container.image(number): ("mel", "nv")[number % 2] for number in range(8)}
    for image_id, label in images.items():
        container.label(container.case(image_id), "anna", label)
    dataset_id = new_id()
    job = new_job(kind=JobKind.INGEST, dataset_id=dataset_id, config={"form": "labels"})
    datasets = DynamoDatasets("registry", REGION)
    datasets.add_dataset(
        Dataset(
            dataset_id=dataset_id,
            name="labels",
            specialty="skin",
            form=DatasetForm.LABELS,
            status=DatasetStatus.INGESTING,
            upload_id=new_id(),
            job_id=job.job_id,
            created_by="rita",
            correlation_id="request",
            created_at=START,
            updated_at=START,
        )
    )
    DynamoTrainingJobs("registry", REGION).add_job(job, None)
    assert run(job.job_id) == 0
    ready = datasets.dataset(dataset_id)
    assert ready.status is DatasetStatus.READY
    assert ready.ingested is not None
    key = f"snapshots/{ready.ingested.snapshot_id}.jsonl"
    text = container.cloud.s3.get_object(Bucket="learning", Key=key)["Body"].read().decode()
    assert all(f'"{image_id}"' in text for image_id in images)
    assert text.count('"bucket":"images"') == len(images)
    assert "patient-" not in text
