"""Case numbers on the table: none twice, whoever asks at the same moment."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient

from tests.cloud import REGION, Cloud
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.domain.errors import NotFoundError
from triagelens.services.case_ports import TakenNumber

START = 10_000
CALLERS = 100


@pytest.fixture
def numbers(cloud: Cloud) -> DynamoCaseNumbers:
    return DynamoCaseNumbers("casework", REGION, START)


@pytest.fixture
def one_call_at_a_time() -> Iterator[None]:
    """DynamoDB does each call whole, which moto does not promise among threads; between calls all happens."""
    call, lock = BaseClient._make_api_call, threading.Lock()  # type: ignore[attr-defined]  # botocore's one door

    def alone(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        with lock:
            return call(self, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", alone):
        yield


def taken_by_many(numbers: DynamoCaseNumbers) -> list[int]:
    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(numbers.take, [f"caller{n}" for n in range(CALLERS)]))


@pytest.mark.usefixtures("one_call_at_a_time")
def test_a_hundred_callers_at_once_get_a_hundred_numbers(numbers: DynamoCaseNumbers) -> None:
    assert sorted(taken_by_many(numbers)) == list(range(START, START + CALLERS))


@pytest.mark.usefixtures("one_call_at_a_time")
def test_released_numbers_are_fought_for_and_go_to_one_caller_each(numbers: DynamoCaseNumbers) -> None:
    first = [numbers.take("first") for _ in range(30)]
    for number in first:
        numbers.release(number, "first")
    taken = taken_by_many(numbers)
    assert Counter(taken).most_common(1)[0][1] == 1
    for number, holder in zip(taken, [f"caller{n}" for n in range(CALLERS)], strict=True):
        numbers.release(number, holder)


def test_the_lowest_released_number_comes_back_first(numbers: DynamoCaseNumbers) -> None:
    taken = [numbers.take("ada") for _ in range(4)]
    assert taken == [10_000, 10_001, 10_002, 10_003]
    numbers.release(10_002, "ada")
    numbers.release(10_001, "ada")
    assert [numbers.take("ben") for _ in range(3)] == [10_001, 10_002, 10_004]


def test_a_number_goes_back_only_from_its_holder_and_only_once(numbers: DynamoCaseNumbers) -> None:
    number = numbers.take("ada")
    for holder, what in (("ben", number), ("ada", number + 1)):
        with pytest.raises(NotFoundError):
            numbers.release(what, holder)
    numbers.release(number, "ada")
    with pytest.raises(NotFoundError):
        numbers.release(number, "ada")
    assert numbers.take("ben") == number
    with pytest.raises(NotFoundError):
        numbers.release(number, "ada")


def test_a_number_that_is_held_says_by_whom(numbers: DynamoCaseNumbers) -> None:
    number = numbers.take("ada")
    assert numbers.taken(number) == TakenNumber("ada", None)
    assert numbers.taken(number + 1) is None
    numbers.release(number, "ada")
    assert numbers.taken(number) is None
