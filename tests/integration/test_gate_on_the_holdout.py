"""A finished training job's model is measured on the frozen holdout before anybody can promote it."""

from typing import Any

import pytest

from tests.cloud import REGION, Cloud
from tests.fakes import START
from tests.grey_models import grey_classifier, parity_of
from tests.integration.learning import enter, entry_of, hold_out, keep
from tests.integration.test_register_model import _fresh as _fresh
from tests.integration.test_register_model import announce, files_of, register, registry, signatures, upload
from tests.onnx_models import OnnxClassifier, classifier
from triagelens.adapters.dynamodb.ledger import DynamoLedgers
from triagelens.adapters.dynamodb.tables import AuditItem
from triagelens.adapters.holdout import SnapshotHoldout
from triagelens.domain.errors import ConflictError
from triagelens.domain.gate import LEAST_IMAGES_PER_LABEL, GateVerdict, HoldoutImage, Outcome
from triagelens.domain.imports import ImportStatus, ModelImport
from triagelens.domain.ledger import LedgerEntry
from triagelens.domain.models import ModelStatus, ProductionPointer, RegisteredModel, signed_message

ENOUGH = LEAST_IMAGES_PER_LABEL + 10
WRONG = 250.0  # a threshold that no image reaches: everything is normal


def trained(cloud: Cloud, made: OnnxClassifier, parity: bytes | None = None, **changes: Any) -> ModelImport:
    """Hands a model over as a training job does, and has it registered."""
    record = announce(made, job_id="job-1", started_by="trainer", **changes)
    files = files_of(made)
    manifest = files.pop("manifest.json")
    files["parity.json"] = parity_of(made) if parity is None else parity
    assert register(upload(cloud, record, {**files, "manifest.json": manifest})) == []
    return registry().model_import(record.import_id)


def card(version: str = "1.0.0") -> RegisteredModel:
    return registry().model("eye", version)


def put_into_production(version: str) -> None:
    model = card(version)
    registry().point(
        ProductionPointer(
            **model.files().model_dump(),
            specialty="eye",
            activated_by="other",
            activated_at=START,
            revision=1,
        )
    )


def holdout(cloud: Cloud) -> list[HoldoutImage]:
    ledgers = DynamoLedgers("registry", REGION)
    return list(SnapshotHoldout("registry", REGION, ledgers, cloud.s3, "learning").images("eye"))


def test_a_good_model_becomes_a_candidate_with_every_figure_on_its_card(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH)
    assert trained(cloud, grey_classifier()).status is ImportStatus.CANDIDATE
    model = card()
    assert model.status is ModelStatus.CANDIDATE
    assert (model.job_id, model.started_by, model.problems) == ("job-1", "trainer", ())
    assert model.gate is not None
    assert model.gate.verdict is GateVerdict.PASSED
    assert (model.gate.images, model.gate.available) == (2 * ENOUGH, 2 * ENOUGH)
    assert model.gate.balanced_accuracy == 1.0
    assert model.gate.reference is not None
    assert model.gate.reference.kind == "baseline"
    assert model.signature is not None
    assert signatures(cloud).verify(signed_message("eye", model), model.signature)


def test_a_worse_model_than_production_is_refused_and_keeps_its_reasons(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH)
    trained(cloud, grey_classifier())
    put_into_production("1.0.0")
    decided = trained(cloud, grey_classifier(version="2.0.0", threshold=WRONG))
    assert decided.status is ImportStatus.REFUSED
    assert {problem.code for problem in decided.problems} == {"gate"}
    model = card("2.0.0")
    assert (model.status, model.problems, model.signature) == (ModelStatus.REFUSED, decided.problems, None)
    assert model.gate is not None
    assert model.gate.reference is not None
    assert (model.gate.reference.kind, model.gate.reference.version) == ("production", "1.0.0")
    assert model.gate.labels["cataract"].sensitivity == 0.0
    failed = {check.name for check in model.gate.checks if check.outcome is Outcome.FAILED}
    assert {"balanced_accuracy", "sensitivity.cataract"} <= failed
    assert [item.body["outcome"] for item in AuditItem.scan()].count("denied") == 1


