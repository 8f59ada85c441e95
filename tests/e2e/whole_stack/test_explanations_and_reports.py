"""A finding is explained; a report of its case is made, fetched, read back, and made anew after a change."""

import io
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pypdf
import pytest
from PIL import Image

from tests.e2e.whole_stack.mails import mail_to
from tests.e2e.whole_stack.stack import Person, Stack
from training_job.phantoms import photograph
from triagelens_client import Case, InvalidRequestError, NotFoundError
from triagelens_client import Image as Analysed
from triagelens_client.report_models import Report

NAME = "Zoë Ångström 王小明 #strong[x]"
COMMENT = 'Looks calm. #read("/etc/passwd") <b>bold</b>'
LATER = "Seen again after a month."


@dataclass(frozen=True)
class Clinic:
    """A doctor with a patient, an analysed image and its case, and a stranger."""

    doctor: Person
    stranger: Person
    image: Analysed
    case: Case


def lesion() -> bytes:
    """A drawing of what the demonstration model knows, so that nobody has to review it first."""
    return photograph("skin", "mel", 91, (1024, 768))


@pytest.fixture(scope="module")
def clinic(strict: Stack) -> Clinic:
    doctor = strict.grant(strict.person("doctor"), "doctor")
    patient = doctor.client.patients.create(NAME)
    image = doctor.client.upload_and_wait(lesion(), "skin", patient_id=patient.patient_id)
    case = doctor.client.cases.create("skin", [image.image_id], patient_id=patient.patient_id)
    doctor.client.cases.comment(case.case_id, COMMENT)
    return Clinic(doctor, strict.person("stranger"), image, case)


def test_a_label_that_is_not_the_most_probable_one_is_explained(clinic: Clinic) -> None:
    client = clinic.doctor.client
    assert clinic.image.prediction is not None
    labels = [entry.label for entry in clinic.image.prediction.probabilities]
    said = client.explanation(clinic.image.image_id, labels[-1])
    assert (said.label, said.method) == (labels[-1], "grad_cam")
    assert said.central_share is None or 0 <= said.central_share <= 1
    heatmap, overlay = (Image.open(io.BytesIO(client.fetch(link))) for link in (said.heatmap, said.overlay))
    for picture in (heatmap, overlay):
        picture.load()  # to its last byte
    assert (heatmap.format, overlay.format) == ("PNG", "JPEG")
    assert overlay.width == heatmap.width
    assert overlay.height > heatmap.height, "a legend below"
    query = parse_qs(urlsplit(said.heatmap.url).query)
    assert query["X-Amz-Expires"] == ["300"]
    with pytest.raises(InvalidRequestError):
        client.explanation(clinic.image.image_id, "measles")
    with pytest.raises(NotFoundError):
        clinic.stranger.client.explanation(clinic.image.image_id, labels[-1])


def test_a_report_is_made_fetched_and_made_anew_after_a_change(strict: Stack, clinic: Clinic) -> None:
    first, pdf = made(clinic)
    assert (first.number, first.images) == (1, 1)
    text = text_of(pdf)
    for said in (
        f"Case {clinic.case.number}",
        NAME,
        COMMENT,
        "Grad",
        "Demonstration model",
        "version 1",
        "page 1 of",
    ):
        assert "".join(said.split()) in text, said
    assert "root:" not in text
    mail_to(strict, clinic.doctor.email, "A report is ready")
    again, _ = made(clinic)
    assert (again.number, again.sha256) == (1, first.sha256), "nothing has changed, so it is the same file"
    clinic.doctor.client.cases.comment(clinic.case.case_id, LATER)
    second, changed = made(clinic)
    assert (second.number, second.sha256 == first.sha256) == (2, False)
    assert "".join(LATER.split()) in text_of(changed)
    kept = clinic.doctor.client.reports.get(first.report_id)
    assert (kept.number, kept.sha256) == (1, first.sha256), "a report never changes"
    with pytest.raises(NotFoundError):
        clinic.stranger.client.reports.get(first.report_id)


def made(clinic: Clinic) -> tuple[Report, bytes]:
    """A report of the case, asked for, awaited and fetched by its link: the very bytes of the record."""
    reports = clinic.doctor.client.reports
    ready = reports.wait(reports.request(case_id=clinic.case.case_id).report_id)
    assert ready.status == "ready", ready.failure
    assert ready.download is not None
    pdf = clinic.doctor.client.fetch(ready.download)
    assert (sha256(pdf).hexdigest(), len(pdf)) == (ready.sha256, ready.size_bytes)
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == ready.pages
    return ready, pdf


def text_of(pdf: bytes) -> str:
    """What can be read in a file, without spaces and ends of lines; its pictures are JPEG."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    assert any(image.name.endswith((".jpg", ".jpeg")) for page in pages for image in page.images)
    return "".join("".join(page.extract_text() for page in pages).split())
