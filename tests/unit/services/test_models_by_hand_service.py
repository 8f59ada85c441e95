"""Announcing, listing and activating models."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fake_registry import FakeModelUploads, FakeRegistry
from tests.fakes import START, FakeAuditTrail, FakeClock
from triagelens.domain.audit import Outcome
from triagelens.domain.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
    UnknownSpecialtyError,
)
from triagelens.domain.imports import ImportStatus
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, RegisteredModel
from triagelens.domain.people import Person, Role
from triagelens.services.models import FORM_LIFETIME, AnnouncedImport, Imports, Models
from triagelens.services.rollout import AskedOf, Rollout

ADMIN = Person(sub="sub-root", username="root", role=Role.ADMIN, created_at=START)
DIGEST = "a" * 64
HEAD_DIGEST = "b" * 64
EXPLAINED = {"features_output": "f", "head_weights": "head.npy", "head_weights_sha256": HEAD_DIGEST}


def manifest(**changes: Any) -> Manifest:
    content: dict[str, Any] = {
        "specialty": "eye",
        "name": "third-party",
        "version": "1.0",
        "sha256": DIGEST,
        "created_at": START,
        "labels": ["normal", "cataract"],
        "input": {"name": "x", "height": 224, "width": 224},
        "output": {"name": "y"},
        "licence": "MIT",
        "intended_use": "research",
    }
    return Manifest.model_validate({**content, **changes})


def registered(
    version: str, status: ModelStatus = ModelStatus.CANDIDATE, specialty: str = "eye"
) -> RegisteredModel:
    return RegisteredModel(
        specialty=specialty,
        name="third-party",
        version=version,
        status=status,
        model_key=f"models/{specialty}/{version}/model.onnx",
        model_object_version="v1",
        model_sha256=DIGEST,
        manifest_key=f"models/{specialty}/{version}/manifest.json",
        manifest_object_version="v2",
        manifest_sha256=HEAD_DIGEST,
        intended_use="research",
        registered_by="sub-root",
        created_at=START,
    )


class World:
    def __init__(self, *known: RegisteredModel) -> None:
        self.clock, self.registry, self.audit = FakeClock(), FakeRegistry(), FakeAuditTrail()
        self.imports = Imports(self.registry, FakeModelUploads(), self.clock, max_bytes=1000)
        self.models = Models(self.registry)
        self.rollout = Rollout(self.registry, self.audit, self.clock, owner_may_activate=True)
        for model in known:
            self.registry.add_model(model)

    def announce(self, of: Manifest, size: int = 500, head: int | None = None) -> AnnouncedImport:
        return self.imports.announce(ADMIN, of, size, head, "c")

    def activate(self, version: str, reason: str = "because") -> int:
        return self.rollout.activate(AskedOf(ADMIN, "eye", version, reason, "c")).revision


def test_each_file_gets_a_form_bound_to_its_size_and_digest() -> None:
    world = World()
    announced = world.announce(manifest(explain=EXPLAINED), head=64)
    folder = f"incoming/{announced.record.import_id}"
    assert announced.model.fields["key"] == f"{folder}/model.onnx"
    assert announced.model.fields["sizes"] == "500-500"
    assert announced.model.fields["sha256"] == DIGEST
    assert announced.head is not None
    assert announced.head.fields["key"] == f"{folder}/head.npy"
    assert announced.head.fields["sha256"] == HEAD_DIGEST
    assert announced.manifest.fields["key"] == f"{folder}/manifest.json"
    assert world.registry.model_import(announced.record.import_id).requested_by == "sub-root"


def test_a_model_without_head_weights_gets_no_form_for_them() -> None:
    assert World().announce(manifest()).head is None


@pytest.mark.parametrize(("explain", "head"), [(None, 64), (EXPLAINED, None)])
def test_head_weights_are_named_and_sent_or_neither(explain: Any, head: int | None) -> None:
    with pytest.raises(InvalidRequestError):
        World().announce(manifest(explain=explain), head=head)


@pytest.mark.parametrize(("size", "head"), [(1001, 64), (500, 10**9)])
def test_files_larger_than_allowed_are_refused(size: int, head: int) -> None:
    with pytest.raises(TooLargeError):
        World().announce(manifest(explain=EXPLAINED), size=size, head=head)


def test_a_model_for_an_unknown_specialty_is_refused() -> None:
    with pytest.raises(UnknownSpecialtyError):
        World().announce(manifest(specialty="feet"))


@pytest.mark.parametrize("status", [ModelStatus.CANDIDATE, ModelStatus.NOT_EVALUABLE])
def test_a_registered_version_is_never_replaced(status: ModelStatus) -> None:
    with pytest.raises(ConflictError, match=r"1\.0"):
        World(registered("1.0", status)).announce(manifest())


def test_a_version_that_was_refused_can_be_brought_again() -> None:
    assert World(registered("1.0", ModelStatus.REFUSED)).announce(manifest()).model


def test_an_import_expires_when_its_files_can_no_longer_come() -> None:
    world = World()
    import_id = world.announce(manifest()).record.import_id
    retention = timedelta(days=4)
    world.clock.now = START + FORM_LIFETIME + retention
    assert world.imports.status(import_id, retention).status is ImportStatus.AWAITING_UPLOAD
    world.clock.advance(seconds=1)
    assert world.imports.status(import_id, retention).status is ImportStatus.EXPIRED


@pytest.mark.parametrize("import_id", ["nonsense", "01k9qq3ztm5c2v8e6x4r1n7d0b"])
def test_an_unknown_import_is_not_found(import_id: str) -> None:
    with pytest.raises(NotFoundError):
        World().imports.status(import_id, timedelta())


def test_the_activated_model_is_in_production_and_the_deed_is_written_down() -> None:
    world = World(registered("1.0"), registered("2.0"))
    assert world.activate("1.0") == 1
    assert world.activate("2.0", "1.0 fails on scans") == 2
    assert not world.models.model("eye", "1.0").production
    assert world.models.model("eye", "2.0").production
    pointer = world.registry.production("eye")
    assert pointer is not None
    assert (pointer.model_key, pointer.activated_by) == ("models/eye/2.0/model.onnx", "sub-root")
    entry = world.audit.entries[-1]
    assert (entry.action, entry.subject, entry.actor) == ("model.activate", "eye/2.0", "sub-root")
    assert (entry.outcome, entry.reason) == (Outcome.ALLOWED, "1.0 fails on scans")


def test_a_former_production_model_can_come_back() -> None:
    world = World(registered("1.0"), registered("2.0"))
    assert [world.activate(version) for version in ("1.0", "2.0", "1.0")] == [1, 2, 3]


def test_to_activate_what_is_in_production_changes_nothing() -> None:
    world = World(registered("1.0"))
    assert world.activate("1.0") == world.activate("1.0") == 1


@pytest.mark.parametrize("status", [ModelStatus.REFUSED, ModelStatus.RETIRED])
def test_a_model_that_was_refused_or_retired_stays_out_and_the_attempt_is_written_down(
    status: ModelStatus,
) -> None:
    world = World(registered("1.0", status))
    with pytest.raises(ConflictError, match=status):
        world.activate("1.0")
    assert world.registry.production("eye") is None
    assert [entry.outcome for entry in world.audit.entries] == [Outcome.DENIED]


def test_what_cannot_be_written_down_does_not_happen() -> None:
    class Broken(FakeAuditTrail):
        def append(self, entry: object) -> None:
            raise ConnectionError

    world = World(registered("1.0"))
    rollout = Rollout(world.registry, Broken(), world.clock, owner_may_activate=True)
    with pytest.raises(ConnectionError):
        rollout.activate(AskedOf(ADMIN, "eye", "1.0", "because", "c"))
    assert world.registry.production("eye") is None


def test_the_list_of_all_models_goes_through_the_specialties_page_by_page() -> None:
    known = [("brain", "1"), ("eye", "1"), ("eye", "2"), ("eye", "3"), ("skin", "1")]
    world = World(*(registered(version, specialty=name) for name, version in known))
    world.activate("2")
    for limit in (1, 2, 3, 5, 50):
        found: list[tuple[str, str]] = []
        cursor: str | None = None
        for _ in range(10):
            page = world.models.page_of_all(limit, cursor)
            assert len(page.items) <= limit
            found += [(entry.model.specialty, entry.model.version) for entry in page.items]
            live = [entry.model.version for entry in page.items if entry.production]
            assert live in ([], ["2"])
            cursor = page.cursor
            if cursor is None:
                break
        assert found == known


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        World().models.page_of_all(10, "feet:1")
