"""A shadow replay: a model scores images that were answered before, and every other answer is listed."""

from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.manifest import Slug

MOST_IMAGES = 2000  # a record that holds that many flips stays well under DynamoDB's 400 KB
SCORED_ON_A_PAGE = 50
EXAMINED_ON_A_PAGE = 200


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReplayStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


FINAL = frozenset({ReplayStatus.COMPLETED, ReplayStatus.FAILED})


class Position(_Part):
    """How far a walk through the analysed images has come, the latest month and image first.

    Attributes:
        month: `yyyymm`.
        image_id: the last one looked at; None at the beginning of the month.
    """

    month: str
    image_id: str | None = None


class Flip(_Part):
    """One image on which the model answers otherwise than its stored finding.

    Attributes:
        old, new: labels; `old_confidence`, `new_confidence` their probabilities, 0..1.
    """

    image_id: str
    old: str
    old_confidence: float
    new: str
    new_confidence: float


class FlippedPair(_Part):
    """All images that went from one label to another, those first that were most certain before."""

    old: str
    new: str
    count: int
    image_ids: tuple[str, ...]


class ReplayPage(_Part):
    """What one page of a replay came to.

    Attributes:
        scored: images that the model answered.
        missing: ids of images whose working image is gone.
        failures: ids of images that the model gave no answer to.
        position: where to go on; None if there are no more images.
    """

    scored: int = 0
    flips: tuple[Flip, ...] = ()
    missing: int = 0
    failures: tuple[str, ...] = ()
    position: Position | None = None


class Replay(_Part):
    """One replay, from the request to its result.

    Attributes:
        limit: images of the specialty to look at, the latest first.
        page: how many pages are done; a message names the page that it asks for.
        scored, missing, failures, flips: so far; see `ReplayPage`.
        message: why it failed.
        lock: optimistic lock of the stored item.
    """

    replay_id: str
    specialty: Slug
    version: Slug
    limit: int = Field(ge=1, le=MOST_IMAGES)
    status: ReplayStatus = ReplayStatus.QUEUED
    requested_by: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    page: int = 0
    position: Position | None = None
    scored: int = 0
    missing: int = 0
    failures: tuple[str, ...] = ()
    flips: tuple[Flip, ...] = ()
    message: str | None = None
    lock: int | None = None

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def left(self) -> int:
        """Images that may still be looked at."""
        return self.limit - self.scored - self.missing - len(self.failures)

    def after(self, page: ReplayPage, now: datetime) -> Self:
        """With one page more; completed if it was the last."""
        grown = self._changed(
            now,
            page=self.page + 1,
            position=page.position,
            scored=self.scored + page.scored,
            missing=self.missing + page.missing,
            failures=(*self.failures, *page.failures),
            flips=(*self.flips, *page.flips),
        )
        done = page.position is None or grown.left <= 0
        return grown._changed(now, status=ReplayStatus.COMPLETED if done else ReplayStatus.RUNNING)

    def failed(self, message: str, now: datetime) -> Self:
        return self._changed(now, status=ReplayStatus.FAILED, message=message)

    def _changed(self, now: datetime, **changes: Any) -> Self:
        return self.model_copy(update={"updated_at": now, **changes})


class ReplayRequest(_Part):
    """Body of a message in the replay queue: do this page."""

    replay_id: str
    page: int
    correlation_id: str


def pairs(flips: Iterable[Flip], urgent: Collection[str]) -> list[FlippedPair]:
    """Flips by labels, the worst first.

    Worst is what no longer looks urgent, since nobody hurries to see it; then what newly does; then the
    rest; each by number.
    """
    found: dict[tuple[str, str], list[Flip]] = {}
    for flip in flips:
        found.setdefault((flip.old, flip.new), []).append(flip)

    def badness(pair: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        old, new = (label in urgent for label in pair)
        rank = 0 if old and not new else 1 if new and not old else 2
        return rank, -len(found[pair]), pair

    return [
        FlippedPair(
            old=pair[0],
            new=pair[1],
            count=len(found[pair]),
            image_ids=tuple(
                flip.image_id
                for flip in sorted(found[pair], key=lambda flip: (-flip.old_confidence, flip.image_id))
            ),
        )
        for pair in sorted(found, key=badness)
    ]
