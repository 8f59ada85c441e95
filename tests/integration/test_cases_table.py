"""Cases on the table: whole changes or none, lists that skip and repeat nothing, events from the stream."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from ulid import ULID

import publish_events.handler
from tests.cloud import REGION, Cloud, FakeContext
from tests.fakes import START
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.transactions import TRIES
from triagelens.domain.cases import Case, CaseStatus, Comment, HistoryEntry, Move, ReaderLabel
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
    TransitionError,
    UnavailableError,
)
from triagelens.domain.ids import new_id
from triagelens.services.case_ports import TakenNumber, WantedCases
from triagelens.services.ports import Page

EVERY_STATUS = frozenset(CaseStatus)
SPECIALTIES = frozenset({"skin", "eye"})
SECRET = "the neighbour's boy"


@pytest.fixture
def numbers(cloud: Cloud) -> DynamoCaseNumbers:
    return DynamoCaseNumbers("casework", REGION, 10_000)


@pytest.fixture
def cases(cloud: Cloud) -> DynamoCases:
    return DynamoCases("casework", REGION)


@pytest.fixture
def panels(cloud: Cloud) -> DynamoPanels:
    return DynamoPanels("casework", REGION)


@pytest.fixture
def new(numbers: DynamoCaseNumbers) -> Callable[..., Case]:
    def make(owner: str = "gp", **more: Any) -> Case:
        fields = {
            "case_id": new_id(),
            "number": numbers.take(owner),
            "specialty": "skin",
            "status": CaseStatus.OPEN,
            "image_ids": (new_id(),),
            "notes": SECRET,
            "created_at": START,
            "updated_at": START,
            "updated_by": owner,
            "correlation_id": "request",
        }
        return Case.model_validate({**fields, "owner": owner, **more})

    return make


def added(cases: DynamoCases, case: Case) -> Case:
    return cases.add_case(case, case.entry("case.create", None))


def done(cases: DynamoCases, case: Case, action: Move, **changes: Any) -> Case:
    after = case.after(action, "doctor", START, "another request", **changes)
    return cases.replace_case(case, after, after.entry(f"case.{action}", case))


def everything(page: Callable[[str | None], Page[Any]]) -> list[Any]:
    found: list[Any] = []
    cursor = None
    while True:
        part = page(cursor)
        found += part.items
        cursor = part.cursor
        if cursor is None:
            return found


def test_a_case_is_read_back_as_it_was_written(cases: DynamoCases, new: Callable[..., Case]) -> None:
    written = added(cases, new(image_owner="patient", patient_id="p1"))
    assert written.version == 1
    assert cases.case(written.case_id) == written
    assert done(cases, written, Move.AMEND, notes=None) == cases.case(written.case_id)
    with pytest.raises(NotFoundError):
        cases.case(new_id())


def test_the_slower_of_two_writers_changes_nothing(cases: DynamoCases, new: Callable[..., Case]) -> None:
    case = added(cases, new())
    first = done(cases, case, Move.REJECT)
    with pytest.raises(OutdatedError):
        done(cases, case, Move.AMEND, notes="late", image_ids=(new_id(),))
    assert cases.case(case.case_id) == first
    actions = [entry.action for entry in cases.history(case.case_id, 10, None).items]
    assert actions == ["case.reject", "case.create"]


def colliding(times: int) -> Any:
    """DynamoDB answers the next transactions, so many, that another one is under way on the same item."""
    call, left = BaseClient._make_api_call, iter(range(times))  # type: ignore[attr-defined]  # botocore's one door
    cancelled = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
    }

    def disturbed(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and next(left, None) is not None:
            raise ClientError(cancelled, operation)  # type: ignore[arg-type]  # as botocore makes it
        return call(self, operation, parameters)

    return patch.object(BaseClient, "_make_api_call", disturbed)


def test_writers_that_collide_try_again_and_give_up_in_the_end(
    cases: DynamoCases, new: Callable[..., Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    case = added(cases, new())
    with colliding(TRIES - 1):
        case = done(cases, case, Move.AMEND, notes="after all")
    assert cases.case(case.case_id) == case
    assert len(pauses) == TRIES - 1
    with colliding(TRIES), pytest.raises(UnavailableError):
        done(cases, case, Move.REJECT)
    assert cases.case(case.case_id) == case


def test_an_image_is_in_one_undecided_case_only(cases: DynamoCases, new: Callable[..., Case]) -> None:
    case = added(cases, new())
    rival = new(image_ids=case.image_ids)
    with pytest.raises(ConflictError, match="not decided yet"):
        added(cases, rival)
    with pytest.raises(NotFoundError):
        cases.case(rival.case_id)
    other = added(cases, new())
    with pytest.raises(ConflictError, match="not decided yet"):
        done(cases, other, Move.AMEND, image_ids=(*other.image_ids, *case.image_ids))
    doubted = done(cases, case, Move.DOUBT)
    with pytest.raises(ConflictError, match="not decided yet"):
        added(cases, rival)
    done(cases, doubted, Move.CONFIRM)
    assert added(cases, rival).image_ids == case.image_ids


def test_an_image_taken_out_of_a_case_is_free(cases: DynamoCases, new: Callable[..., Case]) -> None:
    case = added(cases, new())
    done(cases, case, Move.AMEND, image_ids=(new_id(),))
    assert added(cases, new(image_ids=case.image_ids)).version == 1


def test_a_number_serves_one_case_of_its_holder(
    cases: DynamoCases, new: Callable[..., Case], numbers: DynamoCaseNumbers
) -> None:
    case = added(cases, new())
    for wrong in (case.number, numbers.take("somebody else"), 99_999):
        with pytest.raises(ConflictError, match="number"):
            added(cases, new(number=wrong))
    with pytest.raises(ConflictError):
        numbers.release(case.number, "gp")
    assert numbers.taken(case.number) == TakenNumber("gp", case.case_id)


def test_pages_hold_every_wanted_case_once_newest_first_across_months(
    cases: DynamoCases, new: Callable[..., Case]
) -> None:
    ids = []
    for number in range(12):
        moment = datetime(2026, 11, 23, tzinfo=UTC) - timedelta(days=20 * number)
        case = added(
            cases,
            new(
                case_id=str(ULID.from_datetime(moment)).lower(),
                specialty="eye" if number % 3 else "skin",
                owner="gp" if number % 2 else "ben",
                image_owner="patient" if number % 4 == 0 else None,
            ),
        )
        if number % 3 == 1:
            case = done(cases, case, Move.REJECT)
        ids.append(case)

    def listed(wanted: WantedCases, limit: int) -> list[str]:
        return [case.case_id for case in everything(lambda cursor: cases.cases(wanted, limit, cursor))]

    for limit in (1, 5, 12):
        assert listed(WantedCases(None, SPECIALTIES, EVERY_STATUS), limit) == [case.case_id for case in ids]
    undecided = frozenset({CaseStatus.OPEN, CaseStatus.UNCERTAIN})
    wanted = [case.case_id for case in ids if case.status in undecided and case.specialty == "eye"]
    assert listed(WantedCases(None, frozenset({"eye"}), undecided), 2) == wanted
    own = [case.case_id for case in ids if case.owner == "gp"]
    assert listed(WantedCases("gp", SPECIALTIES, EVERY_STATUS), 2) == own
    theirs = [case.case_id for case in ids if case.image_owner == "patient"]
    assert len(theirs) == 3
    assert listed(WantedCases("patient", SPECIALTIES, EVERY_STATUS), 2) == theirs
    assert listed(WantedCases("stranger", SPECIALTIES, EVERY_STATUS), 2) == []
    assert listed(WantedCases(None, SPECIALTIES, frozenset()), 2) == []


def test_whose_images_these_are_follows_the_images(cases: DynamoCases, new: Callable[..., Case]) -> None:
    case = added(cases, new(image_owner="patient"))
    moved = done(cases, case, Move.AMEND, image_ids=(new_id(),), image_owner="another")

    def of(person: str) -> list[Case]:
        return list(cases.cases(WantedCases(person, SPECIALTIES, EVERY_STATUS), 5, None).items)

    assert of("patient") == []
    assert of("another") == [moved]
    alone = done(cases, moved, Move.AMEND, image_owner=None)
    assert of("another") == []
    assert of("gp") == [alone]


@pytest.mark.parametrize("cursor", ["", "x", "7" + "z" * 25, "CASE#01hzzzzzzzzzzzzzzzzzzzzzzz"])
def test_a_cursor_of_another_kind_is_refused(cases: DynamoCases, cursor: str) -> None:
    with pytest.raises(InvalidRequestError):
        cases.cases(WantedCases(None, SPECIALTIES, EVERY_STATUS), 3, cursor)


def test_no_list_scans_or_filters(cases: DynamoCases, new: Callable[..., Case]) -> None:
    added(cases, new())
    calls: list[tuple[str, dict[str, Any]]] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's one door to AWS

    def noted(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((operation, parameters))
        return call(self, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", noted):
        for person in (None, "gp"):
            assert cases.cases(WantedCases(person, SPECIALTIES, EVERY_STATUS), 3, None).items
    assert {operation for operation, _ in calls} == {"Query"}
    assert not [parameters for _, parameters in calls if "FilterExpression" in parameters]


def entry(case: Case, action: str) -> HistoryEntry:
    return HistoryEntry(entry_id=new_id(), case_id=case.case_id, at=START, by="doctor", action=action)


def test_comments_and_labels_keep_their_versions(
    cases: DynamoCases, panels: DynamoPanels, new: Callable[..., Case]
) -> None:
    case = added(cases, new())
    for number in range(5):
        comment = Comment(
            comment_id=new_id(), case_id=case.case_id, author="gp", text=f"t{number}", created_at=START
        )
        written = cases.write_comment(comment, entry(case, "comment.add"))
    edited = cases.write_comment(written.model_copy(update={"text": "new"}), entry(case, "comment.edit"))
    with pytest.raises(ConflictError):
        cases.write_comment(written, entry(case, "comment.edit"))
    assert cases.comment(case.case_id, written.comment_id) == edited
    found = everything(lambda cursor: cases.comments(case.case_id, 2, cursor))
    assert sorted(comment.text for comment in found) == ["new", "t0", "t1", "t2", "t3"]
    assert len(everything(lambda cursor: cases.history(case.case_id, 3, cursor))) == 7
    for reader in ("a", "b", "c"):
        label = ReaderLabel(
            case_id=case.case_id, reader=reader, correct_label="nv", created_at=START, updated_at=START
        )
        assert cases.label(case.case_id, reader) is None
        before = panels.panel(case)
        after = before.after_label(reader, "nv", START)
        written_label = cases.write_label(label, before, after, entry(case, "label.set"))
        assert written_label == cases.label(case.case_id, reader)
        with pytest.raises(ConflictError):
            cases.write_label(label, before, after, entry(case, "label.set"))
    assert {label.reader for label in everything(lambda c: cases.labels(case.case_id, 2, c))} == set("abc")
    done(cases, case, Move.REJECT)
    before = panels.panel(case)
    with pytest.raises(TransitionError):
        cases.write_label(
            label.model_copy(update={"reader": "d"}),
            before,
            before.after_label("d", "nv", START),
            entry(case, "label.set"),
        )


def test_what_happens_to_a_case_is_on_the_bus_and_no_word_of_it(
    cloud: Cloud, cases: DynamoCases, new: Callable[..., Case]
) -> None:
    case = added(cases, new())
    doubted = done(cases, done(cases, case, Move.AMEND, notes=None), Move.DOUBT)
    done(cases, doubted, Move.CONFIRM, final_diagnosis=SECRET)
    done(cases, added(cases, new()), Move.REJECT)
    answer = publish_events.handler.handler(cloud.stream_event(), FakeContext())
    assert answer == {"batchItemFailures": []}
    published = cloud.published()
    told = [event["detail-type"] for event in published]
    assert sorted(told) == sorted(
        ["case.created", "case.uncertain", "case.confirmed", "case.created", "case.rejected"]
    )
    assert SECRET not in str(published)
    details = [event["detail"] for event in published]
    ids = {told["event_id"] for told in details if told["detail"]["case_id"] == case.case_id}
    assert ids == {f"{case.case_id}:{version}" for version in (1, 3, 4)}
