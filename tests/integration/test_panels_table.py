"""Many at once on one case, on the table: no label and no change is lost, and nothing is counted twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.cloud import REGION, Cloud
from tests.fakes import START, FakeClock
from triagelens.adapters.dynamodb.case_items import case_pk
from triagelens.adapters.dynamodb.case_numbers import DynamoCaseNumbers
from triagelens.adapters.dynamodb.cases import DynamoCases
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.panel_items import REVIEW
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.adapters.dynamodb.review import DynamoReview, review_attributes
from triagelens.adapters.dynamodb.tables import CaseworkItem
from triagelens.domain.cases import Case
from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.panels import MOST_READERS, PanelState
from triagelens.domain.people import Person, Role
from triagelens.domain.review import ReviewItem, Strategy
from triagelens.services.cases import Cases, NewCase
from triagelens.services.changes import Asked
from triagelens.services.images import Images
from triagelens.services.readings import Readings

WRITERS = 100


def doctor(name: str) -> Person:
    return Person(sub=name, username=name, role=Role.DOCTOR, created_at=START)


@pytest.fixture
def cases(cloud: Cloud) -> Cases:
    casework, clock = DynamoCasework("casework", REGION, "ephemeral"), FakeClock()
    return Cases(
        DynamoCases("casework", REGION),
        DynamoCaseNumbers("casework", REGION, 10_000),
        casework,
        Images(casework, clock, timedelta(days=4)),
        clock,
    )


@pytest.fixture
def opened(cases: Cases) -> Callable[[int], Case]:
    """Makes a case that asks for so many readers."""

    def make(readers: int) -> Case:
        record = ImageRecord(
            image_id=new_id(),
            owner="anna",
            specialty="skin",
            status=ImageStatus.ANALYZED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
            upload_expires_at=START,
            created_at=START,
            updated_at=START,
            correlation_id="correlation",
        )
        image = DynamoCasework("casework", REGION).replace_image(record)
        new = NewCase("skin", (image.image_id,), readers_wanted=readers)
        return cases.open(doctor("anna"), new, "request")

    return make


def insisting(act: Callable[[], object]) -> None:
    """Does it until nobody is in the way."""
    while True:
        try:
            act()
        except (ConflictError, UnavailableError):
            continue
        return


def test_a_hundred_writers_at_once_lose_no_update_of_a_stored_case(
    cases: Cases, opened: Callable[[int], Case]
) -> None:
    case_id = opened(1).case_id

    def add(word: str) -> None:
        def once() -> None:
            case = cases.visible_to(doctor("anna"), case_id)
            asked = Asked(doctor("anna"), frozenset({case.version or 0}), "request")
            cases.amend(asked, case, {"notes": f"{case.notes or ''} {word}"})

        insisting(once)

    words = [f"w{number}" for number in range(WRITERS)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, words))
    final = cases.visible_to(doctor("anna"), case_id)
    assert sorted((final.notes or "").split()) == sorted(words)
    assert final.version == WRITERS + 1


def test_readers_who_label_at_the_same_moment_are_all_heard_and_counted_once(
    opened: Callable[[int], Case],
) -> None:
    panels, records = DynamoPanels("casework", REGION), DynamoCases("casework", REGION)
    readings = Readings(records, panels, FakeClock())
    case = opened(MOST_READERS)
    item = ReviewItem(
        case_id=case.case_id,
        number=case.number,
        specialty="skin",
        image_id=case.image_ids[0],
        margin=0.1,
        entropy=0.6,
        confidence=0.5,
        embedding=(1.0,),
    )
    CaseworkItem(case_pk(case.case_id), REVIEW, **review_attributes(item)).save()
    readers = [f"reader{number}" for number in range(MOST_READERS)]

    def label(reader: str) -> None:
        name = "mel" if reader == readers[0] else "nv"
        insisting(lambda: readings.label(doctor(reader), case, name, None))

    with ThreadPoolExecutor(MOST_READERS) as pool:
        list(pool.map(label, readers))
    panel = panels.panel(case)
    assert set(panel.labels) == set(readers)
    assert panel.state is PanelState.DISPUTED
    assert [counted for _, counted in panels.patterns("skin")[MOST_READERS]] == [1]
    assert DynamoReview("casework", REGION).first("skin", Strategy.MARGIN, 5, None).items == []
    history = records.history(case.case_id, 50, None).items
    assert [entry.action for entry in history].count("label.set") == MOST_READERS


def test_two_who_change_the_number_of_readers_do_not_write_over_each_other(
    opened: Callable[[int], Case],
) -> None:
    panels = DynamoPanels("casework", REGION)
    case = opened(1)
    read = panels.panel(case)
    entry = case.entry("panel.readers", None)
    panels.write_panel(read.wanting(2), entry)
    with pytest.raises(ConflictError):
        panels.write_panel(read.wanting(3), entry.model_copy(update={"entry_id": new_id()}))
    assert panels.panel(case).readers_wanted == 2
