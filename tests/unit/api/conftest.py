"""The API over fakes: every adapter replaced, time in the test's hand."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clinic_api.app import create_app
from clinic_api.deps import (
    arrivals,
    audit,
    cases,
    erasures,
    former_apps,
    patients,
    people,
    ports,
    reviewing,
)
from clinic_api.deps import reports as report_deps
from clinic_api.deps import training as training_deps
from clinic_api.observability import logger
from clinic_api.settings import Settings, settings
from tests.fake_audit import FakeAuditReader, FakeChain, FakeExports
from tests.fake_cases import FakeCases
from tests.fake_erasures import FakeErasureQueue, FakeErasures
from tests.fake_forms import FakeFeedback, FakeForms
from tests.fake_migration import FakeHashVault, FakeMigrations
from tests.fake_patients import FakePatients
from tests.fake_people import FakeAttempts, FakeAuthenticators, FakeDirectory, FakePasswords
from tests.fake_registry import FakeModelUploads, FakeRegistry
from tests.fake_reports import FakeReportFiles, FakeReports
from tests.fake_training_jobs import FakeJobQueue, FakeJobRecords, FakeTrainingMaterial
from tests.fakes import (
    START,
    FakeAuditTrail,
    FakeCasework,
    FakeClock,
    FakeIdentity,
    FakeInferenceQueue,
    FakeOriginals,
    FakePeople,
    FakeStopwatch,
    FakeTokens,
    FakeWaitingRoom,
    FakeWorkingImages,
)
from triagelens.domain.people import Person, Role

ORIGIN = "https://portal.example.org"
SETTINGS = Settings.model_validate(
    {
        "stage": "dev",
        "aws_region": "eu-central-1",
        **{f"{name}_table": name for name in ("casework", "registry", "users", "audit", "ephemeral")},
        **{
            f"{name}_bucket": name
            for name in ("audit", "uploads", "images", "models", "learning", "documents")
        },
        "inference_queue_url": "https://queue.example/",
        "explain_function": "explain",
        "replay_queue_url": "https://replays.example/",
        "exports_queue_url": "https://exports.example/",
        "erasure_queue_url": "https://erasures.example/",
        "user_pool_id": "pool",
        "user_pool_client_id": "client",
        "old_apps_client_id": "old-apps",
        "migration_key_id": "migration-key",
        "webhook_key_id": "webhook-key",
        "token_issuer": "https://issuer.example",
        "jwks_url": "https://issuer.example/jwks.json",
        "queue_retention_s": 3600,
    }
)


@dataclass
class Fakes:
    """What stands behind the API."""

    clock: FakeClock = field(default_factory=FakeClock)
    stopwatch: FakeStopwatch = field(default_factory=FakeStopwatch)
    casework: FakeCasework = field(default_factory=FakeCasework)
    originals: FakeOriginals = field(default_factory=FakeOriginals)
    working_images: FakeWorkingImages = field(default_factory=FakeWorkingImages)
    queue: FakeInferenceQueue = field(default_factory=FakeInferenceQueue)
    people: FakePeople = field(default_factory=FakePeople)
    room: FakeWaitingRoom = field(default_factory=FakeWaitingRoom)
    audit: FakeAuditTrail = field(default_factory=FakeAuditTrail)
    chain: FakeChain = field(default_factory=FakeChain)
    audit_exports: FakeExports = field(default_factory=FakeExports)
    identity: FakeIdentity = field(default_factory=FakeIdentity)
    passwords: FakePasswords = field(init=False)
    authenticators: FakeAuthenticators = field(init=False)
    directory: FakeDirectory = field(init=False)
    attempts: FakeAttempts = field(init=False)
    settings: Settings = SETTINGS
    migrations: FakeMigrations = field(init=False)
    vault: FakeHashVault = field(default_factory=FakeHashVault)
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    cases: FakeCases = field(default_factory=FakeCases)
    forms: FakeForms = field(default_factory=FakeForms)
    feedback: FakeFeedback = field(default_factory=FakeFeedback)
    jobs: FakeJobRecords = field(default_factory=FakeJobRecords)
    job_queue: FakeJobQueue = field(default_factory=FakeJobQueue)
    material: FakeTrainingMaterial = field(default_factory=FakeTrainingMaterial)
    patients: FakePatients = field(init=False)
    reports: FakeReports = field(default_factory=FakeReports)
    report_files: FakeReportFiles = field(default_factory=FakeReportFiles)
    erasures: FakeErasures = field(init=False)
    erasure_queue: FakeErasureQueue = field(default_factory=FakeErasureQueue)

    def __post_init__(self) -> None:
        self.passwords = FakePasswords(self.identity)
        self.authenticators = FakeAuthenticators(self.identity)
        self.directory = FakeDirectory(self.identity)
        self.attempts = FakeAttempts(self.clock)
        self.migrations = FakeMigrations(self.people)
        self.patients = FakePatients(self.casework, self.cases)
        self.erasures = FakeErasures(self.patients)

    def person(self, name: str, role: Role = Role.PATIENT) -> dict[str, str]:
        """A person's headers."""
        self.people.add_person(Person(sub=f"sub-{name}", username=name, role=role, created_at=START))
        return {"Authorization": f"Bearer sub-{name}"}

    def stand_in(self, app: FastAPI) -> None:
        """Puts the fakes where the adapters would be."""
        app.dependency_overrides = {
            settings: lambda: self.settings,
            ports.clock: lambda: self.clock,
            ports.stopwatch: lambda: self.stopwatch,
            ports.casework: lambda: self.casework,
            ports.originals: lambda: self.originals,
            ports.working_images: lambda: self.working_images,
            ports.inference_queue: lambda: self.queue,
            ports.people: lambda: self.people,
            ports.waiting_room: lambda: self.room,
            ports.audit_trail: lambda: self.audit,
            audit.audit_reader: lambda: FakeAuditReader(self.audit, self.chain),
            audit.audit_exports: lambda: self.audit_exports,
            people.attempts: lambda: self.attempts,
            people.password_provider: lambda: self.passwords,
            people.authenticator_provider: lambda: self.authenticators,
            arrivals.directory: lambda: self.directory,
            arrivals.migration_records: lambda: self.migrations,
            arrivals.hash_vault: lambda: self.vault,
            ports.identity: lambda: self.identity,
            former_apps.former_apps_identity: lambda: self.identity,
            ports.registry: lambda: self.registry,
            ports.model_uploads: FakeModelUploads,
            training_deps.job_records: lambda: self.jobs,
            training_deps.job_queue: lambda: self.job_queue,
            training_deps.training_material: lambda: self.material,
            cases.case_records: lambda: self.cases,
            cases.panel_records: lambda: self.cases,
            reviewing.review_records: lambda: self.cases,
            reviewing.annotation_records: lambda: self.forms,
            arrivals.feedback_records: lambda: self.feedback,
            patients.patient_records: lambda: self.patients,
            report_deps.report_records: lambda: self.reports,
            report_deps.report_files: lambda: self.report_files,
            erasures.erasure_records: lambda: self.erasures,
            erasures.erasure_queue: lambda: self.erasure_queue,
            cases.case_numbers: lambda: self.cases.numbers,
            ports.tokens: lambda: FakeTokens(self.clock),
        }


@pytest.fixture
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture(scope="session")
def one_client() -> Iterator[TestClient]:
    """One application for all tests; what stands behind it is each test's own."""
    with TestClient(create_app([ORIGIN]), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def client(fakes: Fakes, one_client: TestClient) -> TestClient:
    assert isinstance(one_client.app, FastAPI)
    fakes.stand_in(one_client.app)
    return one_client


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Everything that the API logs from here on."""
    out = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", out)
    return out
