"""A model is tried in a process of its own, and asked what it answered where it was made."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests.onnx_models import OnnxClassifier, classifier, edited
from triagelens.inference import trial
from triagelens.inference.parity import parity_problems
from triagelens.inference.session import LoadedModel
from triagelens.inference.trial import TrialError, try_model

MADE = classifier()


def said_of(made: OnnxClassifier, **changes: Any) -> bytes:
    """parity.json as an exporter would write it: two seeds and one image in full."""
    spec = made.manifest["input"]
    shape = (3, spec["height"], spec["width"])
    loaded = LoadedModel.open(made.package)
    drawn = [np.random.default_rng(seed).standard_normal(shape).astype(np.float32) for seed in (1, 2, 3)]
    outputs = [np.asarray(loaded.run(one[None])[0])[0].tolist() for one in drawn]
    inputs: list[Any] = [{"seed": 1, "shape": shape}, {"seed": 2, "shape": shape}, drawn[2].ravel().tolist()]
    return json.dumps({"inputs": inputs, "outputs": outputs, "tolerance": 1e-4} | changes).encode()


def codes(made: OnnxClassifier, parity: bytes | None = None, **limits: Any) -> list[str]:
    given = {"memory_mb": 2048, "timeout_s": 60.0, **limits}
    return [problem.code for problem in try_model(made.package, parity, **given)]


def replayed(parity: bytes) -> list[str]:
    """The same comparison in this process."""
    return [problem.code for problem in parity_problems(parity, LoadedModel.open(MADE.package))]


def test_a_sound_model_that_answers_as_where_it_was_made_has_no_problems() -> None:
    assert codes(MADE, said_of(MADE)) == []


def test_what_is_wrong_with_a_model_comes_back_from_the_other_process() -> None:
    assert codes(edited(MADE, labels=["nv", "mel"])) == ["output_shape"]


def test_a_model_that_answers_otherwise_than_where_it_was_made_is_refused() -> None:
    assert codes(MADE, said_of(classifier(seed=9))) == ["parity"]


def test_a_difference_within_the_tolerance_is_none() -> None:
    outputs = json.loads(said_of(MADE))["outputs"]
    near = [[value + 5e-4 for value in row] for row in outputs]
    assert replayed(said_of(MADE, outputs=near)) == ["parity"]
    assert replayed(said_of(MADE, outputs=near, tolerance=1e-3)) == []


@pytest.mark.parametrize(
    "parity",
    [
        b"not json",
        b"{}",
        said_of(MADE, inputs=[], outputs=[]),
        said_of(MADE, outputs=[[0.0, 0.0, 0.0]]),
        said_of(MADE, outputs=[[0.0]] * 3),
        said_of(MADE, inputs=[[0.0, 1.0]] * 3),
        said_of(MADE, inputs=[{"seed": 1, "shape": (3, 9, 9)}] * 3),
        said_of(MADE, tolerance=5.0),
        said_of(MADE, tolerance="NaN"),
    ],
    ids=["no json", "nothing", "empty", "few", "narrow", "short", "shape", "loose", "nan"],
)
def test_a_parity_file_that_proves_nothing_is_refused(parity: bytes) -> None:
    assert replayed(parity) == ["parity_invalid"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's address space")
def test_a_model_that_needs_too_much_memory_is_refused_and_not_the_registrar() -> None:
    large = classifier(height=700, width=700)  # 18 MB, of which loading takes several copies
    (code,) = codes(large, memory_mb=150)
    assert code in {"too_much_memory", "does_not_load"}
    assert codes(large) == []


def test_a_model_that_takes_too_long_is_refused() -> None:
    assert codes(MADE, timeout_s=0.05) == ["too_slow"]


def test_no_credentials_go_with_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen: dict[str, str] = {}
    run = subprocess.run

    def watched(command: list[str], **options: Any) -> Any:
        seen.update(options["env"])
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", watched)
    assert codes(MADE) == []
    assert "PYTHONPATH" in seen
    assert not [name for name in seen if name.startswith("AWS_")]


def test_a_trial_that_breaks_by_itself_says_nothing_about_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_environment", lambda: {"PATH": os.environ["PATH"], "PYTHONPATH": ""})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(TrialError):
        try_model(MADE.package, None, memory_mb=2048, timeout_s=60)
