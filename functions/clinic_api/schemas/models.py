"""Models over HTTP."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from clinic_api.schemas.images import UploadFormResponse
from triagelens.domain.imports import ImportStatus, ModelImport
from triagelens.domain.manifest import Manifest
from triagelens.domain.models import ModelStatus, Problem
from triagelens.services.models import AnnouncedImport, ListedModel
from triagelens.services.ports import Page, UploadForm

MANIFEST_EXAMPLE: JsonDict = {
    "schema_version": 1,
    "specialty": "skin",
    "name": "ham10000-resnet50",
    "version": "2026.11.1",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-11-23T10:15:00Z",
    "labels": ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"],
    "input": {
        "name": "input",
        "height": 224,
        "width": 224,
        "resize_to": 256,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
    "output": {"name": "logits", "kind": "logits"},
    "licence": "CC-BY-NC-4.0",
    "intended_use": "Research on dermatoscopic images",
}


class ModelRequest(BaseModel):
    """A model about to be uploaded: its whole manifest, and how large the files are."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"manifest": MANIFEST_EXAMPLE, "size_bytes": 94_371_840}]},
    )

    manifest: Manifest
    size_bytes: int = Field(ge=1, description="Of model.onnx")
    head_size_bytes: int | None = Field(
        default=None, ge=1, description="Of head.npy, if the manifest names head weights"
    )


class ImportUploads(BaseModel):
    """One form for each file. Send the manifest last: its arrival starts the checks."""

    model: UploadFormResponse
    head: UploadFormResponse | None = None
    manifest: UploadFormResponse


class AnnouncedImportResponse(BaseModel):
    """The import and where its files go."""

    import_id: str = Field(examples=["01k9qq3ztm5c2v8e6x4r1n7d0b"])
    status: ImportStatus
    uploads: ImportUploads

    @classmethod
    def of(cls, announced: AnnouncedImport) -> Self:
        def shown(form: UploadForm) -> UploadFormResponse:
            return UploadFormResponse(
                url=form.url, fields=form.fields, expires_at=announced.record.upload_expires_at
            )

        return cls(
            import_id=announced.record.import_id,
            status=announced.record.status,
            uploads=ImportUploads(
                model=shown(announced.model),
                head=shown(announced.head) if announced.head else None,
                manifest=shown(announced.manifest),
            ),
        )


class ImportResponse(BaseModel):
    """How far an import has come. Once decided, `status` is that of the model."""

    import_id: str = Field(examples=["01k9qq3ztm5c2v8e6x4r1n7d0b"])
    status: ImportStatus
    specialty: str = Field(examples=["skin"])
    name: str = Field(examples=["ham10000-resnet50"])
    version: str = Field(examples=["2026.11.1"])
    problems: list[Problem] = Field(description="Why it was refused")
    created_at: datetime

    @classmethod
    def of(cls, record: ModelImport) -> Self:
        return cls(
            import_id=record.import_id,
            status=record.status,
            specialty=record.specialty,
            name=record.name,
            version=record.version,
            problems=list(record.problems),
            created_at=record.created_at,
        )


class ModelResponse(BaseModel):
    """One registered version of a specialty's model."""

    specialty: str = Field(examples=["skin"])
    name: str = Field(examples=["ham10000-resnet50"])
    version: str = Field(examples=["2026.11.1"])
    status: ModelStatus
    production: bool = Field(description="Whether it answers for its specialty now")
    share: float | None = Field(description="Of the images, while it is on trial", examples=[0.1])
    problems: list[Problem] = Field(description="Why it was refused, or why the gate had no verdict")
    intended_use: str = Field(examples=["Research on dermatoscopic images"])
    sha256: str = Field(description="Digest of model.onnx")
    manifest_sha256: str
    registered_by: str = Field(description="Opaque id of the person or job that brought it")
    created_at: datetime

    @classmethod
    def of(cls, listed: ListedModel) -> Self:
        model = listed.model
        return cls(
            specialty=model.specialty,
            name=model.name,
            version=model.version,
            status=model.status,
            production=listed.production,
            share=listed.share,
            problems=list(model.problems),
            intended_use=model.intended_use,
            sha256=model.model_sha256,
            manifest_sha256=model.manifest_sha256,
            registered_by=model.registered_by,
            created_at=model.created_at,
        )


class ModelList(BaseModel):
    """One page, by specialty and version. Ask again with `cursor` until it is null."""

    items: list[ModelResponse]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[ListedModel]) -> Self:
        return cls(items=[ModelResponse.of(listed) for listed in page.items], cursor=page.cursor)


class ActivationRequest(BaseModel):
    """Why the gates are passed by. The words are kept for ever: name no patient in them."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=5, max_length=500, examples=["Version 2026.10.2 fails on images from clinic 3"]
    )
