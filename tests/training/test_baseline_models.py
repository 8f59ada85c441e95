"""The committed baseline models: whole, small, explained, and as good as their manifests say."""

import hashlib
import io
from importlib.resources import files

import numpy as np
import pytest

from training_job import phantom_sets
from training_job.config import RELEASES, baseline_config
from training_job.evaluate import balanced_accuracy, open_session, predict
from triagelens.domain.manifest import Manifest
from triagelens.domain.specialties import SPECIALTIES, specialty

ANOTHER_RUN = 77
MOST_BYTES = 3 * 1024 * 1024

each_specialty = pytest.mark.parametrize("name", sorted(SPECIALTIES))


def content(name: str, file: str) -> bytes:
    return (files("baseline_models") / name / file).read_bytes()


def manifest(name: str) -> Manifest:
    return Manifest.model_validate_json(content(name, "manifest.json"))


@each_specialty
def test_a_manifest_matches_its_model_and_the_deployments_table(name: str) -> None:
    described = manifest(name)
    assert described.specialty == name
    assert described.name == f"phantom-{name}"
    assert described.version == baseline_config(name, seed=1).version
    assert described.created_at == RELEASES[described.version]
    assert tuple(described.labels) == specialty(name).label_names
    assert described.sha256 == hashlib.sha256(content(name, "model.onnx")).hexdigest()
    assert described.explain is not None
    assert described.explain.head_weights_sha256 == hashlib.sha256(content(name, "head.npy")).hexdigest()
    assert described.input == baseline_config(name, seed=1).input
    assert described.intended_use == "demonstration only"
    assert described.licence == "Apache-2.0"


@each_specialty
def test_a_model_is_small_and_reports_good_metrics(name: str) -> None:
    assert len(content(name, "model.onnx")) <= MOST_BYTES
    training = manifest(name).training
    assert training is not None
    assert training.metrics["balanced_accuracy"] > 0.9
    assert training.metrics["phone_balanced_accuracy"] > 0.9
    assert training.metrics["parity_max_abs_diff"] <= 1e-4
    assert training.metrics["held_out_images"] >= 30 * len(specialty(name).labels)


@each_specialty
def test_a_model_recognises_phantoms_that_no_run_has_used(name: str) -> None:
    fresh = phantom_sets.load(phantom_sets.phantoms(name, "held_out", 20, ANOTHER_RUN), manifest(name).input)
    logits = predict(open_session(content(name, "model.onnx"), threads=2), fresh.inputs)
    assert balanced_accuracy(logits.argmax(axis=1), fresh.targets, len(specialty(name).labels)) > 0.9


@each_specialty
def test_class_activation_of_a_model_is_exact(name: str) -> None:
    spec = manifest(name).input
    sample = phantom_sets.load(phantom_sets.phantoms(name, "validation", 2, ANOTHER_RUN), spec)
    session = open_session(content(name, "model.onnx"), threads=1)
    logits, features = session.run(["logits", "features"], {spec.name: sample.inputs})
    seen = features.mean(axis=(2, 3)) @ np.load(io.BytesIO(content(name, "head.npy"))).T
    bias = logits - seen
    np.testing.assert_allclose(bias, np.broadcast_to(bias[0], bias.shape), atol=1e-4)