def test_a_refused_version_can_be_handed_over_again(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH)
    assert trained(cloud, grey_classifier(threshold=WRONG)).status is ImportStatus.REFUSED
    assert trained(cloud, grey_classifier()).status is ImportStatus.CANDIDATE
    assert card().status is ModelStatus.CANDIDATE


def test_too_small_a_holdout_is_no_verdict(cloud: Cloud) -> None:
    hold_out(cloud, LEAST_IMAGES_PER_LABEL - 1)
    decided = trained(cloud, grey_classifier())
    assert decided.status is ImportStatus.NOT_EVALUABLE
    assert "too few images" in decided.problems[0].message
    model = card()
    assert (model.status, model.problems) == (ModelStatus.NOT_EVALUABLE, decided.problems)
    assert model.signature is not None, "a second admin may promote it"


def test_what_is_trained_on_is_never_measured_on(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH, split="train")
    hold_out(cloud, 3, first=100)
    assert trained(cloud, grey_classifier()).status is ImportStatus.NOT_EVALUABLE
    assert len(holdout(cloud)) == 6


def test_an_image_whose_group_is_trained_on_by_now_is_held_out_no_longer(cloud: Cloud) -> None:
    first, *others = hold_out(cloud, 5)
    trained_on = entry_of(b"of the same patient", "normal", "train")
    enter(LedgerEntry(name=trained_on.group, split="train"))
    enter(LedgerEntry(name=first.group, split="held_out", parent=trained_on.group, version=1))
    assert {image.sha256 for image in holdout(cloud)} == {entry.sha256 for entry in others}


def test_images_of_one_group_are_resampled_together(cloud: Cloud) -> None:
    first, second, *_ = hold_out(cloud, 5)
    enter(LedgerEntry(name=first.group, split="held_out", parent=second.group, version=1))
    groups = {image.sha256: image.group for image in holdout(cloud)}
    assert groups[first.sha256] == groups[second.sha256] == second.group


def test_an_image_that_several_snapshots_hold_counts_once_with_its_latest_label(cloud: Cloud) -> None:
    first, *_ = entries = hold_out(cloud, 2)
    corrected = [first.model_copy(update={"label": "cataract"}), *entries[1:]]
    keep(cloud, corrected, created_at=START.replace(year=2027))
    found = {image.sha256: image.label for image in holdout(cloud)}
    assert len(found) == 4
    assert found[first.sha256] == "cataract"


def test_snapshots_of_other_specialties_are_not_asked(cloud: Cloud) -> None:
    keep(cloud, [entry_of(b"skin", "nv", "held_out")], specialty="skin")
    assert holdout(cloud) == []


def test_a_snapshot_that_is_not_what_was_recorded_is_not_measured_on(cloud: Cloud) -> None:
    entries = hold_out(cloud, ENOUGH)
    snapshot = keep(cloud, entries[:4])
    cloud.s3.put_object(Bucket="learning", Key=snapshot.key, Body=b"")
    with pytest.raises(ConflictError, match="not what was recorded"):
        holdout(cloud)


def test_a_job_that_brings_no_parity_file_is_refused(cloud: Cloud) -> None:
    made = grey_classifier()
    record = announce(made, job_id="job-1", started_by="trainer")
    assert register(upload(cloud, record, files_of(made))) == []
    (problem,) = registry().model_import(record.import_id).problems
    assert problem.code == "parity_missing"


def test_a_model_that_answers_otherwise_than_where_it_was_trained_is_refused(cloud: Cloud) -> None:
    decided = trained(cloud, grey_classifier(), parity=parity_of(grey_classifier(threshold=WRONG)))
    assert [problem.code for problem in decided.problems] == ["parity"]


def test_a_production_model_that_was_tampered_with_is_no_verdict(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH)
    trained(cloud, grey_classifier())
    put_into_production("1.0.0")
    model = card()
    cloud.s3.delete_object(Bucket="models", Key=model.model_key, VersionId=model.model_object_version)
    assert trained(cloud, grey_classifier(version="2.0.0")).status is ImportStatus.NOT_EVALUABLE


def test_a_model_with_other_labels_than_the_specialty_is_measured_and_refused(cloud: Cloud) -> None:
    hold_out(cloud, ENOUGH)
    other = classifier(specialty="eye", labels=("clear", "cloudy"))
    assert trained(cloud, other).status is ImportStatus.REFUSED
