"""Shadow replays: asked for by an admin, done page by page off the request path."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.errors import ConflictError, ModelError, NotFoundError
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.models import PROMOTABLE, RegisteredModel
from triagelens.domain.prediction import Prediction
from triagelens.domain.replay import (
    EXAMINED_ON_A_PAGE,
    SCORED_ON_A_PAGE,
    Flip,
    Position,
    Replay,
    ReplayPage,
    ReplayRequest,
)
from triagelens.services.ports import Clock, WorkingImages
from triagelens.services.registry_ports import Registry
from triagelens.services.rollout import AskedOf, known_model

# Answers a working image (JPEG bytes). Raises ModelError.
Score = Callable[[bytes], Prediction]
# Loads a registered model, verified like one that serves. Raises ModelError.
Open = Callable[[RegisteredModel], Score]


class ReplayRecords(Protocol):
    def replay(self, replay_id: str) -> Replay:
        """Raises NotFoundError if there is none."""

    def put_replay(self, replay: Replay) -> Replay:
        """Writes over the version it was read at; a new one only where there is none.

        Raises:
            ConflictError: it has changed since.
        """


class ReplayQueue(Protocol):
    def send(self, request: ReplayRequest) -> None: ...


class AnalysedImages(Protocol):
    """Every analysed image of the deployment, the latest first."""

    def behind(self, position: Position | None, most: int) -> Sequence[tuple[Position, ImageRecord]]:
        """Up to `most` records behind a position, each with its own; none at the end."""


@dataclass(frozen=True)
class Replays:
    """Asks for replays and reads them."""

    registry: Registry
    records: ReplayRecords
    queue: ReplayQueue
    clock: Clock

    def begin(self, asked: AskedOf, limit: int) -> Replay:
        """A new replay, queued. Should the process die before the message is sent, it stays queued.

        Raises:
            NotFoundError: there is no such model.
            ConflictError: it was refused or retired: its bytes carry no signature, or should not run again.
        """
        model = known_model(self.registry, asked.specialty, asked.version)
        if model.status not in PROMOTABLE:
            raise ConflictError(f"A model that is {model.status} is not replayed.")
        now = self.clock()
        replay = self.records.put_replay(
            Replay(
                replay_id=new_id(),
                specialty=model.specialty,
                version=model.version,
                limit=limit,
                requested_by=asked.person.sub,
                correlation_id=asked.correlation_id,
                created_at=now,
                updated_at=now,
            )
        )
        self.queue.send(_message(replay))
        return replay

    def replay(self, specialty: str, version: str, replay_id: str) -> Replay:
        """One replay of that model.

        Raises:
            NotFoundError: there is none.
        """
        missing = NotFoundError("There is no such replay.")
        if not is_id(replay_id):
            raise missing
        found = self.records.replay(replay_id)
        if (found.specialty, found.version) != (specialty, version):
            raise missing
        return found


@dataclass(frozen=True)
class Replaying:
    """Does replays, one page a message, each page once however often its message comes."""

    registry: Registry
    records: ReplayRecords
    queue: ReplayQueue
    images: AnalysedImages
    working_images: WorkingImages
    open: Open
    clock: Clock

    def run(self, request: ReplayRequest) -> Replay:
        """Does the page that is asked for, and asks for the next.

        Raises:
            NotFoundError: there is no such replay.
        """
        replay = self.records.replay(request.replay_id)
        if replay.is_final:
            return replay
        if request.page < replay.page:
            self.queue.send(_message(replay))  # its doer died before it could ask for the next
            return replay
        model = self.registry.model(replay.specialty, replay.version)
        try:
            score = self.open(model)
        except ModelError as error:
            return self._put(replay.failed(str(error), self.clock()))
        return self._put(replay.after(self._page(replay, model, score), self.clock()))

    def give_up(self, request: ReplayRequest) -> Replay:
        """Tells the person who waits that the replay came to a halt."""
        replay = self.records.replay(request.replay_id)
        if replay.is_final:
            return replay
        return self._put(replay.failed("The replay could not be finished; ask for it again.", self.clock()))

    def _put(self, done: Replay) -> Replay:
        """Writes the record, then asks for the next page if there is one."""
        try:
            stored = self.records.put_replay(done)
        except ConflictError:
            return self.records.replay(done.replay_id)  # another delivery did the page, and goes on
        if not stored.is_final:
            self.queue.send(_message(stored))
        return stored

    def _page(self, replay: Replay, model: RegisteredModel, score: Score) -> ReplayPage:
        """Looks at images until enough are scored, enough were passed over, or none are left.

        Passed over are those of other specialties, and those that this very model answered in its trial.
        """
        page = ReplayPage()
        most = min(SCORED_ON_A_PAGE, replay.left)
        found = self.images.behind(replay.position, EXAMINED_ON_A_PAGE)
        for position, record in found:
            if page.scored + page.missing + len(page.failures) == most:
                return page
            page = self._looked_at(page, record, model, score).model_copy(update={"position": position})
        return page if len(found) == EXAMINED_ON_A_PAGE else page.model_copy(update={"position": None})

    def _looked_at(
        self, page: ReplayPage, record: ImageRecord, model: RegisteredModel, score: Score
    ) -> ReplayPage:
        """The page with one image more."""
        old = record.prediction
        if record.specialty != model.specialty or old is None or old.model.sha256 == model.model_sha256:
            return page
        try:
            if record.working_image is None:
                raise NotFoundError("The image has no working image.")
            new = score(self.working_images.read(record.working_image.key))
        except NotFoundError:
            return page.model_copy(update={"missing": page.missing + 1})
        except ModelError:
            return page.model_copy(update={"failures": (*page.failures, record.image_id)})
        flips = page.flips
        if new.top_label != old.top_label:
            flip = Flip(
                image_id=record.image_id,
                old=old.top_label,
                old_confidence=round(old.confidence, 4),
                new=new.top_label,
                new_confidence=round(new.confidence, 4),
            )
            flips = (*flips, flip)
        return page.model_copy(update={"scored": page.scored + 1, "flips": flips})


def _message(replay: Replay) -> ReplayRequest:
    return ReplayRequest(replay_id=replay.replay_id, page=replay.page, correlation_id=replay.correlation_id)
