"""Models brought by hand: registered once, or refused with reasons, whenever the process dies."""

from datetime import timedelta
from typing import Any, Literal

import pytest

import register_model.handler
import register_model.settings
import register_model.wiring
from tests.cloud import REGION, Cloud, FakeContext, failed_ids, sqs_event
from tests.fakes import START
from tests.killing import KilledError, watched
from tests.onnx_models import OnnxClassifier, classifier, edited
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.model_signatures import KmsSignatures
from triagelens.domain.errors import NotFoundError
from triagelens.domain.ids import new_id
from triagelens.domain.imports import ImportStatus, ModelImport
from triagelens.domain.models import ModelStatus, signed_message

# The two or three files kept, the model, the audit entry, the verdict.
WRITES = ["CopyObject", "CopyObject", "PutItem", "PutItem", "PutItem"]


@pytest.fixture(autouse=True)
def _fresh(cloud: Cloud) -> None:
    register_model.settings.settings.cache_clear()
    register_model.wiring.registration.cache_clear()
    register_model.wiring.gate.cache_clear()


def registry() -> DynamoRegistry:
    return DynamoRegistry("registry", REGION)


def signatures(cloud: Cloud) -> KmsSignatures:
    return KmsSignatures(cloud.kms, cloud.signing_key["Arn"])


def announce(made: OnnxClassifier, **changes: Any) -> ModelImport:
    """What the API does before the files are uploaded."""
    named = {key: made.manifest[key] for key in ("specialty", "name", "version")}
    record = ModelImport(
        import_id=new_id(),
        requested_by="admin",
        correlation_id="correlation",
        created_at=START,
        upload_expires_at=START + timedelta(minutes=30),
        **{**named, **changes},
    )
    return registry().add_import(record)


def upload(cloud: Cloud, record: ModelImport, files: dict[str, bytes]) -> dict[str, Any]:
    """Stores the files, the manifest last, and gives the notification of it."""
    version = ""
    for name, data in files.items():
        key = f"incoming/{record.import_id}/{name}"
        version = cloud.s3.put_object(Bucket="models", Key=key, Body=data)["VersionId"]
    entity = {"object": {"key": f"incoming/{record.import_id}/manifest.json", "versionId": version}}
    return {"Records": [{"s3": entity}]}


def files_of(made: OnnxClassifier) -> dict[str, bytes]:
    head = {"head.npy": made.head} if made.head else {}
    return {"model.onnx": made.model, **head, "manifest.json": made.manifest_json}


def register(*bodies: Any, receive_count: int = 1) -> list[str]:
    event = sqs_event(*bodies, receive_count=receive_count)
    return failed_ids(register_model.handler.handler(event, FakeContext()))


@pytest.mark.parametrize("features", [False, True])
def test_a_sound_model_is_registered_pinned_to_its_bytes_and_signed(cloud: Cloud, features: bool) -> None:
    made = classifier(features=features)
    record = announce(made)
    assert register(upload(cloud, record, files_of(made))) == []
    assert registry().model_import(record.import_id).status is ImportStatus.NOT_EVALUABLE
    model = registry().model("skin", "1.0.0")
    assert model.status is ModelStatus.NOT_EVALUABLE  # nothing was ever held out
    assert signatures(cloud).verify(signed_message("skin", model), model.signature or "")
    kept = cloud.s3.get_object(Bucket="models", Key=model.model_key, VersionId=model.model_object_version)[
        "Body"
    ].read()
    assert kept == made.model
    assert (model.head_key is not None) == features


def test_a_model_that_cannot_serve_is_refused_with_the_reason(cloud: Cloud) -> None:
    made = edited(classifier(), labels=["nv", "mel"])
    record = announce(made)
    assert register(upload(cloud, record, files_of(made))) == []
    decided = registry().model_import(record.import_id)
    assert decided.status is ImportStatus.REFUSED
    assert [problem.code for problem in decided.problems] == ["output_shape"]
    with pytest.raises(NotFoundError):
        registry().model("skin", "1.0.0")


def test_a_manifest_without_its_model_is_refused(cloud: Cloud) -> None:
    made = classifier()
    record = announce(made)
    assert register(upload(cloud, record, {"manifest.json": made.manifest_json})) == []
    (problem,) = registry().model_import(record.import_id).problems
    assert problem.code == "model_missing"


def test_another_manifest_than_announced_is_refused(cloud: Cloud) -> None:
    made = classifier()
    record = announce(made, version="2.0.0")
    assert register(upload(cloud, record, files_of(made))) == []
    (problem,) = registry().model_import(record.import_id).problems
    assert problem.code == "manifest_changed"


def test_a_version_that_somebody_else_registered_meanwhile_is_refused(cloud: Cloud) -> None:
    first, second = classifier(seed=1), classifier(seed=2)
    records = [announce(first), announce(second)]
    messages = [
        upload(cloud, record, files_of(made)) for record, made in zip(records, (first, second), strict=True)
    ]
    assert register(*messages) == []
    assert registry().model_import(records[0].import_id).status is ImportStatus.NOT_EVALUABLE
    (problem,) = registry().model_import(records[1].import_id).problems
    assert problem.code == "version_taken"


@pytest.mark.parametrize("kill_at", range(len(WRITES)))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_registration_killed_at_any_write_ends_the_same(
    cloud: Cloud, kill_at: int, moment: Literal["before", "after"]
) -> None:
    made = classifier()
    record = announce(made)
    message = upload(cloud, record, files_of(made))
    with watched(kill_at, moment) as writes, pytest.raises(KilledError):
        register(message)
    assert writes.made == WRITES[: kill_at + (moment == "after")]
    assert register(message) == []
    assert registry().model_import(record.import_id).status is ImportStatus.NOT_EVALUABLE
    model = registry().model("skin", "1.0.0")
    assert cloud.s3.head_object(Bucket="models", Key=model.model_key, VersionId=model.model_object_version)


def test_a_second_announcement_of_the_same_manifest_changes_nothing(cloud: Cloud) -> None:
    made = classifier()
    record = announce(made)
    message = upload(cloud, record, files_of(made))
    register(message)
    with watched() as writes:
        assert register(message) == []
    assert writes.made == []


def test_an_import_that_cannot_be_checked_is_given_up_in_words(cloud: Cloud) -> None:
    made = classifier()
    record = announce(made)
    message = upload(cloud, record, files_of(made))
    for version in cloud.s3.list_object_versions(Bucket="models")["Versions"]:
        cloud.s3.delete_object(Bucket="models", Key=version["Key"], VersionId=version["VersionId"])
    assert register(message, receive_count=5) == ["m0"]
    (problem,) = registry().model_import(record.import_id).problems
    assert problem.code == "processing_error"


def test_poison_is_given_back_and_a_neighbour_is_registered(cloud: Cloud) -> None:
    made = classifier()
    record = announce(made)
    assert register("poison", upload(cloud, record, files_of(made)), receive_count=5) == ["m0"]
    assert registry().model_import(record.import_id).status is ImportStatus.NOT_EVALUABLE
