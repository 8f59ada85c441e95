"""Images whose messages died without a word are told so."""

import json
from datetime import UTC, datetime, timedelta

import mark_dead_letters.handler
from tests.cloud import Cloud, FakeContext
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.messages import InferenceRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def casework() -> DynamoCasework:
    return DynamoCasework("casework", "eu-central-1", "ephemeral")


def announced() -> ImageRecord:
    return casework().add_image(
        ImageRecord(
            image_id=new_id(),
            owner="ada",
            specialty="skin",
            status=ImageStatus.AWAITING_UPLOAD,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1000),
            correlation_id="request",
            created_at=NOW,
            updated_at=NOW,
            upload_expires_at=NOW + timedelta(minutes=10),
        ),
        None,
    )


def accepted() -> ImageRecord:
    record = announced().move(ImageStatus.ACCEPTED, NOW, object_version="v0", attempt=1)
    return casework().replace_image(record)


def stored(record: ImageRecord) -> ImageRecord:
    return casework().image(record.image_id)


def request(record: ImageRecord) -> str:
    return InferenceRequest(
        image_id=record.image_id, object_version="v0", attempt=1, correlation_id="request"
    ).model_dump_json()


def test_images_of_dead_letters_are_failed_and_the_letters_stay_for_the_redrive(cloud: Cloud) -> None:
    uploaded, waiting = announced(), accepted()
    entity = {"bucket": {"name": "uploads"}, "object": {"key": uploaded.upload_key, "versionId": "v0"}}
    notification = json.dumps({"Records": [{"eventName": "ObjectCreated:Post", "s3": entity}]})
    for queue, body in [
        ("dead", notification),
        ("dead", "not a notification"),
        ("dead-requests", "{}"),
        ("dead-requests", request(waiting)),
    ]:
        cloud.sqs.send_message(QueueUrl=cloud.queue_urls[queue], MessageBody=body)
    mark_dead_letters.handler.handler({}, FakeContext())
    for record in (uploaded, waiting):
        failure = stored(record).failure
        assert stored(record).status is ImageStatus.FAILED
        assert failure is not None
        assert (failure.code, failure.retryable) == ("processing_error", True)
    for queue in ("dead", "dead-requests"):
        held = cloud.sqs.get_queue_attributes(
            QueueUrl=cloud.queue_urls[queue], AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
        )
        assert held["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "2"


def test_a_letter_read_again_and_one_that_is_too_late_change_nothing(cloud: Cloud) -> None:
    record = accepted()
    url = cloud.queue_urls["dead-requests"]
    cloud.sqs.send_message(QueueUrl=url, MessageBody=request(record))
    analysed = stored(record).move(ImageStatus.FAILED, NOW, failure=None)
    later = casework().replace_image(analysed.move(ImageStatus.ACCEPTED, NOW, attempt=2))
    mark_dead_letters.handler.handler({}, FakeContext())
    assert stored(record) == later
