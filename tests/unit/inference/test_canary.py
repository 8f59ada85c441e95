"""Which images a candidate answers, what is counted, and that a bad one costs nobody a finding."""

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from tests.onnx_models import classifier, edited
from tests.unit.inference.test_model_store import FakeModels, store_of
from triagelens.domain.errors import ModelError
from triagelens.domain.models import Candidate
from triagelens.domain.prediction import Prediction
from triagelens.domain.rollout import Arm, Tally, is_in_share
from triagelens.inference.serving import StorePredictor

SINCE = datetime(2026, 11, 23, tzinfo=UTC)
IMAGES = [f"01k9qq3ztm5c2v8e6x4r1n{number:04}" for number in range(1000)]


def jpeg() -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


WORKING_IMAGE = jpeg()


@dataclass
class FakeTrials:
    tallies: dict[tuple[str, Arm], Tally] = field(default_factory=dict)

    def count(self, specialty: str, trial: Candidate, arm: Arm, tally: Tally) -> None:
        known = self.tallies.get((trial.version, arm), Tally())
        self.tallies[trial.version, arm] = known.plus(tally)


class World:
    """Version 1.0.0 in production and 2.0.0 on trial."""

    def __init__(self, share: float = 0.3) -> None:
        self.models = FakeModels()
        self.trials = FakeTrials()
        self.told: list[ModelError] = []
        # The later one is put into production by `activate`; the former is put back as production.
        production = self.models.activate(classifier(version="1.0.0"))
        candidate = self.models.activate(classifier(version="2.0.0", seed=1))
        self.models.pointers["skin"] = production
        self.pointer = production
        self.candidate = candidate
        self.put_on_trial(share)
        self.predict = StorePredictor(store_of(self.models), self.trials, self.told.append)

    def put_on_trial(self, share: float) -> None:
        files = self.candidate.files().model_dump()
        trial = Candidate(**files, share=share, since=SINCE)
        self.models.pointers["skin"] = self.pointer.model_copy(update={"candidate": trial})

    def answer(self, image_id: str) -> Prediction:
        return self.predict(WORKING_IMAGE, "skin", image_id)

    def tally(self, arm: Arm) -> Tally:
        return self.trials.tallies.get(("2.0.0", arm), Tally())


def test_a_share_is_about_that_many_images_and_always_the_same_ones() -> None:
    chosen = {image for image in IMAGES if is_in_share(image, 0.3)}
    assert 250 < len(chosen) < 350
    assert chosen == {image for image in IMAGES if is_in_share(image, 0.3)}


def test_a_larger_share_only_adds_images() -> None:
    chosen = [{image for image in IMAGES if is_in_share(image, share)} for share in (0, 0.1, 0.5, 1)]
    assert chosen[0] == set()
    assert chosen[0] < chosen[1] < chosen[2] < chosen[3]
    assert chosen[3] == set(IMAGES)


def test_each_image_is_answered_by_its_model_and_carries_that_models_digests() -> None:
    world = World(share=0.3)
    for image in IMAGES[:60]:
        model = world.answer(image).model
        expected = world.candidate if is_in_share(image, 0.3) else world.pointer
        assert (model.version, model.sha256) == (expected.version, expected.model_sha256)
        assert model.manifest_sha256 == expected.manifest_sha256


def test_both_sides_are_counted() -> None:
    world = World(share=0.3)
    confidences = {"candidate": 0.0, "production": 0.0}
    for image in IMAGES[:60]:
        arm = "candidate" if is_in_share(image, 0.3) else "production"
        confidences[arm] += world.answer(image).confidence
    candidate, production = world.tally("candidate"), world.tally("production")
    assert candidate.answers + production.answers == 60
    assert candidate.answers == sum(is_in_share(image, 0.3) for image in IMAGES[:60]) > 0
    assert candidate.confidence_sum == pytest.approx(confidences["candidate"])
    assert production.confidence_sum == pytest.approx(confidences["production"])


def test_nothing_is_counted_while_nothing_is_on_trial() -> None:
    world = World()
    world.models.pointers["skin"] = world.pointer
    world.answer("image")
    assert world.trials.tallies == {}


def test_findings_under_the_confidence_of_the_manifest_are_abstentions() -> None:
    world = World(share=1.0)
    unsure = edited(classifier(version="2.0.0", seed=1), abstain={"min_confidence": 1.0})
    world.candidate = world.models.activate(unsure)
    world.put_on_trial(1.0)
    world.answer("image")
    assert world.tally("candidate").abstained == 1


@pytest.mark.parametrize("role", ["model", "manifest"])
def test_a_tampered_candidate_never_serves_production_goes_on_and_it_is_told(role: str) -> None:
    world = World(share=1.0)
    for place, data in list(world.models.objects.items()):
        if place[1] == f"2.0.0-{role}":
            world.models.objects[place] = bytes([*data[:-1], data[-1] ^ 1])
    assert world.answer("image").model.version == "1.0.0"
    assert [error.code for error in world.told] == ["model_integrity"]
    assert world.tally("candidate") == Tally(failures=1)


def test_a_candidate_with_a_forged_signature_never_serves() -> None:
    world = World(share=1.0)
    world.candidate = world.candidate.model_copy(update={"signature": "Zm9yZ2Vk"})
    world.put_on_trial(1.0)
    assert world.answer("image").model.version == "1.0.0"
    assert [error.code for error in world.told] == ["model_integrity"]


def test_an_image_that_the_candidate_fails_on_is_answered_by_production() -> None:
    world = World(share=1.0)
    wrong = edited(classifier(version="2.0.0", seed=1), output__kind="probabilities")
    world.candidate = world.models.activate(wrong)
    world.put_on_trial(1.0)
    assert world.answer("image").model.version == "1.0.0"
    assert [error.code for error in world.told] == ["output_not_probabilities"]
    assert world.tally("candidate") == Tally(failures=1)
    assert world.tally("production") == Tally()


def test_a_failure_of_production_is_counted_and_stays_a_failure() -> None:
    world = World(share=0.0)
    wrong = edited(classifier(version="1.0.0"), output__kind="probabilities")
    world.pointer = world.models.activate(wrong)
    world.put_on_trial(0.0)
    with pytest.raises(ModelError):
        world.answer("image")
    assert world.tally("production") == Tally(failures=1)
    assert world.told == [], "the image's own record tells of it"


def test_a_new_share_and_a_rollback_are_in_force_within_thirty_seconds() -> None:
    world = World(share=0.0)
    versions = [world.answer("image").model.version]
    world.put_on_trial(1.0)
    world.models.now += 29
    versions.append(world.answer("image").model.version)
    world.models.pointers["skin"] = world.pointer
    world.models.now += 29
    versions.append(world.answer("image").model.version)
    assert versions == ["1.0.0", "2.0.0", "1.0.0"]


def test_a_withdrawn_model_gives_way_to_the_baseline_and_says_so() -> None:
    world = World()
    world.models.baselines["skin"] = classifier(version="0.1.0").package
    world.models.pointers["skin"] = world.pointer.model_copy(update={"withdrawn": True})
    prediction = world.answer("image")
    assert (prediction.model.version, prediction.demonstration) == ("0.1.0", True)
