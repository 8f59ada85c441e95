"""Explanations of stored findings, by the model that made them."""

import hashlib
import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import explain_image.handler
import explain_image.settings
import explain_image.wiring
from tests.cloud import REGION, Cloud, FakeContext
from tests.onnx_models import OnnxClassifier, classifier
from training_job.phantoms import photograph
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.registry import DynamoRegistry
from triagelens.adapters.model_signatures import KmsSigner
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.models import ModelStatus, RegisteredModel, signed_message
from triagelens.domain.prediction import Prediction
from triagelens.imaging.heatmap import overlay_jpeg
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.session import LoadedModel

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PHOTO = photograph("skin", "mel", 5, (640, 480))


@pytest.fixture(autouse=True)
def _fresh(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCCLUSION_BUDGET_S", "20")
    explain_image.settings.settings.cache_clear()
    explain_image.wiring.explaining.cache_clear()


def analysed(cloud: Cloud, prediction: Prediction) -> ImageRecord:
    """An image with its finding and its working image, as the pipeline leaves them."""
    image_id = new_id()
    key = f"working/{image_id}/one.jpg"
    cloud.s3.put_object(Bucket="images", Key=key, Body=PHOTO)
    record = ImageRecord(
        image_id=image_id,
        owner="ada",
        specialty="skin",
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=NOW,
        object_version="v0",
        working_image=WorkingImage(key=key, width=640, height=480),
        prediction=prediction,
        attempt=1,
        created_at=NOW,
        updated_at=NOW,
        correlation_id="request",
    )
    casework = DynamoCasework("casework", REGION, "ephemeral")
    return casework.add_result(casework.add_image(record, None))


def predicted(model: LoadedModel) -> Prediction:
    with Image.open(io.BytesIO(PHOTO)) as image:
        return model.predict(image, demonstration=True)


def registered(cloud: Cloud, made: OnnxClassifier) -> LoadedModel:
    """Puts a model where register_model would, signed."""
    files: dict[str, Any] = {}
    for role, name, data in (
        ("model", "model.onnx", made.model),
        ("manifest", "manifest.json", made.manifest_json),
    ):
        key = f"models/skin/{made.manifest['version']}/{name}"
        files[f"{role}_key"] = key
        files[f"{role}_object_version"] = cloud.s3.put_object(Bucket="models", Key=key, Body=data)[
            "VersionId"
        ]
        files[f"{role}_sha256"] = hashlib.sha256(data).hexdigest()
    model = RegisteredModel(
        specialty="skin",
        name=made.manifest["name"],
        version=made.manifest["version"],
        status=ModelStatus.CANDIDATE,
        intended_use="tests",
        registered_by="admin",
        created_at=NOW,
        **files,
    )
    signature = KmsSigner(cloud.kms, cloud.signing_key["Arn"]).sign(signed_message("skin", model))
    DynamoRegistry("registry", REGION).add_model(model.model_copy(update={"signature": signature}))
    return LoadedModel.open(made.package)


def explain(record: ImageRecord, label: str) -> dict[str, Any]:
    said: dict[str, Any] = explain_image.handler.handler(
        {"image_id": record.image_id, "label": label}, FakeContext()
    )
    return said


def picture(cloud: Cloud, key: str) -> Image.Image:
    return Image.open(io.BytesIO(cloud.s3.get_object(Bucket="images", Key=key)["Body"].read()))


def test_a_finding_of_a_baseline_is_explained_by_its_own_grid(cloud: Cloud) -> None:
    package = PackagedBaselines().package("skin")
    assert package is not None
    record = analysed(cloud, predicted(LoadedModel.open(package)))
    assert record.prediction is not None
    said = explain(record, record.prediction.top_label)
    assert said["method"] == "grad_cam"
    assert said["central_share"] > 0.3, "the phantom's lesion lies in the middle"
    heatmap, overlay = (picture(cloud, said[f"{name}_key"]) for name in ("heatmap", "overlay"))
    assert (heatmap.format, heatmap.size) == ("PNG", (640, 480))
    assert (overlay.format, overlay.width) == ("JPEG", 640)
    assert np.asarray(heatmap).std() > 5
    assert explain(record, record.prediction.top_label) == said, "kept, and not drawn again"


def test_a_third_party_model_without_features_is_explained_by_occlusion(cloud: Cloud) -> None:
    record = analysed(cloud, predicted(registered(cloud, classifier(version="7.0.0"))))
    said = explain(record, "bcc")
    assert (said["label"], said["method"]) == ("bcc", "occlusion")
    assert picture(cloud, said["heatmap_key"]).size == (640, 480)


def legend(title: str) -> NDArray[np.int16]:
    """What an overlay as wide as the photo has below it."""
    drawn = overlay_jpeg(Image.new("RGB", (640, 480)), np.zeros((480, 640), np.float32), title)
    return np.asarray(Image.open(io.BytesIO(drawn)), np.int16)[480:]


@pytest.mark.parametrize(
    ("label", "told"), [("bcc", "Basal cell carcinoma"), ("naevus", "naevus"), ("黑色素瘤", "label 3 of 3")]
)
def test_the_legend_begins_with_the_method_and_counts_a_label_that_it_cannot_write(
    cloud: Cloud, label: str, told: str
) -> None:
    made = classifier(version="7.1.0", labels=("bcc", "naevus", "黑色素瘤"))
    said = explain(analysed(cloud, predicted(registered(cloud, made))), label)
    assert said["central_share"] is not None
    drawn = np.asarray(picture(cloud, said["overlay_key"]), np.int16)[480:]
    assert np.abs(drawn - legend(f"Occlusion: evidence for {told}")).mean() < 1
    assert np.abs(drawn - legend(f"Occlusion: evidence for {told[:-1]}")).mean() > 1, "one letter counts"


def test_a_label_that_is_not_the_most_probable_one_has_pictures_of_its_own(cloud: Cloud) -> None:
    package = PackagedBaselines().package("skin")
    assert package is not None
    record = analysed(cloud, predicted(LoadedModel.open(package)))
    assert record.prediction is not None
    pictures = {}
    for entry in record.prediction.probabilities:
        said = explain(record, entry.label)
        assert (said["label"], said["method"]) == (entry.label, "grad_cam")
        pictures[entry.label] = [picture(cloud, said[f"{name}_key"]) for name in ("heatmap", "overlay")]
    assert len(pictures) == len(LoadedModel.open(package).manifest.labels)
    assert all((heat.format, over.format) == ("PNG", "JPEG") for heat, over in pictures.values())
    assert len({heat.tobytes() for heat, _ in pictures.values()}) > 1
    assert len({over.tobytes() for _, over in pictures.values()}) == len(pictures), "each says its label"


def test_a_model_that_is_gone_or_was_tampered_with_explains_nothing(cloud: Cloud) -> None:
    stranger = analysed(cloud, predicted(LoadedModel.open(classifier(version="9.9.9").package)))
    assert "no longer here" in explain(stranger, "mel")["problem"]
    made = classifier(version="8.0.0")
    record = analysed(cloud, predicted(registered(cloud, made)))
    table = DynamoRegistry("registry", REGION)
    stored = table.model("skin", "8.0.0")
    cloud.s3.delete_object(Bucket="models", Key=stored.manifest_key, VersionId=stored.manifest_object_version)
    assert "gone" in explain(record, "mel")["problem"]
    found = cloud.s3.list_objects_v2(Bucket="images", Prefix="explanations/")
    assert found["KeyCount"] == 0
