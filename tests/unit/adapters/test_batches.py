"""Each message of a batch stands for itself."""

from collections.abc import Callable

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError
from pynamodb.exceptions import PutError

from tests.cloud import MAX_RECEIVE_COUNT, failed_ids, sqs_event
from triagelens.adapters.batches import process_messages
from triagelens.domain.errors import TransitionError

OUT_OF_ORDER = [
    PutError("the table is gone"),
    ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject"),
    TransitionError("somebody was faster"),
]


def handle(message: SQSRecord) -> None:
    if message.body == "bad":
        raise RuntimeError("broken")


def process(*bodies: str, receive_count: int, give_up: Callable[[SQSRecord], None]) -> list[str]:
    event = sqs_event(*bodies, receive_count=receive_count)
    answer = process_messages(
        event, handle, give_up, max_receive_count=MAX_RECEIVE_COUNT, logger=Logger(service="test")
    )
    return failed_ids(dict(answer))


@pytest.mark.parametrize("receive_count", range(1, MAX_RECEIVE_COUNT + 2))
def test_a_message_is_marked_on_its_last_delivery_and_not_before(receive_count: int) -> None:
    marked: list[str] = []
    failed = process(
        "good",
        "bad",
        receive_count=receive_count,
        give_up=lambda message: marked.append(message.body),
    )
    assert failed == ["m1"]
    assert marked == (["bad"] if receive_count >= MAX_RECEIVE_COUNT else [])


@pytest.mark.parametrize("error", OUT_OF_ORDER, ids=lambda error: type(error).__name__)
def test_a_mark_that_cannot_be_made_gives_no_neighbour_back(error: Exception) -> None:
    def fail(message: SQSRecord) -> None:
        raise error

    assert process("good", "bad", "good", receive_count=MAX_RECEIVE_COUNT, give_up=fail) == ["m1"]


def test_a_whole_batch_that_fails_is_given_back_message_by_message() -> None:
    assert process("bad", "bad", receive_count=1, give_up=lambda message: None) == ["m0", "m1"]
