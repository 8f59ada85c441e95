"""What people said of SMITA goes with those who said it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.old_stores import HASH, write_json
from triagelens_client import Triagelens
from triagelens_client.migrate.deployment import Deployment
from triagelens_client.migrate.engine import NOT_HERE, Migration
from triagelens_client.migrate.ledger import Ledger
from triagelens_client.migrate.nowhere import Nowhere
from triagelens_client.migrate.records import OldFeedback, OldUser, Store
from triagelens_client.migrate.report import Report
from triagelens_client.migrate.smita import LATER_ONE, MOST_FEEDBACK, NO_RATING, NOBODYS, read_smita

OID = "65a0c0ffee65a0c0ffee65aa"
ANN = {"_id": {"$oid": OID}, "username": "ann", "email": "a@example.org", "password": HASH}
BOB = {"_id": "b", "username": "bob", "password": HASH}
SAID = {"rating": 4, "feedback": "Fast.", "created_at": {"$date": "2025-05-08T10:00:00Z"}}


def read(root: Path, *feedbacks: dict[str, Any], users: Any = (ANN, BOB)) -> tuple[Any, dict[str, str]]:
    store = read_smita(write_json(root, users=list(users), feedbacks=list(feedbacks)))
    said = {user.username: user.feedback for user in store.users}
    return said, {one.ref: one.reason for one in store.unfit}


@pytest.mark.parametrize(
    "who",
    [
        {"user_id": {"$oid": OID}},
        {"userId": "65A0c0ffee65a0c0ffee65aa"},
        {"email": "A@example.org"},
        {"username": "ann"},
    ],
)
def test_feedback_is_that_of_whom_it_names(tmp_path: Path, who: dict[str, Any]) -> None:
    said, unfit = read(tmp_path, {**SAID, **who})
    when = datetime(2025, 5, 8, 10, tzinfo=UTC)
    assert said == {"ann": OldFeedback("feedbacks.json:1", 4, "Fast.", when), "bob": None}
    assert unfit == {}


def test_what_nobody_is_known_to_have_said_is_nobodys(tmp_path: Path) -> None:
    twin = {**BOB, "_id": "c", "username": "carl", "email": "a@example.org"}
    unsure = {**SAID, "email": "a@example.org"}
    said, unfit = read(tmp_path, SAID, {**SAID, "email": "x@example.org"}, unsure, users=(ANN, BOB, twin))
    assert set(said.values()) == {None}
    assert unfit == {f"feedbacks.json:{place}": NOBODYS for place in (1, 2, 3)}


@pytest.mark.parametrize("rating", [0, 6, 3.5, "good", None])
def test_a_rating_is_one_from_1_to_5(tmp_path: Path, rating: object) -> None:
    said, unfit = read(tmp_path, {**SAID, "username": "ann", "rating": rating})
    assert (said["ann"], unfit) == (None, {"feedbacks.json:1": NO_RATING})


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_the_latest_counts(tmp_path: Path, turned: bool) -> None:
    both = [
        {**SAID, "username": "ann", "feedback": words, "created_at": f"2025-0{month}-01"}
        for words, month in (("Slow.", 3), ("Fast.", 5))
    ]
    said, unfit = read(tmp_path, *(reversed(both) if turned else both))
    assert said["ann"].text == "Fast."
    assert unfit == {f"feedbacks.json:{2 if turned else 1}": LATER_ONE}


def test_what_of_it_does_not_fit_is_told(tmp_path: Path) -> None:
    long = {
        "username": "ann",
        "rating": "5",
        "feedback": "a" * 5_000,
        "created_at": "1970-01-01T00:00:00+09:00",
    }
    said, _ = read(tmp_path, long)
    assert (said["ann"].rating, len(said["ann"].text), said["ann"].submitted_at) == (5, MOST_FEEDBACK, None)
    assert said["ann"].remarks == (
        f"only its first {MOST_FEEDBACK} characters came",
        "when it was said could not be read",
    )


def test_it_is_reported_as_what_became_of_who_said_it() -> None:
    said = OldFeedback("feedbacks.json:1", 4, remarks=("when it was said could not be read",))
    here = OldUser("ann", "ann", "patient", HASH, feedback=said)
    gone = OldUser("bob", "bob", "patient", "md5", feedback=OldFeedback("feedbacks.json:2", 1))
    report = Report.begun(Store("smita", users=[here, gone]), None, dry_run=True)
    Migration(Store("smita", users=[here, gone]), Nowhere(), Ledger(None), report, keeps=False).run()
    told = {entry.ref: (entry.outcome, entry.remarks) for entry in report.entries if entry.kind == "feedback"}
    assert told == {
        "feedbacks.json:1": ("taken", ("when it was said could not be read",)),
        "feedbacks.json:2": ("left_out", (NOT_HERE,)),
    }


def test_it_is_sent_with_who_said_it() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.extend(json.loads(request.content)["users"])
        return httpx.Response(200, json={"results": []})

    when = datetime(2025, 5, 8, 10, tzinfo=UTC)
    users = [
        OldUser("ann", "ann", "patient", HASH, feedback=OldFeedback("f", 4, "Fast.", when)),
        OldUser("bob", "bob", "patient", HASH),
    ]
    transport = httpx.MockTransport(answer)
    with Triagelens(
        "https://api.example", token_provider=lambda refused=None: "t", transport=transport
    ) as client:
        Deployment(client, "smita", "root").users(users, {})
    known = {"password_hash": HASH, "role": "patient"}
    said = {"rating": 4, "text": "Fast.", "submitted_at": "2025-05-08T10:00:00+00:00"}
    assert sent == [{"username": "ann", **known, "feedback": said}, {"username": "bob", **known}]
