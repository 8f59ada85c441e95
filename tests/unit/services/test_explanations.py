"""Explanations are drawn once, for labels that the model knows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.fakes import FakeCasework, FakeWorkingImages
from triagelens.domain.errors import ConflictError, NotFoundError
from triagelens.domain.explanations import Explanation, Method, explanation_key
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.services.explanations import Explaining, Pictures, UnknownLabelError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = ModelIdentity(name="m", version="1", sha256="a" * 64, manifest_sha256="b" * 64)


@dataclass
class FakeGallery:
    kept: dict[str, Explanation] = field(default_factory=dict)

    def find(self, key: str) -> Explanation | None:
        return self.kept.get(key)

    def keep(self, key: str, explanation: Explanation, pictures: Pictures) -> None:
        self.kept[key] = explanation


@dataclass
class FakeArtist:
    asked: list[str] = field(default_factory=list)

    def __call__(self, working_image: bytes, prediction: Prediction, label: str) -> Pictures:
        assert working_image == b"pixels"
        self.asked.append(label)
        return Pictures(b"png", b"jpeg", Method.GRAD_CAM, 0.5)


@pytest.fixture
def casework() -> FakeCasework:
    return FakeCasework()


@pytest.fixture
def artist() -> FakeArtist:
    return FakeArtist()


@pytest.fixture
def explaining(casework: FakeCasework, artist: FakeArtist) -> Explaining:
    images = FakeWorkingImages({"working/one.jpg": b"pixels"})
    return Explaining(casework, casework, images, FakeGallery(), artist)


def finding(model: ModelIdentity = MODEL) -> Prediction:
    return Prediction.ranked(
        {"nv": 0.3, "mel": 0.7}, specialty="skin", model=model, demonstration=True, intended_use="tests"
    )


def image(casework: FakeCasework, prediction: Prediction | None) -> ImageRecord:
    record = ImageRecord(
        image_id=new_id(),
        owner="ada",
        specialty="skin",
        status=ImageStatus.ACCEPTED if prediction is None else ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=NOW,
        object_version="v0",
        working_image=WorkingImage(key="working/one.jpg", width=10, height=10),
        prediction=prediction,
        attempt=1,
        created_at=NOW,
        updated_at=NOW,
        correlation_id="request",
    )
    return casework.add_image(record, None)


def test_the_most_probable_label_is_explained_unless_another_is_named(
    explaining: Explaining, casework: FakeCasework, artist: FakeArtist
) -> None:
    record = image(casework, finding())
    assert explaining.explain(record.image_id, None).label == "mel"
    other = explaining.explain(record.image_id, "nv")
    assert (other.label, other.method, other.central_share) == ("nv", Method.GRAD_CAM, 0.5)
    assert artist.asked == ["mel", "nv"]
    assert other.heatmap_key.startswith(f"explanations/{record.image_id}/")


def test_asked_again_nothing_is_drawn(
    explaining: Explaining, casework: FakeCasework, artist: FakeArtist
) -> None:
    record = image(casework, finding())
    first = explaining.explain(record.image_id, None)
    assert explaining.explain(record.image_id, "mel") == first
    assert artist.asked == ["mel"]


def test_another_model_or_another_version_of_the_photo_has_pictures_of_its_own(
    casework: FakeCasework,
) -> None:
    record = image(casework, finding())
    other_model = record.model_copy(
        update={"prediction": finding(MODEL.model_copy(update={"sha256": "c" * 64}))}
    )
    other_photo = record.model_copy(update={"object_version": "v1"})
    keys = {explanation_key(one, "mel", "heatmap.png") for one in (record, other_model, other_photo)}
    assert len(keys) == 3


def test_what_cannot_be_explained_is_said(explaining: Explaining, casework: FakeCasework) -> None:
    with pytest.raises(NotFoundError):
        explaining.explain("nothing", None)
    with pytest.raises(ConflictError, match="no finding"):
        explaining.explain(image(casework, None).image_id, None)
    with pytest.raises(UnknownLabelError):
        explaining.explain(image(casework, finding()).image_id, "measles")
