"""The bench compares ways that do the same work."""

from pathlib import Path

import numpy as np
import pytest

from bench.explanation import ways as explanation_ways
from bench.lean_way import LeanWay
from bench.limit import Limit
from bench.loader import prepare as prepare_images
from bench.loader import ways as loader_ways
from bench.materials import LABELS, SPECIALTY, Materials, input_spec, prepare
from bench.seed_way import SeedWay
from triagelens.domain.images import ImageStatus
from triagelens.domain.prediction import Prediction
from triagelens.inference.session import LoadedModel

THREADS = 1


@pytest.fixture(scope="module")
def materials(tmp_path_factory: pytest.TempPathFactory) -> Materials:
    return prepare(tmp_path_factory.mktemp("bench"))


def probabilities(materials: Materials, *, int8: bool) -> list[float]:
    """Of the photo, by label, through both handlers."""
    way = LeanWay(materials.package(int8=int8), SPECIALTY, THREADS)
    record = way.process(way.upload(materials.photo.read_bytes()))
    assert record.status is ImageStatus.ANALYZED
    assert record.prediction is not None
    found = {entry.label: entry.probability for entry in record.prediction.probabilities}
    return [found[label] for label in LABELS]


def test_the_photo_is_what_a_phone_makes(materials: Materials) -> None:
    assert 2_500_000 <= materials.photo.stat().st_size <= 3_000_000


def test_both_ways_answer_alike(materials: Materials) -> None:
    _, seed = SeedWay(materials.weights, THREADS).process(materials.photo)
    np.testing.assert_allclose(probabilities(materials, int8=False), seed, atol=0.03)
    np.testing.assert_allclose(probabilities(materials, int8=True), seed, atol=0.06)


def test_the_limit_runs_the_same_network_on_the_same_photo(materials: Materials) -> None:
    model = LoadedModel.open(materials.package(), THREADS)
    side = input_spec().height
    Limit(model, np.zeros((1, 3, side, side), np.float32), THREADS).process(materials.photo.read_bytes())
    with pytest.raises(ValueError, match="does not decode"):
        Limit(model, np.zeros((1, 3, side, side), np.float32), THREADS).process(b"not a photo")


def test_with_and_without_evidence_the_answers_are_the_same(materials: Materials) -> None:
    explained, plain = (way() for way in explanation_ways(materials, THREADS).values())
    assert isinstance(explained, Prediction)
    assert isinstance(plain, Prediction)
    assert [entry.label for entry in plain.probabilities] == [
        entry.label for entry in explained.probabilities
    ]
    assert plain.probability == pytest.approx(explained.probability, abs=1e-5)
    assert explained.features is not None
    assert len(explained.features.activations) == len(LABELS)
    assert plain.features is None


def test_what_was_made_is_kept(materials: Materials) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(materials.folder).iterdir()}
    prepare(materials.folder)
    assert {path: path.stat().st_mtime_ns for path in Path(materials.folder).iterdir()} == before


def test_both_loaders_go_through_every_image_each_time(tmp_path: Path) -> None:
    images = prepare_images(tmp_path, per_label=3)
    ways, prepared_s = loader_ways(images, tmp_path / "cache", workers=0)
    assert [[way() for way in ways.values()] for _ in range(2)] == [[6, 6], [6, 6]]
    assert prepared_s > 0
    assert prepare_images(tmp_path, per_label=9) == images, "made once"
