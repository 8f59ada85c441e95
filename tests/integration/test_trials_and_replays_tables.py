"""The tally of a trial, the walk through the analysed images, and a card that two people change at once."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cloud import REGION, Cloud
from tests.fakes import START, FakeClock
from tests.unit.services.test_models_by_hand_service import registered
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.dynamodb.replays import DynamoAnalysedImages
from triagelens.adapters.dynamodb.trials import DynamoTrials
from triagelens.domain.errors import ConflictError
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.models import Candidate, ModelStatus, ProductionPointer
from triagelens.domain.rollout import WINDOW_H, Tally


def candidate(version: str = "2.0", since: datetime = START) -> Candidate:
    return Candidate(**registered(version).files().model_dump(), share=0.5, since=since)


def test_each_side_of_a_trial_is_added_up_over_the_window(cloud: Cloud) -> None:
    clock = FakeClock()
    trials = DynamoTrials("ephemeral", REGION, clock)
    one = Tally(answers=1, abstained=1, confidence_sum=0.75)
    for _ in range(3):
        trials.count("eye", candidate(), "candidate", one)
        clock.advance(hours=1)
    trials.count("eye", candidate(), "candidate", Tally(failures=1))
    trials.count("eye", candidate(), "production", one)
    assert trials.tally("eye", candidate(), "candidate") == Tally(
        answers=3, failures=1, abstained=3, confidence_sum=2.25
    )
    assert trials.tally("eye", candidate(), "production") == one
    clock.advance(hours=WINDOW_H + 1)
    assert trials.tally("eye", candidate(), "candidate") == Tally()


def test_a_new_trial_of_the_same_version_begins_with_nothing(cloud: Cloud) -> None:
    trials = DynamoTrials("ephemeral", REGION, FakeClock())
    trials.count("eye", candidate(), "candidate", Tally(failures=3))
    again = candidate(since=START.replace(hour=11))
    assert trials.tally("eye", again, "candidate") == Tally()
    assert trials.tally("skin", candidate(), "candidate") == Tally()


def analysed(number: int, month: int, **changes: Any) -> str:
    image_id = f"01k9qq3ztm5c2v8e6x4r1n{number:04}"
    record = ImageRecord(
        image_id=image_id,
        owner="somebody",
        specialty="eye",
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=datetime(2026, month, 5, tzinfo=UTC),
        updated_at=START,
        correlation_id="c",
    )
    DynamoCasework("casework", REGION).replace_image(record.model_copy(update=changes))
    return image_id


def test_the_walk_goes_back_month_by_month_and_on_from_where_it_stopped(cloud: Cloud) -> None:
    ids = [analysed(number, month) for number, month in ((1, 3), (2, 9), (3, 9), (4, 11), (5, 11))]
    analysed(9, 11, status=ImageStatus.FAILED)
    images = DynamoAnalysedImages("casework", REGION, FakeClock())
    whole = [record.image_id for _, record in images.behind(None, 50)]
    assert whole == [ids[4], ids[3], ids[2], ids[1], ids[0]]
    seen: list[str] = []
    found = images.behind(None, 2)
    while found:
        seen += [record.image_id for _, record in found]
        found = images.behind(found[-1][0], 2)
    assert seen == whole


def test_a_walk_reaches_over_the_turn_of_a_year(cloud: Cloud) -> None:
    earlier = analysed(1, 12, created_at=datetime(2025, 12, 31, tzinfo=UTC))
    images = DynamoAnalysedImages("casework", REGION, FakeClock(START.replace(month=1)))
    assert [record.image_id for _, record in images.behind(None, 5)] == [earlier]


def pointer(version: str, revision: int) -> ProductionPointer:
    return ProductionPointer(
        **registered(version).files().model_dump(),
        specialty="eye",
        activated_by="somebody",
        activated_at=START,
        revision=revision,
    )


def test_a_pointer_and_a_card_are_written_together_or_not_at_all(cloud: Cloud) -> None:
    registry = DynamoRegistry("registry", REGION)
    registry.add_model(registered("1.0"))
    card = registry.model("eye", "1.0")
    registry.point(pointer("1.0", 1), card.model_copy(update={"intended_use": "changed once"}))
    with pytest.raises(ConflictError, match="this model"):
        registry.point(pointer("1.0", 2), card.model_copy(update={"intended_use": "changed twice"}))
    with pytest.raises(ConflictError, match="production model"):
        registry.point(pointer("1.0", 1), registry.model("eye", "1.0"))
    stored = registry.production("eye")
    assert stored is not None
    assert stored.revision == 1
    assert registry.model("eye", "1.0").intended_use == "changed once"


def test_a_model_is_retired_only_while_the_pointer_stands_still(cloud: Cloud) -> None:
    registry = DynamoRegistry("registry", REGION)
    registry.add_model(registered("1.0"))
    retired = registry.model("eye", "1.0").model_copy(update={"status": ModelStatus.RETIRED})
    registry.point(pointer("1.0", 1))
    with pytest.raises(ConflictError, match="production model"):
        registry.replace_model(retired, None)
    registry.point(pointer("2.0", 2))
    with pytest.raises(ConflictError, match="production model"):
        registry.replace_model(retired, pointer("1.0", 1))
    registry.replace_model(retired, registry.production("eye"))
    assert registry.model("eye", "1.0").status is ModelStatus.RETIRED
