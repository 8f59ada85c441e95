"""The application: routes, errors, headers."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from clinic_api import errors
from clinic_api.compat.application import mount
from clinic_api.correlation import CorrelationMiddleware
from clinic_api.deps.ports import audit_trail, clock
from clinic_api.examples import add_examples
from clinic_api.routes import (
    audit,
    auth,
    case_annotations,
    case_forms,
    case_panels,
    case_readings,
    cases,
    credentials,
    dataset_uploads,
    datasets,
    erasures,
    explanations,
    exports,
    feedback,
    health,
    images,
    migration,
    models,
    patients,
    people,
    reports,
    review,
    rollout,
    specialties,
    statistics,
    training_jobs,
    webhooks,
)
from clinic_api.trail import TrailMiddleware

Adapter = TypeVar("Adapter")
VERSION = "1.0.0"
DESCRIPTION = """
Send a photo, get a quality-checked and explained finding.

1. `POST /v1/images` announces a photo and answers with a form.
2. POST the form's fields and the photo to the form's address.
3. `GET /v1/images/{image_id}` with `Prefer: wait=20` answers as soon as there is a finding.

Every error is a problem document (RFC 9457). Findings of demonstration models are not for clinical use.
"""

TAGS = [
    {"name": "people", "description": "Accounts and sign-in"},
    {"name": "patients", "description": "Who they are, and what is theirs"},
    {"name": "specialties", "description": "Fields of medicine and their labels"},
    {"name": "images", "description": "From a photo to a finding"},
    {"name": "cases", "description": "What clinicians make of a person's images"},
    {"name": "reports", "description": "Cases and patients as PDF, for people to keep"},
    {"name": "review", "description": "What to read first, who agrees, who settles it"},
    {"name": "feedback", "description": "What people think of the platform"},
    {"name": "models", "description": "What is registered, and which of it answers"},
    {"name": "statistics", "description": "Counts of what there is, and exports of images and cases"},
    {"name": "audit", "description": "Who did what"},
    {"name": "datasets", "description": "Labelled images, on their way to a snapshot"},
    {"name": "training", "description": "From labelled images to the next model"},
    {"name": "audit", "description": "Who did what"},
    {"name": "webhooks", "description": "Addresses that are told what happened"},
    {"name": "health", "description": "Whether the API answers"},
]


class Api(FastAPI):
    """FastAPI, with errors documented as what they are."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document. FastAPI tells every answer as plain JSON too, problem documents included."""
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                for answer in operation["responses"].values():
                    if errors.MEDIA_TYPE in answer.get("content", {}):
                        answer["content"].pop("application/json", None)
        add_examples(document)
        return document


def create_app(origins: Sequence[str] = ()) -> FastAPI:
    """The API. Browsers may call it from `origins`; without any, there is no CORS."""
    app = Api(
        title="Triagelens",
        version=VERSION,
        summary="Medical image triage",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        redirect_slashes=False,
    )
    errors.add_error_handlers(app)
    clinical = (patients, erasures, specialties, images, explanations, cases, case_readings)
    reviewing = (case_panels, case_annotations, case_forms, review, feedback)
    for module in (health, auth, credentials, people, *clinical, *reviewing, models, rollout, training_jobs):
        app.include_router(module.router)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            # Portals of a former system ask with credentials, although there are none to send.
            allow_credentials="*" not in origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "X-API-Key",
                "Content-Type",
                "Idempotency-Key",
                "If-Match",
                "Prefer",
                "X-Correlation-Id",
                "X-Requested-With",
            ],
            expose_headers=["ETag", "Preference-Applied", "Retry-After", "X-Correlation-Id"],
            max_age=600,
        )
    app.include_router(audit.router)
    app.include_router(statistics.router)
    app.include_router(exports.router)
    app.include_router(webhooks.router)
    app.include_router(reports.router)
    app.include_router(migration.router)
    app.include_router(datasets.router)
    app.include_router(dataset_uploads.router)
    mount(app)
    app.add_middleware(
        TrailMiddleware,
        trail=lambda: _behind(app, audit_trail),
        clock=lambda: _behind(app, clock)(),
    )
    app.add_middleware(CorrelationMiddleware)  # the last one added is the outermost
    return app


def _behind(app: FastAPI, port: Callable[[], Adapter]) -> Adapter:
    """The adapter behind a port, or what a test has put in its place."""
    adapter: Adapter = app.dependency_overrides.get(port, port)()
    return adapter
