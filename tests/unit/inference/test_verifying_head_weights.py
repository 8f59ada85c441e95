"""Feature maps and head weights that cannot explain a finding are refused at registration."""

import hashlib
import io
import json
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.onnx_models import OnnxClassifier, classifier, edited, npy
from triagelens.domain.errors import ModelError
from triagelens.inference.package import ModelPackage, read_head
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
        (npy(np.zeros((0, 5), np.float32)), "head_invalid"),
        (npy(np.zeros((3, 5), np.float32))[:-1], "head_invalid"),
        (npy(np.zeros((3, 5), np.float32)) + b"more", "head_invalid"),
        (npy(np.zeros((3, 5), np.float32)).replace(b"(3, 5)", b"(999999999, 5)"), "head_invalid"),
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


@given(st.integers(1, 9), st.integers(1, 40), st.sampled_from(["C", "F"]), st.integers(0, 99))
def test_head_weights_are_read_as_they_were_saved(
    rows: int, columns: int, order: Literal["C", "F"], seed: int
) -> None:
    saved = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32, order=order)
    assert np.array_equal(read_head(npy(saved)), saved)


@given(st.binary(max_size=200))
def test_no_bytes_pass_for_head_weights_by_chance(data: bytes) -> None:
    for attempt in (data, b"\x93NUMPY\x01\x00" + data):
        with pytest.raises(ModelError, match="head weights"):
            read_head(attempt)
