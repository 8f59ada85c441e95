"""Things that somebody can own, each made as its owner would make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from tests.cloud import REGION
from tests.integration.api.conftest import PASSWORD
from tests.integration.api.test_api_way_of_an_image import accept
from tests.integration.api.test_models_by_hand import DIGEST, MANIFEST
from triagelens.adapters.dynamodb.audit_chain import DynamoChain
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.tables import CaseworkItem, UsersItem
from triagelens.domain.audit_chain import Head, Seal, genesis
from triagelens.domain.datasets import PART_BYTES
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, RegisteredModel
from triagelens.domain.people import Role

if TYPE_CHECKING:
    from tests.integration.api.matrix_world import World

Names = dict[str, Any]  # what a path or a body names: {"case_id": "01..."}
DAY = date(2026, 11, 1)
PHOTO = {"specialty": "eye", "content_type": "image/jpeg", "size_bytes": 2000}
BOX = {"x": 1, "y": 2, "width": 5, "height": 6, "label": "cataract"}


@dataclass
class Somebody:
    username: str
    role: Role
    headers: dict[str, str]
    sub: str

    def change(self, **fields: str) -> None:
        """Changes their record behind the API's back."""
        (item,) = UsersItem.query(f"USER#{self.sub}")
        item.body = {**item.body, **fields}
        item.gsi1pk = f"ROLE#{item.body['role']}"
        item.save()


Maker = Callable[["World", Somebody], Names]


def a_name() -> str:
    """One that nobody has."""
    return f"n{uuid4().hex[:12]}"


def _image(world: "World", owner: Somebody) -> Names:
    image_id = world.ask(owner, "POST", "/v1/images", PHOTO)["image_id"]
    accept(image_id)
    return {"image_id": image_id}


def _case(world: "World", owner: Somebody) -> Names:
    made = _image(world, owner)
    body = {"specialty": "eye", "image_ids": [made["image_id"]]}
    return {"case_id": world.ask(owner, "POST", "/v1/cases", body)["case_id"], **made}


def _case_with_form(world: "World", owner: Somebody) -> Names:
    made = _case(world, owner)
    world.ask(
        owner, "PUT", f"/v1/cases/{made['case_id']}/form", {"image_index": 0, "form": {"consent": True}}
    )
    return made


def _disputed_case(world: "World", owner: Somebody) -> Names:
    made = _case(world, owner)
    for reader, label in ((world.others.them, "normal"), (world.others.third, "cataract")):
        world.ask(reader, "PUT", f"/v1/cases/{made['case_id']}/label", {"correct_label": label})
    return made


def _comment(world: "World", owner: Somebody) -> Names:
    """A comment in a case that both see: one of mine, if I am a gp."""
    made = _case(world, world.me or owner)
    path = f"/v1/cases/{made['case_id']}/comments"
    return {**made, "comment_id": world.ask(owner, "POST", path, {"text": "Well."})["comment_id"]}


def _annotation(world: "World", owner: Somebody) -> Names:
    made = _case(world, owner)
    body = {"image_index": 0, "boxes": [BOX]}
    path = f"/v1/cases/{made['case_id']}/annotations"
    return {**made, "annotation_id": world.ask(owner, "POST", path, body)["annotation_id"]}


def _patient(world: "World", owner: Somebody) -> Names:
    """A record that they made; of who works on none, the record that is theirs."""
    made = world.ask(owner, "POST", "/v1/patients", {"name": "Somebody"})
    if owner.role in (Role.PATIENT, Role.RESEARCHER):
        link_patient(made["patient_id"], owner.sub)
        owner.change(patient_id=made["patient_id"])
    return {"patient_id": made["patient_id"]}


def link_patient(patient_id: str, sub: str) -> None:
    """Does what an invitation would do, once it is answered."""
    item = CaseworkItem.get(f"PAT#{patient_id}", "META", consistent_read=True)
    account = {"username": "patient", "address_digest": DIGEST, "sub": sub}
    item.body = {**item.body, "account": account}
    item.save()


def _user(world: "World", owner: Somebody) -> Names:
    if owner is world.me:
        return {"user_id": owner.sub}
    return {"user_id": world.another(Role.GP).sub}


def _model(world: "World", owner: Somebody) -> Names:
    version = a_name()
    manifest = Manifest.model_validate(MANIFEST)
    folder = f"models/eye/{version}"
    DynamoRegistry("registry", REGION).add_model(
        RegisteredModel(
            specialty="eye",
            name=manifest.name,
            version=version,
            status=ModelStatus.CANDIDATE,
            model_key=f"{folder}/model.onnx",
            model_object_version="v1",
            model_sha256=DIGEST,
            manifest_key=f"{folder}/manifest.json",
            manifest_object_version="v2",
            manifest_sha256=DIGEST,
            intended_use=manifest.intended_use,
            registered_by=owner.sub,
            created_at=manifest.created_at,
        )
    )
    return {"specialty": "eye", "version": version}


