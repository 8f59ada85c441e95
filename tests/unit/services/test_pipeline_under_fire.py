"""The pipeline against deliveries that repeat, reorder, fail and die; Hypothesis chooses which."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import START, FakeCasework, FakeClock, FakeInferenceQueue, FakeOriginals, FakeWorkingImages
from triagelens.domain.errors import NoModelError, TransitionError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.messages import InferenceRequest
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport
from triagelens.domain.specialties import Specialty
from triagelens.services.giving_up import GivingUp
from triagelens.services.inference import Inference
from triagelens.services.quality_check import QualityCheck

SHARP, BLURRED, NO_MODEL = b"sharp", b"blurred", b"no model"
MOST_RECEIVES = 2  # few, so that messages are given up often
EXPECTED = {SHARP: ImageStatus.ANALYZED, BLURRED: ImageStatus.REJECTED, NO_MODEL: ImageStatus.FAILED}


class KilledError(BaseException):
    """The process is gone."""


class BrokenError(Exception):
    """Something outside fails for now."""


@dataclass(frozen=True)
class Looked:
    report: QualityReport
    working_image: bytes | None


def look(data: bytes, specialty: Specialty, keep_blurred: bool) -> Looked:
    """Judges by what the file says of itself."""
    if data == BLURRED:
        return Looked(QualityReport(verdict="rejected"), None)
    return Looked(QualityReport(verdict="accepted", working_width=8, working_height=8), data)


def answer(working_image: bytes, specialty: str, image_id: str) -> Prediction:
    if working_image == NO_MODEL:
        raise NoModelError("No model is in production.")
    return Prediction.ranked(
        {"nv": 0.75, "mel": 0.25},
        specialty=specialty,
        model=ModelIdentity(name="model", version="1", sha256="0" * 64, manifest_sha256="0" * 64),
        demonstration=True,
        intended_use="tests",
    )


@dataclass
class Mishap:
    """At the given write from now on, something happens: a failure, a death, or `meanwhile`."""

    at: int = -1
    kind: str = "none"
    after: bool = False
    meanwhile: Callable[[], None] = lambda: None
    touch: Callable[[], None] = lambda: None

    def strike(self) -> None:
        kind, self.kind = self.kind, "none"
        if kind == "kill":
            raise KilledError
        if kind == "break":
            raise BrokenError
        if kind == "touch":
            self.touch()
        else:
            self.meanwhile()


@dataclass
class Faulty:
    """A port whose writes may fail or kill, before or after they are done."""

    port: Any
    writes: frozenset[str]
    mishap: Mishap

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)
        return self._risky(method) if name in self.writes else method

    def _risky(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            self.mishap.at -= 1
            strikes = self.mishap.at == -1 and self.mishap.kind != "none"
            if strikes and not self.mishap.after:
                self.mishap.strike()
            done = method(*args)
            if strikes and self.mishap.after:
                self.mishap.strike()
            return done

        return call


@dataclass
class Message:
    body: tuple[str, str] | InferenceRequest
    receives: int = 0


@dataclass
class World:
    """Both queues, what stands behind them, and the dead letters."""

    mishap: Mishap = field(default_factory=Mishap)
    casework: FakeCasework = field(default_factory=FakeCasework)
    originals: FakeOriginals = field(default_factory=FakeOriginals)
    working: FakeWorkingImages = field(default_factory=FakeWorkingImages)
    queue: FakeInferenceQueue = field(default_factory=FakeInferenceQueue)
    waiting: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    analysed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = FakeClock()
        casework: Any = Faulty(self.casework, frozenset({"replace_image", "add_result"}), self.mishap)
        working: Any = Faulty(self.working, frozenset({"write", "delete"}), self.mishap)
        queue: Any = Faulty(self.queue, frozenset({"send"}), self.mishap)
        self.quality = QualityCheck(casework, self.originals, working, queue, clock, look)
        self.inference = Inference(casework, working, clock, answer)
        self.giving_up = GivingUp(casework, clock)

    def upload(self, data: bytes, versions: int) -> str:
        image_id = new_id()
        self.casework.replace_image(
            ImageRecord(
                image_id=image_id,
                owner="owner",
                specialty="skin",
                status=ImageStatus.AWAITING_UPLOAD,
                upload=UploadDeclaration(content_type="image/jpeg", size_bytes=len(data)),
                upload_expires_at=START + timedelta(minutes=10),
                created_at=START,
                updated_at=START,
                correlation_id="correlation",
            )
        )
        for number in range(versions):
            self.originals.objects[f"uploads/{image_id}", f"v{number}"] = data
            self.waiting.append(Message((image_id, f"v{number}")))
        return image_id

    def deliver(self, message: Message, *, and_again: bool) -> None:
        """One delivery, as SQS makes it: what is not acknowledged comes again, at most so often."""
        message.receives += 1
        self.mishap.meanwhile = lambda: self._handle(message)  # a copy, handled at the same time
        self.mishap.touch = lambda: self._touch(message)
        try:
            self._handle(message)
        except KilledError:
            failed = True
        except (BrokenError, TransitionError):
            failed = True
            if message.receives >= MOST_RECEIVES:
                self._give_up(message)
        else:
            failed = False
        self.waiting += [Message(request) for request in self.queue.sent]
        self.queue.sent.clear()
        if failed and message.receives >= MOST_RECEIVES:
            self.waiting.remove(message)
            self.dead.append(Message(message.body))
        elif not failed and not and_again:
            self.waiting.remove(message)

    def _handle(self, message: Message) -> None:
        if isinstance(message.body, InferenceRequest):
            self.inference.run(message.body)
        else:
            self.quality.check(*message.body)

    def _touch(self, message: Message) -> None:
        """Somebody writes the record without deciding anything: a form asked for again, a note."""
        body = message.body
        image_id = body.image_id if isinstance(body, InferenceRequest) else body[0]
        self.casework.replace_image(self.casework.image(image_id))

    def _give_up(self, message: Message) -> None:
        try:
            if isinstance(message.body, InferenceRequest):
                self.giving_up.request(message.body)
            else:
                self.giving_up.upload(*message.body)
        except (KilledError, BrokenError, TransitionError):
            return  # the mark is a courtesy; the dead letter is what counts


@settings(max_examples=300)
@given(st.data())
def test_nothing_is_lost_doubled_or_stuck(data: st.DataObject) -> None:
    world = World()
    kinds = data.draw(st.lists(st.sampled_from([SHARP, BLURRED, NO_MODEL]), min_size=1, max_size=3))
    images = {world.upload(kind, versions=data.draw(st.integers(1, 2))): kind for kind in kinds}
    for _ in range(data.draw(st.integers(0, 40))):
        if not world.waiting:
            break
        message = data.draw(st.sampled_from(world.waiting))
        world.mishap.kind = data.draw(st.sampled_from(["none", "kill", "break", "meanwhile", "touch"]))
        world.mishap.at = data.draw(st.integers(0, 3))
        world.mishap.after = data.draw(st.booleans())
        world.deliver(message, and_again=data.draw(st.booleans()) and message.receives < MOST_RECEIVES)
        _check_safe(world, images)
    _repair_and_drain(world)
    for image_id, kind in images.items():
        record = world.casework.image(image_id)
        assert record.status is EXPECTED[kind]
        kept = [key for key in world.working.objects if image_id in key]
        assert len(kept) <= 2
        if kind != BLURRED:
            assert record.working_image is not None
            assert record.working_image.key in kept


@pytest.mark.parametrize("queue", ["quality", "inference"])
def test_a_record_written_by_somebody_else_during_its_work_is_finished_all_the_same(queue: str) -> None:
    world = World()
    image_id = world.upload(SHARP, versions=1)
    if queue == "inference":
        world.deliver(world.waiting[0], and_again=False)
    world.mishap.kind, world.mishap.at = "touch", 1 if queue == "quality" else 0
    while world.waiting:
        world.deliver(world.waiting[0], and_again=False)
    assert world.mishap.kind == "none"
    assert world.casework.image(image_id).status is ImageStatus.ANALYZED


def _check_safe(world: World, images: dict[str, bytes]) -> None:
    """What must hold at every moment."""
    for image_id, kind in images.items():
        record = world.casework.image(image_id)
        assert record.status is not ImageStatus.ANALYZED or kind == SHARP
        assert record.status is not ImageStatus.REJECTED or kind == BLURRED
        if record.status in (ImageStatus.ACCEPTED, ImageStatus.ANALYZED):
            assert record.working_image is not None
            assert record.working_image.key in world.working.objects


def _repair_and_drain(world: World) -> None:
    """The causes are gone; what is in the dead-letter queue is redriven."""
    world.mishap.kind = "none"
    world.waiting += world.dead
    world.dead.clear()
    while world.waiting:
        world.deliver(world.waiting[0], and_again=False)
