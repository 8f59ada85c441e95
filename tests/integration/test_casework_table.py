"""The casework table behind its port: keys that make a request safe, pages, locks."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.cloud import REGION, Cloud
from tests.fakes import START
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.transactions import TRIES
from triagelens.domain.errors import (
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    TransitionError,
    UnavailableError,
)
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.services.ports import IdempotencyKey


@pytest.fixture
def casework(cloud: Cloud) -> DynamoCasework:
    return DynamoCasework("casework", REGION, "ephemeral")


def new_record(owner: str = "owner") -> ImageRecord:
    return ImageRecord(
        image_id=new_id(),
        owner=owner,
        specialty="skin",
        status=ImageStatus.AWAITING_UPLOAD,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START + timedelta(minutes=10),
        created_at=START,
        updated_at=START,
        correlation_id="correlation",
    )


def key(fingerprint: str = "this request") -> IdempotencyKey:
    return IdempotencyKey("owner", "key", fingerprint, START + timedelta(hours=24))


def conflicts(times: int) -> Iterator[Any]:
    """DynamoDB's answer to two transactions on one item at the same moment, so many times."""
    cancelled = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
    }
    for _ in range(times):
        yield ClientError(cancelled, "TransactWriteItems")  # type: ignore[arg-type]  # as botocore makes it


def with_conflicts(times: int) -> Any:
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's one door to AWS
    todo = conflicts(times)

    def disturbed(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and (error := next(todo, None)) is not None:
            raise error
        return call(self, operation, parameters)

    return patch.object(BaseClient, "_make_api_call", disturbed)


def test_a_record_is_read_back_as_it_was_written(casework: DynamoCasework) -> None:
    written = casework.add_image(new_record(), None)
    assert casework.image(written.image_id) == written


def test_a_key_used_again_gives_the_same_image(casework: DynamoCasework) -> None:
    first = casework.add_image(new_record(), key())
    second = new_record()
    assert casework.add_image(second, key()) == first
    with pytest.raises(NotFoundError):
        casework.image(second.image_id)


def test_a_key_used_for_another_request_is_refused(casework: DynamoCasework) -> None:
    casework.add_image(new_record(), key())
    with pytest.raises(IdempotencyMismatchError):
        casework.add_image(new_record(), key("another request"))


def test_two_requests_at_the_same_moment_are_sorted_out(casework: DynamoCasework) -> None:
    with with_conflicts(TRIES - 1):
        written = casework.add_image(new_record(), key())
    assert casework.image(written.image_id) == written


def test_a_conflict_that_does_not_end_is_told(casework: DynamoCasework) -> None:
    with with_conflicts(TRIES), pytest.raises(UnavailableError):
        casework.add_image(new_record(), key())


def test_pages_hold_every_image_of_the_owner_once_newest_first(casework: DynamoCasework) -> None:
    made = [casework.add_image(new_record(), None).image_id for _ in range(7)]
    casework.add_image(new_record("somebody else"), None)
    seen: list[str] = []
    cursor = None
    while True:
        page = casework.images_of("owner", 3, cursor)
        seen += [record.image_id for record in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize("cursor", ["", "x", "01jz", "0" * 27, "IMG#01hzzzzzzzzzzzzzzzzzzzzzzz"])
def test_a_cursor_of_another_kind_is_refused(casework: DynamoCasework, cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        casework.images_of("owner", 3, cursor)


def test_the_slower_of_two_writers_is_told(casework: DynamoCasework) -> None:
    read = casework.add_image(new_record(), None)
    casework.replace_image(read)
    with pytest.raises(TransitionError):
        casework.replace_image(read)
