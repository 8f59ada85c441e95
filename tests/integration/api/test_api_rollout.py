"""From a registered model to production, to a trial, and back: API, functions and tables together."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

import replay_model.handler
import replay_model.settings
import replay_model.wiring
import run_inference.handler
import run_inference.wiring
import watch_canary.handler
import watch_canary.settings
from tests.cloud import REGION, Cloud, FakeContext, failed_ids, sqs_event
from tests.fakes import START
from tests.grey_models import RIGHT, grey_classifier
from tests.holdout import picture
from tests.integration.api.conftest import Api
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.model_signatures import KmsSigner
from triagelens.domain.gate import GateReport, GateVerdict
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.manifest import TrainingSpec
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.models import ModelFiles, ModelStatus, RegisteredModel, signed_message
from triagelens.domain.people import Role
from triagelens.domain.rollout import LEAST_ANSWERS, is_in_share

WRONG = 250.0
IDS = [new_id() for _ in range(10 * LEAST_ANSWERS)]
IN_SHARE = [image_id for image_id in IDS if is_in_share(image_id, 0.5)]
BOTH = IN_SHARE[:LEAST_ANSWERS] + [one for one in IDS if one not in IN_SHARE][:LEAST_ANSWERS]
Headers = dict[str, str]


@pytest.fixture(autouse=True)
def _fresh(cloud: Cloud) -> None:
    caches = (
        replay_model.settings.settings,
        replay_model.wiring.replaying,
        replay_model.wiring._store,
        watch_canary.settings.settings,
        watch_canary.handler.watch,
    )
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def trainer(api: Api) -> Headers:
    return api.sign_up("trainer", Role.ADMIN)


@pytest.fixture
def other(api: Api) -> Headers:
    return api.sign_up("other", Role.ADMIN)


def sub_of(api: Api, headers: Headers) -> str:
    sub: str = api.client.get("/v1/me", headers=headers).json()["id"]
    return sub


def registered(
    cloud: Cloud,
    version: str,
    started_by: str,
    *,
    threshold: float = RIGHT,
    status: ModelStatus = ModelStatus.CANDIDATE,
) -> RegisteredModel:
    """A model in the bucket and the registry, signed, as register_model leaves it."""
    made = grey_classifier(version=version, threshold=threshold)
    said: dict[str, Any] = {"version": version}
    for role, name, data in (
        ("model", "model.onnx", made.model),
        ("manifest", "manifest.json", made.manifest_json),
    ):
        key = f"models/eye/{version}/{name}"
        stored = cloud.s3.put_object(Bucket="models", Key=key, Body=data)
        said |= {
            f"{role}_key": key,
            f"{role}_object_version": stored["VersionId"],
            f"{role}_sha256": hashlib.sha256(data).hexdigest(),
        }
    signer = KmsSigner(cloud.kms, cloud.signing_key["Arn"])
    signature = signer.sign(signed_message("eye", ModelFiles(**said)))
    verdict = GateVerdict.PASSED if status is ModelStatus.CANDIDATE else GateVerdict.NOT_EVALUABLE
    return DynamoRegistry("registry", REGION).add_model(
        RegisteredModel(
            **said,
            signature=signature,
            specialty="eye",
            name="grey",
            status=status,
            intended_use="tests",
            registered_by=started_by,
            started_by=started_by,
            job_id="job-1",
            training=TrainingSpec(job="job-1", dataset_snapshot="ab" * 16, code_version="1.2.3"),
            gate=GateReport(verdict=verdict, balanced_accuracy=0.9, evaluated_at=START),
            created_at=START,
        )
    )


def analyse(cloud: Cloud, label: int, number: int, image_id: str | None = None) -> ImageRecord:
    """An image with that true label goes through a cold run_inference, which knows no pointer yet.

    Its id decides whether it is in a candidate's share; one by chance, if not given.
    """
    run_inference.wiring.inference.cache_clear()
    casework, image_id = DynamoCasework("casework", REGION), image_id or new_id()
    key = f"working/{image_id}"
    cloud.s3.put_object(Bucket="images", Key=key, Body=picture(label, number))
    record = ImageRecord(
        image_id=image_id,
        owner="somebody",
        specialty="eye",
        status=ImageStatus.ACCEPTED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=datetime.now(UTC),
        updated_at=START,
        correlation_id="c",
        object_version="v1",
        working_image=WorkingImage(key=key, width=16, height=16),
    )
    casework.replace_image(record)
    request = InferenceRequest(image_id=image_id, object_version="v1", attempt=0, correlation_id="c")
    answer = run_inference.handler.handler(sqs_event(request.model_dump_json()), FakeContext())
    assert failed_ids(answer) == []
    return casework.image(image_id)


def version_of(record: ImageRecord) -> str:
    assert record.prediction is not None, record.failure
    return record.prediction.model.version


def ask(api: Api, headers: Headers, version: str, deed: str, **body: Any) -> Any:
    return api.client.post(f"/v1/models/eye/{version}/{deed}", headers=headers, json=body)


def test_a_model_goes_into_production_by_another_admin_and_back_with_one_request(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    owner = sub_of(api, trainer)
    registered(cloud, "1.0.0", owner)
    registered(cloud, "2.0.0", owner)
    denied = ask(api, trainer, "1.0.0", "promote", share=1)
    assert denied.status_code == 403, denied.text
    assert denied.json()["code"] == "forbidden"
    for version in ("1.0.0", "2.0.0"):
        promoted = ask(api, other, version, "promote", share=1)
        assert promoted.status_code == 200, promoted.text
        assert version_of(analyse(cloud, 0, 1)) == version
    rolled = ask(api, other, "2.0.0", "rollback", reason="worse on scans")
    assert rolled.status_code == 200, rolled.text
    assert rolled.json()["production"] is False
    assert version_of(analyse(cloud, 0, 1)) == "1.0.0"
    entries = [entry for entry in api.audited() if entry["action"] in {"model.promote", "model.rollback"}]
    assert [(entry["action"], entry["subject"], entry["outcome"]) for entry in entries] == [
        ("model.promote", "eye/1.0.0", "denied"),
        ("model.promote", "eye/1.0.0", "allowed"),
        ("model.promote", "eye/2.0.0", "allowed"),
        ("model.rollback", "eye/2.0.0", "allowed"),
    ]


def test_the_card_tells_where_a_model_comes_from_what_was_found_and_who_approved(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    registered(cloud, "1.0.0", sub_of(api, trainer), status=ModelStatus.NOT_EVALUABLE)
    assert ask(api, other, "1.0.0", "promote", share=1).status_code == 409
    assert ask(api, other, "1.0.0", "promote", share=1, reason="tried elsewhere").status_code == 200
    card = api.client.get("/v1/models/eye/1.0.0", headers=trainer).json()
    assert card["training"]["dataset_snapshot"] == "ab" * 16
    assert card["training"]["code_version"] == "1.2.3"
    assert card["gate"]["verdict"] == "not_evaluable"
    assert card["gate"]["balanced_accuracy"] == 0.9
    assert (card["signed"], card["production"], card["job_id"]) == (True, True, "job-1")
    (decision,) = card["decisions"]
    assert (decision["by"], decision["reason"]) == (sub_of(api, other), "tried elsewhere")


def test_a_bad_canary_reverts_by_itself_and_no_image_goes_without_a_finding(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    owner = sub_of(api, trainer)
    registered(cloud, "1.0.0", owner)
    bad = registered(cloud, "2.0.0", owner)
    ask(api, other, "1.0.0", "promote", share=1)
    assert ask(api, other, "2.0.0", "promote", share=0.5).json()["share"] == 0.5
    cloud.s3.delete_object(Bucket="models", Key=bad.model_key, VersionId=bad.model_object_version)
    assert watch_canary.handler.handler({}, FakeContext()) == {}, "nothing has gone wrong yet"
    found = [version_of(analyse(cloud, 0, number, image_id)) for number, image_id in enumerate(IN_SHARE[:4])]
    assert found == ["1.0.0"] * 4
    assert watch_canary.handler.handler({}, FakeContext()) == {"eye": "2.0.0"}
    assert watch_canary.handler.handler({}, FakeContext()) == {}
    card = api.client.get("/v1/models/eye/2.0.0", headers=other).json()
    assert (card["production"], card["share"]) == (False, None)
    (entry,) = [entry for entry in api.audited() if entry["actor"] == "watch_canary"]
    assert (entry["action"], entry["subject"]) == ("model.rollback", "eye/2.0.0")
    assert "failed on 4 of 4" in entry["reason"]
    assert version_of(analyse(cloud, 0, 9)) == "1.0.0"


def test_a_canary_whose_confidence_shifts_reverts(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    owner = sub_of(api, trainer)
    registered(cloud, "1.0.0", owner)
    registered(cloud, "2.0.0", owner, threshold=21.0)  # at the very grey of the pictures: never sure
    ask(api, other, "1.0.0", "promote", share=1)
    ask(api, other, "2.0.0", "promote", share=0.5)
    found = [version_of(analyse(cloud, 0, number, image_id)) for number, image_id in enumerate(BOTH)]
    assert found == ["2.0.0"] * LEAST_ANSWERS + ["1.0.0"] * LEAST_ANSWERS
    assert watch_canary.handler.handler({}, FakeContext()) == {"eye": "2.0.0"}
    (entry,) = [entry for entry in api.audited() if entry["actor"] == "watch_canary"]
    assert "mean confidence" in entry["reason"]


def replayed(api: Api, cloud: Cloud, headers: Headers, version: str, **limits: Any) -> Any:
    """Asks for a replay, delivers its messages, and reads what came of it."""
    begun = ask(api, headers, version, "replay", **limits)
    assert begun.status_code == 202, begun.text
    assert begun.json()["status"] == "queued"
    while bodies := cloud.waiting("replay"):
        for body in bodies:
            assert failed_ids(replay_model.handler.handler(sqs_event(body), FakeContext())) == []
    path = f"/v1/models/eye/{version}/replays/{begun.json()['replay_id']}"
    return api.client.get(path, headers=headers).json()


def test_a_replay_lists_every_other_answer_than_the_stored_ones(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    owner = sub_of(api, trainer)
    registered(cloud, "1.0.0", owner)
    registered(cloud, "2.0.0", owner, threshold=WRONG)  # calls everything normal
    ask(api, other, "1.0.0", "promote", share=1)
    images = [(label, analyse(cloud, label, number)) for label in (0, 1) for number in range(4)]
    before = [version_of(record) for _, record in images]
    found = replayed(api, cloud, other, "2.0.0")
    assert (found["status"], found["scored"], found["flipped"]) == ("completed", 8, 4)
    (pair,) = found["flips"]
    assert (pair["old"], pair["new"], pair["count"]) == ("cataract", "normal", 4)
    assert set(pair["image_ids"]) == {record.image_id for label, record in images if label == 1}
    casework = DynamoCasework("casework", REGION)
    assert [version_of(casework.image(record.image_id)) for _, record in images] == before
    assert replayed(api, cloud, other, "2.0.0", limit=3)["scored"] == 3


def test_a_replay_of_the_very_model_that_answered_has_nothing_to_compare(
    api: Api, cloud: Cloud, trainer: Headers, other: Headers
) -> None:
    registered(cloud, "1.0.0", sub_of(api, trainer))
    ask(api, other, "1.0.0", "promote", share=1)
    analyse(cloud, 0, 1)
    found = replayed(api, cloud, other, "1.0.0")
    assert (found["status"], found["scored"], found["flips"]) == ("completed", 0, [])


def test_a_replay_message_that_is_none_goes_to_the_dead_letters_alone(cloud: Cloud, api: Api) -> None:
    lost = {"replay_id": new_id(), "page": 0, "correlation_id": "c"}
    event = sqs_event("poison", json.dumps(lost), receive_count=5)
    assert failed_ids(replay_model.handler.handler(event, FakeContext())) == ["m0", "m1"]


@pytest.mark.parametrize("deed", ["promote", "rollback", "retire", "activate", "replay"])
def test_who_is_no_admin_moves_nothing_and_cannot_tell_what_exists(api: Api, cloud: Cloud, deed: str) -> None:
    registered(cloud, "1.0.0", "somebody")
    doctor = api.sign_up("doctor", Role.DOCTOR)
    answers = [
        ask(api, doctor, version, deed, share=1, reason="because I can") for version in ("1.0.0", "9.9.9")
    ]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


def test_shares_and_reasons_that_are_none_are_told_so(api: Api, cloud: Cloud, other: Headers) -> None:
    registered(cloud, "1.0.0", "somebody")
    for body in ({"share": 1.1}, {"share": -0.1}, {"share": "all"}, {}, {"share": 1, "reason": "no"}):
        assert ask(api, other, "1.0.0", "promote", **body).status_code in {400, 422}, body
    for limit in (0, 2001):
        assert ask(api, other, "1.0.0", "replay", limit=limit).status_code in {400, 422}


def test_a_retired_model_is_listed_as_such_and_never_comes_back(
    api: Api, cloud: Cloud, other: Headers
) -> None:
    registered(cloud, "1.0.0", "somebody")
    assert ask(api, other, "1.0.0", "retire", reason="superseded by 2").json()["status"] == "retired"
    listed = api.client.get("/v1/models?specialty=eye", headers=other).json()["items"]
    assert [(model["version"], model["status"]) for model in listed] == [("1.0.0", "retired")]
    assert ask(api, other, "1.0.0", "promote", share=1).status_code == 409
