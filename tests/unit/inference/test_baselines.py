"""The baselines that are shipped can serve, and say what they are."""

import numpy as np
import pytest
from PIL import Image

from triagelens.domain.specialties import SPECIALTIES, specialty
from triagelens.inference.baselines import PackagedBaselines
from triagelens.inference.session import LoadedModel
from triagelens.inference.verify import verify_model


@pytest.mark.parametrize("name", sorted(SPECIALTIES))
def test_every_specialty_has_a_sound_baseline_with_evidence(name: str) -> None:
    package = PackagedBaselines().package(name)
    assert package is not None
    assert verify_model(package) == []

    noise = np.random.default_rng(0).integers(0, 256, (768, 1024, 3), dtype=np.uint8)
    prediction = LoadedModel.open(package).predict(Image.fromarray(noise))
    assert {entry.label for entry in prediction.probabilities} == set(specialty(name).label_names)
    assert prediction.model.name.startswith("phantom-")
    assert prediction.intended_use == "demonstration only"
    assert prediction.features is not None
    assert len(prediction.features.activations) == len(specialty(name).labels)
