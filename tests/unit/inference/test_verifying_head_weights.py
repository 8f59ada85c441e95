"""Feature maps and head weights that cannot explain a finding are refused at registration."""

import hashlib
import io
import json

import numpy as np
import pytest

from tests.onnx_models import OnnxClassifier, classifier, edited, npy
from triagelens.inference.package import ModelPackage
from triagelens.inference.verify import verify_model


def only_message(made: OnnxClassifier, code: str) -> str:
    problems = verify_model(made.package)
    assert [problem.code for problem in problems] == [code]
    return problems[0].message


def test_a_missing_or_flat_feature_map_is_refused() -> None:
    made = classifier(features=True)
    assert only_message(edited(made, explain__features_output="map"), "features_missing")
    assert only_message(edited(made, explain__features_output="scores"), "features_shape")


def with_head(made: OnnxClassifier, head: bytes | None, digest_of: bytes | None = None) -> OnnxClassifier:
    data = json.loads(made.manifest_json)
    digest = hashlib.sha256(digest_of or head or b"").hexdigest()
    data["explain"]["head_weights_sha256"] = digest
    return OnnxClassifier(made.model, data, made.weights, made.bias, head)


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (None, "head_missing"),
        (npy(np.zeros((2, 5), np.float32)), "head_shape"),
        (npy(np.zeros((3, 9), np.float32)), "features_shape"),
        (npy(np.zeros((3, 5), np.float64)), "head_invalid"),
        (npy(np.zeros((3, 5), ">f4")), "head_invalid"),
        (npy(np.zeros(15, np.float32)), "head_invalid"),
        (npy(np.full((3, 5), np.inf, np.float32)), "head_invalid"),
        (pickled(), "head_invalid"),
        (b"", "head_invalid"),
        (b"not an array", "head_invalid"),
    ],
)
def test_head_weights_that_cannot_explain_are_refused(head: bytes | None, code: str) -> None:
    assert only_message(with_head(classifier(features=True), head), code)


def test_head_weights_other_than_the_manifest_names_are_refused() -> None:
    made = with_head(classifier(features=True), npy(np.zeros((3, 5), np.float32)), digest_of=b"other")
    assert "head.npy" in only_message(made, "digest_mismatch")


def test_head_weights_that_nobody_asked_for_are_refused() -> None:
    made = classifier()
    package = ModelPackage(made.model, made.manifest_json, head=npy(np.zeros((3, 5), np.float32)))
    assert [problem.code for problem in verify_model(package)] == ["head_unexpected"]
