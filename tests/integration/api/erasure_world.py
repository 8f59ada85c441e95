"""A patient whose mark is in everything that is theirs, and what is done to erase them."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import Image

import check_quality.handler
import check_quality.wiring
import run_inference.handler
import run_inference.wiring
from tests.cloud import REGION, FakeContext, failed_ids, sqs_event
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change
from tests.integration.api.test_api_forms_feedback import FORM
from tests.integration.api.test_api_patients import invited, patient
from tests.integration.erasing import everything, work
from tests.photos import photo
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.snapshots import DynamoSnapshots
from triagelens.domain.annotations import MOST_INLINE_BYTES
from triagelens.domain.ids import new_id
from triagelens.domain.manifest import TrainingSpec
from triagelens.domain.models import ModelStatus, RegisteredModel
from triagelens.domain.people import Role
from triagelens.domain.snapshots import Snapshot

Person = dict[str, str]
MARK = "xyzzyplugh"
PHONE = "493055512345"
DETAILS = {
    "name": f"Name {MARK}",
    "email": f"{MARK}@example.org",
    "phone": f"+{PHONE}",
    "address": f"1 {MARK} Street",
}
NOW = datetime.now(UTC)


def with_exif() -> bytes:
    """A photo that tells of its patient in its EXIF data."""
    picture, out = Image.open(io.BytesIO(photo())), io.BytesIO()
    exif = picture.getexif()
    exif[0x010E] = f"Photo of {MARK}"
    picture.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()


def upload(api: Api, person: Person, data: bytes | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    """An announced and sent photo: its id, and the notification of it."""
    data = data or with_exif()
    body = {
        "specialty": "skin",
        "content_type": "image/jpeg",
        "size_bytes": len(data),
        "original_filename": f"{MARK}.jpg",
    }
    answer = api.client.post("/v1/images", json={**body, **more}, headers=person)
    assert answer.status_code == 201, answer.text
    image_id = str(answer.json()["image_id"])
    return image_id, api.cloud.upload(f"uploads/{image_id}", data)


def quality(*bodies: Any) -> list[str]:
    return failed_ids(dict(check_quality.handler.handler(sqs_event(*bodies), FakeContext())))


def inference(*bodies: Any) -> list[str]:
    return failed_ids(dict(run_inference.handler.handler(sqs_event(*bodies), FakeContext())))


@dataclass
class World:
    """A patient with an account, whose mark is in everything that is theirs; and somebody else."""

    api: Api
    doctor: Person
    gp: Person
    me: Person
    patient_id: str
    images: list[str]
    cases: list[str]
    other: str
    other_image: str
    other_case: str
    on_its_way: dict[str, Any]
    request: str


def planted(api: Api) -> World:
    gp, doctor = api.sign_up("greta", Role.GP), api.sign_up("doctor", Role.DOCTOR)
    made, other = patient(api, gp, **DETAILS, invite=True, number=f"N-{MARK}"), patient(api, gp)
    patient_id, me = made["patient_id"], invited(api, made["username"])
    analysed, sent = upload(api, gp, patient_id=patient_id)
    unnamed, sent_too = upload(api, gp)
    own, on_its_way = upload(api, me)
    accepted, sent_last = upload(api, me)
    other_image, sent_other = upload(
        api, gp, photo(), patient_id=other["patient_id"], original_filename="photo.jpg"
    )
    assert quality(sent, sent_too, sent_last, sent_other) == []
    requests = api.cloud.waiting("inference")
    (request,) = [body for body in requests if accepted in body]
    assert inference(*(body for body in requests if body != request)) == []
    about = {"specialty": "skin", "notes": f"Notes on {MARK}", "patient_id": patient_id}
    whole = case(api, doctor, analysed, unnamed, **about)["case_id"]
    told_of(api, doctor, whole)
    nameless = case(api, doctor, own, specialty="skin", notes=f"About {MARK}")["case_id"]
    foreign = {"specialty": "skin", "patient_id": other["patient_id"], "notes": "Somebody else's"}
    other_case = case(api, gp, other_image, **foreign)["case_id"]
    feedback = {"rating": 4, "text": MARK}
    assert api.client.post("/v1/feedback", json=feedback, headers=me).status_code == 201
    for key in (f"explanations/{analysed}/0/a.png", f"working/{analysed}/old.jpg"):
        for _ in range(2):
            api.cloud.s3.put_object(Bucket="images", Key=key, Body=MARK.encode())
        api.cloud.s3.delete_object(Bucket="images", Key=key)
    for key in (f"reports/{patient_id}/1.pdf", f"reports/{whole}/1.pdf", f"exports/{new_id()}/cases.csv"):
        api.cloud.s3.put_object(Bucket="documents", Key=key, Body=MARK.encode())
    learnt_from(analysed)
    images, cases = [analysed, unnamed, own, accepted], [whole, nameless]
    who = (api, doctor, gp, me, patient_id, images, cases)
    return World(*who, other["patient_id"], other_image, other_case, on_its_way, request)


def told_of(api: Api, doctor: Person, case_id: str) -> None:
    """Everything that can be said of a case, with the mark in it."""
    address = f"/v1/cases/{case_id}"
    said = api.client.post(f"{address}/comments", json={"text": f"I know {MARK}"}, headers=doctor).json()
    edit = f"{address}/comments/{said['comment_id']}"
    points = [[n % 600, n % 400] for n in range(MOST_INLINE_BYTES // 4)]
    drawn = {"image_index": 0, "strokes": [{"points": points, "width": 1, "label": "nv"}]}
    for method, path, body in (
        ("PATCH", edit, {"text": f"I knew {MARK}"}),
        ("PUT", f"{address}/label", {"correct_label": "nv", "notes": MARK}),
        ("POST", f"{address}/annotations", drawn),
        ("PUT", f"{address}/form", {"image_index": 0, "form": {**FORM, "reference": MARK}}),
    ):
        answer = api.client.request(method, path, json=body, headers=doctor)
        assert answer.status_code < 300, (path, answer.text)
    end = {"final_diagnosis": f"Nothing, {MARK}", "reason": MARK}
    assert change(api, doctor, f"{case_id}/confirm", end, 1).status_code == 200


def learnt_from(image_id: str) -> None:
    """A snapshot that names the image, a model of it, and a model of something else."""
    digest = "ab" * 32
    about = {"specialty": "skin", "dataset_id": None, "job_id": None, "images": 1, "labels": ("nv", "mel")}
    files = {"sha256": digest, "key": "snapshots/a.jsonl", "problems_key": "snapshots/a.problems.jsonl"}
    rest = {"counts": {}, "problems": {}, "ledger_revision": 1, "licence": None, "source": None}
    snapshot = Snapshot.model_validate(
        {"snapshot_id": digest[:32], "created_at": NOW, **about, **files, **rest}
    )
    DynamoSnapshots("registry", REGION).add(snapshot, [image_id])
    for version, name in (("1.4.0", digest[:32]), ("1.5.0", "cd" * 16)):
        DynamoRegistry("registry", REGION).add_model(
            RegisteredModel(
                specialty="skin",
                name="net",
                version=version,
                status=ModelStatus.CANDIDATE,
                intended_use="demonstration only",
                registered_by="admin",
                training=TrainingSpec(dataset_snapshot=name),
                created_at=NOW,
                model_key="m",
                model_object_version="1",
                model_sha256="0" * 64,
                manifest_key="m",
                manifest_object_version="1",
                manifest_sha256="0" * 64,
            )
        )


def erase(world: World, person: Person | None = None) -> dict[str, Any]:
    address = f"/v1/patients/{world.patient_id}"
    answer = world.api.client.delete(address, headers=person or world.doctor)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, Any] = answer.json()
    return receipt


def work_off(world: World, erasure_id: str) -> None:
    """Both passes, the second at once."""
    messages = world.api.cloud.waiting("erasure")
    assert len(messages) == 1
    assert work(*messages) == []
    assert work({"erasure_id": erasure_id, "sweep": True}) == []


def marks(world: World) -> int:
    told = everything(world.api.cloud, world.api.pool_id)
    return told.count(MARK) + told.count(PHONE)
