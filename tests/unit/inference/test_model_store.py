"""Which model answers, when a change takes force, and that unverified bytes never do."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.fake_signatures import FakeSignatures, signed
from tests.onnx_models import OnnxClassifier, classifier, edited
from triagelens.domain.errors import ModelError, ModelIntegrityError, NoModelError, NotFoundError
from triagelens.domain.models import ProductionPointer
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.model_store import ModelStore
from triagelens.inference.package import ModelPackage

IMAGE = Image.fromarray(np.random.default_rng(2).integers(0, 256, (40, 60, 3), dtype=np.uint8))


@dataclass
class FakeModels:
    """Registry, bucket and baselines in memory; counts what is asked of them."""

    pointers: dict[str, ProductionPointer] = field(default_factory=dict)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    baselines: dict[str, ModelPackage] = field(default_factory=dict)
    pointer_reads: int = 0
    object_reads: list[str] = field(default_factory=list)
    now: float = 1000.0
    signatures: FakeSignatures = field(default_factory=FakeSignatures)

    def production(self, specialty: str) -> ProductionPointer | None:
        self.pointer_reads += 1
        return self.pointers.get(specialty)

    def read(self, key: str, object_version: str) -> bytes:
        self.object_reads.append(key)
        try:
            return self.objects[key, object_version]
        except KeyError:
            raise NotFoundError(f"There is no {key}.") from None

    def package(self, specialty: str) -> ModelPackage | None:
        return self.baselines.get(specialty)

    def clock(self) -> float:
        return self.now

    def activate(self, made: OnnxClassifier, specialty: str = "skin") -> ProductionPointer:
        version = made.manifest["version"]
        folder = f"models/{specialty}/{version}"
        files = {"model": ("model.onnx", made.model), "manifest": ("manifest.json", made.manifest_json)}
        if made.head is not None:
            files["head"] = ("head.npy", made.head)
        said: dict[str, Any] = {}
        for role, (name, data) in files.items():
            key, object_version = f"{folder}/{name}", f"{version}-{role}"
            self.objects[key, object_version] = data
            said[f"{role}_key"], said[f"{role}_object_version"] = key, object_version
            said[f"{role}_sha256"] = hashlib.sha256(data).hexdigest()
        pointer = ProductionPointer(
            specialty=specialty,
            version=version,
            activated_by="01hf",
            activated_at=datetime(2026, 1, 31, tzinfo=UTC),
            revision=1,
            **said,
        )
        pointer = pointer.model_copy(update={"signature": signed(specialty, pointer)})
        self.pointers[specialty] = pointer
        return pointer

    def tamper(self, role: str) -> None:
        """Flips the last bit of a stored file under the very same object version."""
        place = next(place for place in self.objects if place[1].endswith(role))
        data = self.objects[place]
        self.objects[place] = bytes([*data[:-1], data[-1] ^ 1])


@pytest.fixture
def models() -> FakeModels:
    return FakeModels()


def store_of(models: FakeModels, stage: str = "dev", **limits: Any) -> ModelStore:
    return ModelStore(models, models, models, models.signatures, stage=stage, clock=models.clock, **limits)


def version_of(store: ModelStore, specialty: str = "skin") -> str:
    return store.for_specialty(specialty, "image").predict(IMAGE).model.version


def test_the_production_model_answers(models: FakeModels) -> None:
    pointer = models.activate(classifier(version="3.0.0", features=True))
    prediction = store_of(models, stage="prod").for_specialty("skin", "image").predict(IMAGE)
    assert prediction.model.version == "3.0.0"
    assert prediction.model.sha256 == pointer.model_sha256
    assert prediction.model.manifest_sha256 == pointer.manifest_sha256
    assert prediction.features is not None
    assert prediction.demonstration is False


def test_a_baseline_answers_where_nothing_is_registered_and_says_what_it_is(models: FakeModels) -> None:
    models.baselines["skin"] = classifier(version="0.1.0").package
    prediction = store_of(models).for_specialty("skin", "image").predict(IMAGE)
    assert prediction.model.version == "0.1.0"
    assert prediction.demonstration is True


def test_a_baseline_never_answers_in_production(models: FakeModels) -> None:
    models.baselines["skin"] = classifier().package
    with pytest.raises(NoModelError, match="skin"):
        store_of(models, stage="prod").for_specialty("skin", "image")


def test_a_specialty_without_any_model_has_none(models: FakeModels) -> None:
    models.baselines["skin"] = classifier().package
    with pytest.raises(NoModelError, match="no baseline"):
        store_of(models).for_specialty("eye", "image")


def test_a_registered_model_goes_before_the_baseline(models: FakeModels) -> None:
    models.baselines["skin"] = classifier(version="0.1.0").package
    models.activate(classifier(version="1.0.0"))
    assert version_of(store_of(models)) == "1.0.0"


def test_a_registered_model_for_demonstration_only_is_still_marked(models: FakeModels) -> None:
    models.activate(classifier(intended_use="Demonstration only"))
    assert store_of(models).for_specialty("skin", "image").predict(IMAGE).demonstration is True


def test_a_promotion_and_a_rollback_are_in_force_within_thirty_seconds(models: FakeModels) -> None:
    first = models.activate(classifier(version="1.0.0"))
    store = store_of(models)
    seen = [version_of(store)]
    models.activate(classifier(version="2.0.0", seed=1))
    models.now += 29
    seen.append(version_of(store))
    models.pointers["skin"] = first
    models.now += 29
    seen.append(version_of(store))
    assert seen == ["1.0.0", "2.0.0", "1.0.0"]


def test_a_first_activation_is_in_force_within_thirty_seconds(models: FakeModels) -> None:
    models.baselines["skin"] = classifier(version="0.1.0").package
    store = store_of(models)
    assert version_of(store) == "0.1.0"
    models.activate(classifier(version="1.0.0"))
    models.now += 29
    assert version_of(store) == "1.0.0"


def test_the_registry_is_not_asked_for_every_image(models: FakeModels) -> None:
    models.activate(classifier())
    store = store_of(models)
    for _ in range(50):
        store.for_specialty("skin", "image")
        models.now += 0.1
    assert models.pointer_reads == 1
    assert len(models.object_reads) == 2


def test_a_model_that_stays_in_production_is_fetched_once(models: FakeModels) -> None:
    models.activate(classifier())
    store = store_of(models)
    for _ in range(10):
        store.for_specialty("skin", "image")
        models.now += 60
    assert models.pointer_reads == 10
    assert len(models.object_reads) == 2


@pytest.mark.parametrize("role", ["model", "manifest", "head"])
def test_bytes_other_than_registered_never_serve(models: FakeModels, role: str) -> None:
    models.baselines["skin"] = classifier(version="0.1.0").package
    models.activate(classifier(features=True))
    models.tamper(role)
    store = store_of(models)
    for _ in range(2):
        with pytest.raises(ModelIntegrityError, match="SHA-256"):
            store.for_specialty("skin", "image")


def test_a_swapped_manifest_never_serves_even_if_it_is_valid(models: FakeModels) -> None:
    made = classifier()
    pointer = models.activate(made)
    swapped = edited(made, labels=["mel", "nv", "bcc"]).manifest_json
    models.objects[pointer.manifest_key, pointer.manifest_object_version] = swapped
    with pytest.raises(ModelIntegrityError, match="SHA-256"):
        store_of(models).for_specialty("skin", "image")


def test_a_manifest_of_another_model_never_serves(models: FakeModels) -> None:
    pointer = models.activate(classifier())
    other = classifier(seed=1).manifest_json
    models.objects[pointer.manifest_key, pointer.manifest_object_version] = other
    digest = hashlib.sha256(other).hexdigest()
    forged = pointer.model_copy(update={"manifest_sha256": digest})
    models.pointers["skin"] = forged.model_copy(update={"signature": signed("skin", forged)})
    with pytest.raises(ModelIntegrityError, match="another model"):
        store_of(models).for_specialty("skin", "image")


@pytest.mark.parametrize(
    "change",
    [
        {"signature": None},
        {"signature": "bm90IGEgc2lnbmF0dXJl"},
        {"manifest_sha256": "0" * 64},
        {"model_sha256": "0" * 64},
        {"version": "2.0.0"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_pointer_that_was_not_signed_as_it_stands_never_serves(
    models: FakeModels, change: dict[str, Any]
) -> None:
    pointer = models.activate(classifier(version="1.0.0"))
    models.pointers["skin"] = pointer.model_copy(update=change)
    with pytest.raises(ModelIntegrityError, match="not signed"):
        store_of(models).for_specialty("skin", "image")
    assert models.object_reads == []


def test_swapped_labels_are_refused_like_swapped_weights_even_if_the_pointer_follows(
    models: FakeModels,
) -> None:
    made = classifier()
    pointer = models.activate(made)
    swapped = edited(made, labels=["mel", "nv", "bcc"]).manifest_json
    models.objects[pointer.manifest_key, pointer.manifest_object_version] = swapped
    digest = hashlib.sha256(swapped).hexdigest()
    models.pointers["skin"] = pointer.model_copy(update={"manifest_sha256": digest})
    with pytest.raises(ModelIntegrityError, match="not signed"):
        store_of(models).for_specialty("skin", "image")


def test_a_signature_is_verified_once_for_a_loaded_model(models: FakeModels) -> None:
    models.activate(classifier())
    store = store_of(models)
    for _ in range(20):
        store.for_specialty("skin", "image")
        models.now += 60
    assert models.signatures.asked == 1


def test_a_model_of_another_specialty_never_serves(models: FakeModels) -> None:
    models.activate(classifier(specialty="skin"), specialty="eye")
    with pytest.raises(ModelIntegrityError, match="another model"):
        store_of(models).for_specialty("eye", "image")


def test_a_model_that_is_gone_is_an_error_and_not_replaced(models: FakeModels) -> None:
    models.baselines["skin"] = classifier(version="0.1.0").package
    models.activate(classifier())
    models.objects.clear()
    with pytest.raises(ModelIntegrityError, match="gone"):
        store_of(models).for_specialty("skin", "image")


def test_a_newer_object_under_the_same_key_does_not_matter(models: FakeModels) -> None:
    pointer = models.activate(classifier(version="1.0.0"))
    models.objects[pointer.model_key, "somebody-elses-version"] = b"overwritten"
    assert version_of(store_of(models)) == "1.0.0"


def test_a_changed_baseline_never_serves(models: FakeModels) -> None:
    made = classifier()
    models.baselines["skin"] = ModelPackage(made.model + b"\0", made.manifest_json)
    with pytest.raises(ModelIntegrityError, match=r"model\.onnx"):
        store_of(models).for_specialty("skin", "image")


def test_a_model_that_recovers_serves_again(models: FakeModels) -> None:
    models.activate(classifier(version="1.0.0"))
    models.tamper("model")
    store = store_of(models)
    with pytest.raises(ModelError):
        store.for_specialty("skin", "image")
    models.tamper("model")
    assert version_of(store) == "1.0.0"


def activate_all(models: FakeModels) -> None:
    for specialty in ("skin", "eye", "oral"):
        models.activate(classifier(specialty=specialty, version="1.0.0"), specialty)


def test_specialties_do_not_get_in_each_others_way(models: FakeModels) -> None:
    activate_all(models)
    store = store_of(models)
    for specialty in ("skin", "eye", "oral", "skin"):
        assert store.for_specialty(specialty, "image").predict(IMAGE).specialty == specialty
    assert len(models.object_reads) == 6


def test_the_longest_unused_model_makes_room(models: FakeModels) -> None:
    activate_all(models)
    store = store_of(models, max_loaded=2)
    for specialty in ("skin", "eye", "skin", "oral"):
        version_of(store, specialty)
    models.object_reads.clear()
    version_of(store, "skin")
    assert models.object_reads == []
    version_of(store, "eye")
    assert len(models.object_reads) == 2


def test_a_model_larger_than_all_the_room_still_serves(models: FakeModels) -> None:
    activate_all(models)
    store = store_of(models, max_loaded_bytes=10)
    assert [version_of(store, specialty) for specialty in ("skin", "eye", "skin")] == ["1.0.0"] * 3
    assert len(models.object_reads) == 6


def test_many_threads_load_a_model_once(models: FakeModels) -> None:
    models.activate(classifier())
    store = store_of(models)
    with ThreadPoolExecutor(8) as pool:
        served = list(pool.map(lambda number: store.for_specialty("skin", str(number)), range(40)))
    assert len({id(model.loaded) for model in served}) == 1
    assert len(models.object_reads) == 2


def test_baselines_are_read_from_their_folder(tmp_path: Path) -> None:
    made = classifier(features=True)
    made.write(tmp_path / "skin")
    baselines = PackagedBaselines(tmp_path)
    assert baselines.package("skin") == made.package
    assert baselines.package("eye") is None


def test_a_baseline_without_head_weights_is_read_too(tmp_path: Path) -> None:
    made = classifier()
    made.write(tmp_path / "skin")
    assert PackagedBaselines(tmp_path).package("skin") == made.package
