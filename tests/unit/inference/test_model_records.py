"""A pointer pins whole files, and survives storage."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from triagelens.domain.models import Candidate, ModelFiles, ProductionPointer

AT = datetime(2026, 1, 31, tzinfo=UTC)


def pinned(**more: Any) -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "model_key": "models/skin/1.0.0/model.onnx",
        "model_object_version": "a",
        "model_sha256": "0" * 64,
        "manifest_key": "models/skin/1.0.0/manifest.json",
        "manifest_object_version": "b",
        "manifest_sha256": "1" * 64,
        **more,
    }


def pointer(**more: Any) -> ProductionPointer:
    return ProductionPointer(
        specialty="skin",
        activated_by="01hf",
        activated_at=AT,
        revision=1,
        **pinned(**more),
    )


def test_a_pointer_survives_being_stored_as_json() -> None:
    head = {"head_key": "h", "head_object_version": "v", "head_sha256": "2" * 64, "signature": "c2ln"}
    candidate = Candidate(share=0.1, since=AT, **pinned(**head))
    stored = pointer(candidate=candidate, previous=ModelFiles(**pinned()))
    assert ProductionPointer.model_validate_json(stored.model_dump_json()) == stored


@pytest.mark.parametrize("missing", ["head_key", "head_object_version", "head_sha256"])
def test_head_weights_are_pinned_by_key_version_and_digest_or_not_at_all(missing: str) -> None:
    head = {"head_key": "h", "head_object_version": "v", "head_sha256": "2" * 64}
    assert pointer(**head).head_sha256 == "2" * 64
    assert pointer().head_key is None
    del head[missing]
    with pytest.raises(ValidationError, match="go together"):
        pointer(**head)


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_candidate_has_a_share_of_the_images(share: float) -> None:
    with pytest.raises(ValidationError, match="share"):
        Candidate(share=share, since=AT, **pinned())
