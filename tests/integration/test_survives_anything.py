"""Nothing is lost, doubled or stuck, whatever is delivered how often and whenever the process dies."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

import check_quality.handler
import publish_events.handler
import run_inference.handler
from tests.cloud import Cloud, FakeContext, failed_ids, sqs_event
from tests.killing import KilledError, watched
from tests.photos import photo
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Moment = Literal["before", "after"]
KILLS: list[tuple[int, Moment]] = [(number, moment) for number in range(3) for moment in ("before", "after")]


def announce(cloud: Cloud, data: bytes, **declared: Any) -> ImageRecord:
    """What the API does before a client uploads."""
    declaration = {"content_type": "image/jpeg", "size_bytes": len(data), **declared}
    record = ImageRecord(
        image_id=new_id(),
        owner="owner",
        specialty="skin",
        status=ImageStatus.AWAITING_UPLOAD,
        upload=UploadDeclaration.model_validate(declaration),
        upload_expires_at=NOW + timedelta(minutes=10),
        created_at=NOW,
        updated_at=NOW,
        correlation_id="correlation",
    )
    return casework().add_image(record, None)


def casework() -> DynamoCasework:
    return DynamoCasework("casework", "eu-central-1", "ephemeral")


def quality(*bodies: Any, receive_count: int = 1) -> list[str]:
    return failed_ids(
        check_quality.handler.handler(sqs_event(*bodies, receive_count=receive_count), FakeContext())
    )


def inference(*bodies: Any, receive_count: int = 1) -> list[str]:
    return failed_ids(
        run_inference.handler.handler(sqs_event(*bodies, receive_count=receive_count), FakeContext())
    )


def publish(cloud: Cloud) -> list[str]:
    return failed_ids(publish_events.handler.handler(cloud.stream_event(), FakeContext()))


def results_of(cloud: Cloud, image_id: str) -> list[str]:
    answer = cloud.dynamodb.query(
        TableName="casework",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :result)",
        ExpressionAttributeValues={":pk": {"S": f"IMG#{image_id}"}, ":result": {"S": "RESULT#"}},
    )
    return [item["sk"]["S"] for item in answer["Items"]]


def working_images_of(cloud: Cloud, image_id: str) -> list[str]:
    answer = cloud.s3.list_objects_v2(Bucket="images", Prefix=f"working/{image_id}/")
    return [entry["Key"] for entry in answer.get("Contents", [])]


def test_a_photo_goes_all_the_way(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    assert quality(cloud.upload(record.upload_key, data)) == []
    assert inference(*cloud.waiting("inference")) == []
    done = casework().image(record.image_id)
    assert done.status is ImageStatus.ANALYZED
    assert done.prediction is not None
    assert done.prediction.demonstration
    assert sum(entry.probability for entry in done.prediction.probabilities) == pytest.approx(1)
    assert len(results_of(cloud, record.image_id)) == 1


def test_a_blurred_photo_is_rejected_with_a_reason_and_never_analysed(cloud: Cloud) -> None:
    data = photo(width=1600, height=1200, blur=12)
    record = announce(cloud, data)
    assert quality(cloud.upload(record.upload_key, data)) == []
    done = casework().image(record.image_id)
    assert done.status is ImageStatus.REJECTED
    assert done.quality is not None
    assert "blurred" in [reason.code for reason in done.quality.reasons]
    assert cloud.waiting("inference") == []


@pytest.mark.parametrize(
    ("announced", "sent", "reason"),
    [
        ({"content_type": "image/png"}, photo(), "type_mismatch"),
        ({"size_bytes": 5}, photo(), "size_mismatch"),
        ({"sha256": "0" * 64}, photo(), "checksum_mismatch"),
        ({}, b"not an image at all", "not_an_image"),
        ({}, photo()[:-5000], "truncated"),
    ],
)
def test_bytes_that_are_not_what_was_announced_are_rejected_with_the_reason(
    cloud: Cloud, announced: dict[str, Any], sent: bytes, reason: str
) -> None:
    record = announce(cloud, sent, **announced)
    assert quality(cloud.upload(record.upload_key, sent)) == []
    done = casework().image(record.image_id)
    assert done.status is ImageStatus.REJECTED
    assert done.quality is not None
    assert [entry.code for entry in done.quality.reasons] == [reason]
    assert working_images_of(cloud, record.image_id) == []


def test_a_blurred_photo_for_training_keeps_its_working_image_and_its_verdict(cloud: Cloud) -> None:
    data = photo(width=1600, height=1200, blur=12)
    record = announce(cloud, data, purpose="training")
    quality(cloud.upload(record.upload_key, data))
    done = casework().image(record.image_id)
    assert done.status is ImageStatus.REJECTED
    assert done.working_image is not None
    assert working_images_of(cloud, record.image_id) == [done.working_image.key]


@pytest.mark.parametrize(("kill_at", "moment"), KILLS)
def test_a_quality_check_killed_at_any_write_ends_the_same(
    cloud: Cloud, kill_at: int, moment: Moment
) -> None:
    data = photo()
    record = announce(cloud, data)
    message = cloud.upload(record.upload_key, data)
    with watched(kill_at, moment) as writes, pytest.raises(KilledError):
        quality(message)
    assert writes.made == ["PutObject", "PutItem", "SendMessage"][: kill_at + (moment == "after")]
    assert quality(message) == []
    assert inference(*cloud.waiting("inference")) == []
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED
    assert len(working_images_of(cloud, record.image_id)) == 1
    assert len(results_of(cloud, record.image_id)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_inference_killed_at_its_write_ends_the_same(cloud: Cloud, moment: Moment) -> None:
    data = photo()
    record = announce(cloud, data)
    quality(cloud.upload(record.upload_key, data))
    (message,) = cloud.waiting("inference")
    with watched(0, moment), pytest.raises(KilledError):
        inference(message)
    assert inference(message) == []
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED
    assert len(results_of(cloud, record.image_id)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_publisher_killed_at_its_write_publishes_again_under_the_same_ids(
    cloud: Cloud, moment: Moment
) -> None:
    data = photo()
    record = announce(cloud, data)
    quality(cloud.upload(record.upload_key, data))
    inference(*cloud.waiting("inference"))
    with watched(0, moment), pytest.raises(KilledError):
        publish(cloud)
    assert publish(cloud) == []
    events = cloud.published()
    assert {event["detail-type"] for event in events} == {"image.accepted", "image.analyzed"}
    assert {event["detail"]["event_id"] for event in events} == {
        f"{record.image_id}:2",
        f"{record.image_id}:3",
    }
    assert {event["detail"]["correlation_id"] for event in events} == {"correlation"}


def test_every_message_five_times_and_shuffled_leaves_one_result_each(cloud: Cloud) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    order = random.Random(seed)
    photos = {announce(cloud, data).image_id: data for data in (photo(seed=n) for n in range(4))}
    uploads = [cloud.upload(f"uploads/{image_id}", data) for image_id, data in photos.items()]
    todo: list[tuple[str, Any]] = [("quality", message) for message in uploads * 5]
    order.shuffle(todo)
    while todo:
        queue, message = todo.pop()
        kill_at = order.choice([None, 0, 1, 2])
        moment: Moment = order.choice(["before", "after"])
        try:
            with watched(kill_at, moment):
                failed = (quality if queue == "quality" else inference)(message)
        except KilledError:
            failed = ["m0"]
        if failed:
            todo.insert(0, (queue, message))
        todo += [("inference", body) for body in cloud.waiting("inference") for _ in range(2)]
        order.shuffle(todo)
    for image_id in photos:
        assert casework().image(image_id).status is ImageStatus.ANALYZED
        assert len(results_of(cloud, image_id)) == 1
        assert len(working_images_of(cloud, image_id)) == 1


def test_a_second_upload_to_a_used_form_changes_nothing(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    first = cloud.upload(record.upload_key, data)
    quality(first)
    inference(*cloud.waiting("inference"))
    before = casework().image(record.image_id)
    assert quality(cloud.upload(record.upload_key, photo(seed=9))) == []
    assert casework().image(record.image_id) == before
    assert cloud.waiting("inference") == []


def test_two_versions_in_a_race_leave_one_working_image(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    first, second = cloud.upload(record.upload_key, data), cloud.upload(record.upload_key, data)
    check = check_quality.wiring.quality_check()
    stale = casework().image(record.image_id)
    quality(first)
    version = second["Records"][0]["s3"]["object"]["versionId"]
    assert check._judge(stale, version, data).object_version != version
    assert len(working_images_of(cloud, record.image_id)) == 1


def test_a_poison_message_is_given_back_and_its_neighbour_succeeds(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    assert quality("not a notification", cloud.upload(record.upload_key, data)) == ["m0"]
    assert inference("{}", *cloud.waiting("inference")) == ["m0"]
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED


def test_s3s_test_event_is_acknowledged(cloud: Cloud) -> None:
    assert quality({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}) == []


def test_an_image_given_up_is_failed_and_a_redrive_finishes_it(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    quality(cloud.upload(record.upload_key, data))
    (message,) = cloud.waiting("inference")
    cloud.dynamodb.delete_table(TableName="registry")  # the cause
    for receive_count in range(1, 6):
        assert inference(message, receive_count=receive_count) == ["m0"]
    failed = casework().image(record.image_id)
    assert failed.status is ImageStatus.FAILED
    assert failed.failure is not None
    assert failed.failure.code == "processing_error"
    cloud.make_table("registry")
    assert inference(message) == []
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED
    assert len(results_of(cloud, record.image_id)) == 1


def test_a_quality_check_given_up_is_failed_and_a_redrive_finishes_it(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    message = cloud.upload(record.upload_key, data)
    cloud.s3.delete_bucket(Bucket="images")  # the cause
    for receive_count in range(1, 6):
        assert quality(message, receive_count=receive_count) == ["m0"]
    assert casework().image(record.image_id).status is ImageStatus.FAILED
    cloud.make_bucket("images")
    assert quality(message) == []
    assert inference(*cloud.waiting("inference")) == []
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED


def test_a_request_that_comes_before_its_photo_was_checked_changes_nothing(cloud: Cloud) -> None:
    data = photo()
    record = announce(cloud, data)
    message = cloud.upload(record.upload_key, data)
    version = message["Records"][0]["s3"]["object"]["versionId"]
    early = {"image_id": record.image_id, "object_version": version, "attempt": 1, "correlation_id": "early"}
    assert inference(early) == []
    assert casework().image(record.image_id) == record
    assert quality(message) == []
    assert inference(*cloud.waiting("inference")) == []
    assert casework().image(record.image_id).status is ImageStatus.ANALYZED