def _replay(world: "World", owner: Somebody) -> Names:
    made = _model(world, owner)
    path = f"/v1/models/eye/{made['version']}/replay"
    return {**made, "replay_id": world.ask(owner, "POST", path, {"limit": 1})["replay_id"]}


def _import(world: "World", owner: Somebody) -> Names:
    body = {"manifest": {**MANIFEST, "version": a_name()}, "size_bytes": 5000}
    return {"import_id": world.ask(owner, "POST", "/v1/models", body)["import_id"]}


def _job(world: "World", owner: Somebody) -> Names:
    body = {"name": "Labels", "specialty": "skin"}
    return {"job_id": world.ask(owner, "POST", "/v1/datasets/from-labels", body)["job_id"]}


def _dataset(form: str) -> Maker:
    def make(world: "World", owner: Somebody) -> Names:
        size = {"archive": 1000, "multipart": 2 * PART_BYTES, "files": None}[form]
        about = {"name": "Ours", "specialty": "skin", "licence": "CC0-1.0", "source": "ourselves"}
        told = about | {"form": form} | ({} if size is None else {"size_bytes": size})
        return {"dataset_id": world.ask(owner, "POST", "/v1/datasets", told)["dataset_id"]}

    return make


def _day(_world: "World", _owner: Somebody) -> Names:
    records = DynamoChain("audit", REGION)
    if records.last_seal() is None:
        head = Head(day=DAY, count=0, head=genesis(DAY))
        records.add_seal(Seal(head=head, signature="MEUC", public_key="MFkw"))
    return {"day": str(DAY)}


def _account(world: "World", _owner: Somebody) -> Names:
    name = a_name()
    world.api.sign_up(name)
    body = {"username": name, "password": PASSWORD}
    tokens = world.api.client.post("/v1/auth/sign-in", json=body).json()
    return {"username": name, "refresh_token": tokens["refresh_token"]}


def _newcomer(world: "World", _owner: Somebody) -> Names:
    name = a_name()
    body = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
    assert world.api.client.post("/v1/auth/sign-up", json=body).is_success
    return {"username": name}


def _forgetful(world: "World", owner: Somebody) -> Names:
    made = _account(world, owner)
    boto3.client("cognito-idp", region_name=REGION).forgot_password(
        ClientId=world.api.client_id, Username=made["username"]
    )
    return made


def _asked_for(path: str, name: str, **body: Any) -> Maker:
    def make(world: "World", owner: Somebody) -> Names:
        return {name: world.ask(owner, "POST", path, body)[name]}

    return make


def _report(audience: str) -> Maker:
    def make(world: "World", owner: Somebody) -> Names:
        path = f"/v1/cases/{_case(world, owner)['case_id']}/reports"
        return {"report_id": world.ask(owner, "POST", path, {"audience": audience})["report_id"]}

    return make


def _erasure(world: "World", owner: Somebody) -> Names:
    path = f"/v1/patients/{_patient(world, owner)['patient_id']}"
    return {"erasure_id": world.ask(owner, "DELETE", path)["erasure_id"]}


MAKERS: Mapping[str, Maker] = {
    "image": _image,
    "number": lambda world, owner: {"number": world.ask(owner, "POST", "/v1/cases/ids")["number"]},
    "case": _case,
    "case/form": _case_with_form,
    "case/disputed": _disputed_case,
    "comment": _comment,
    "annotation": _annotation,
    "drawing": _annotation,
    "patient": _patient,
    "user": _user,
    "model": _model,
    "model in question": _model,
    "replay": _replay,
    "import": _import,
    "job": _job,
    "dataset": _dataset("archive"),
    "dataset/files": _dataset("files"),
    "dataset/multipart": _dataset("multipart"),
    "report": _report("patient"),
    "report/clinic": _report("clinic"),
    "export": _asked_for("/v1/exports", "export_id", what="images", format="csv"),
    "export/people": _asked_for("/v1/exports", "export_id", what="images", format="csv", include_people=True),
    "webhook": _asked_for(
        "/v1/webhooks", "webhook_id", url="https://hooks.example.org/", events=["image.analyzed"]
    ),
    "erasure": _erasure,
    "day": _day,
    "account": _account,
    "newcomer": _newcomer,
    "forgetful": _forgetful,
}
