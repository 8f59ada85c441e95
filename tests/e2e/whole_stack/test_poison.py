"""Messages that can never succeed end in the dead-letter queues, and harm nobody beside them.

The poison, by name:
- `NO_NOTIFICATION`: a message in the quality queue that S3 did not write;
- `UNANNOUNCED`: an object in the uploads bucket that the API never issued a form for;
- `NO_REQUEST`: a message in the inference queue that says of no image.
And one cause that goes away: the registry's entry of one specialty is damaged, then mended.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.whole_stack.files import sharp
from tests.e2e.whole_stack.stack import Person, Stack, until
from triagelens.domain.ids import new_id

NO_NOTIFICATION = "this is no notification"
NO_REQUEST = json.dumps({"image": "which one?"})
DAMAGED = "brain"


@dataclass(frozen=True)
class Accident:
    """Poison was sent, with good photos beside it, and everybody has given up.

    Attributes:
        stuck: two images of the specialty whose registry entry is damaged.
    """

    unannounced: str
    neighbours: list[dict[str, Any]]
    stuck: list[dict[str, Any]]


@pytest.fixture(scope="module")
def accident(plain: Stack, person: Person) -> Accident:
    """Five deliveries and their pauses take most of a minute."""
    sqs, unannounced = plain.aws("sqs"), new_id()
    damage(plain)
    sqs.send_message(QueueUrl=plain.outputs["QualityQueueUrl"], MessageBody=NO_NOTIFICATION)
    sqs.send_message(QueueUrl=plain.outputs["InferenceQueueUrl"], MessageBody=NO_REQUEST)
    plain.aws("s3").put_object(
        Bucket=plain.outputs["UploadsBucket"], Key=f"uploads/{unannounced}", Body=sharp()
    )
    sent = {specialty: [begin(person, specialty) for _ in range(2)] for specialty in ("skin", DAMAGED)}
    neighbours = [person.outcome(image_id) for image_id in sent["skin"]]
    stuck = [person.outcome(image_id) for image_id in sent[DAMAGED]]
    until(lambda: plain.waiting("QualityDlqUrl") >= 2, "poison in the quality queue was given up")
    until(lambda: plain.waiting("InferenceDlqUrl") >= 3, "poison in the inference queue was given up")
    return Accident(unannounced, neighbours, stuck)


def begin(person: Person, specialty: str) -> str:
    data = sharp()
    announced = person.announce(specialty, data)
    assert person.post(announced["upload"], data).is_success
    image_id: str = announced["image_id"]
    return image_id


def pointer(stack: Stack) -> dict[str, Any]:
    """Where the registry says which model answers for the specialty."""
    return {
        "TableName": stack.outputs["RegistryTable"],
        "Key": {"pk": {"S": f"SPEC#{DAMAGED}"}, "sk": {"S": "PRODUCTION"}},
    }


def damage(stack: Stack) -> None:
    where = pointer(stack)
    item = where.pop("Key") | {"kind": {"S": "pointer"}, "body": {"S": "{}"}, "version": {"N": "1"}}
    stack.aws("dynamodb").put_item(**where, Item=item)


def dead(stack: Stack, queue: str) -> list[dict[str, Any]]:
    """The messages of a dead-letter queue, which are left there."""
    sqs, url = stack.aws("sqs"), stack.outputs[queue]
    messages: list[dict[str, Any]] = []
    while answer := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        messages += answer
    for message in messages:
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    return messages


def bury(stack: Stack, queue: str, holding: str) -> None:
    """Takes the poison out of a dead-letter queue, as an operator does who has looked at it."""
    sqs, url = stack.aws("sqs"), stack.outputs[queue]
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        if holding in message["Body"]:
            sqs.delete_message(**handle)
        else:
            sqs.change_message_visibility(**handle, VisibilityTimeout=0)


def test_the_neighbours_of_poison_are_analysed(accident: Accident) -> None:
    assert [image["status"] for image in accident.neighbours] == ["analyzed"] * 2


def test_poison_is_kept_in_the_dead_letter_queues_and_nothing_else_is(
    plain: Stack, accident: Accident
) -> None:
    quality = [message["Body"] for message in dead(plain, "QualityDlqUrl")]
    assert len(quality) == 2
    assert NO_NOTIFICATION in quality
    assert any(accident.unannounced in body for body in quality)
    inference = [message["Body"] for message in dead(plain, "InferenceDlqUrl")]
    assert len(inference) == 3
    assert NO_REQUEST in inference
    assert all(any(image["image_id"] in body for body in inference) for image in accident.stuck)


def test_whoever_waits_is_told_that_the_analysis_failed_and_may_be_repeated(accident: Accident) -> None:
    for image in accident.stuck:
        assert image["status"] == "failed"
        assert image["failure"]["code"] == "processing_error"
        assert image["failure"]["retryable"] is True


def test_once_the_cause_is_gone_a_redrive_or_a_retry_finishes_the_work_once(
    plain: Stack, person: Person, admin: Person, accident: Accident
) -> None:
    plain.aws("dynamodb").delete_item(**pointer(plain))
    retried, redriven = (image["image_id"] for image in accident.stuck)
    assert admin.ask("POST", f"/v1/images/{retried}/retry").status_code == 202
    until(lambda: person.outcome(retried)["status"] == "analyzed", "the retried image is analysed")
    bury(plain, "InferenceDlqUrl", NO_REQUEST)
    assert plain.operate("infra.redrive", "inference").startswith("2 messages")
    until(lambda: person.outcome(redriven)["status"] == "analyzed", "the redriven image is analysed")
    until(lambda: plain.waiting("InferenceQueueUrl") == 0, "the inference queue is empty")
    assert [len(plain.results_of(image_id)) for image_id in (retried, redriven)] == [1, 1]
    assert plain.waiting("InferenceDlqUrl") == 0


def test_buried_poison_is_gone(plain: Stack, accident: Accident) -> None:
    bury(plain, "QualityDlqUrl", NO_NOTIFICATION)
    bury(plain, "QualityDlqUrl", accident.unannounced)
    assert plain.waiting("QualityDlqUrl") == 0
