"""Examples for the OpenAPI document: of path parameters, requests and answers, made from the schemas."""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

AN_ID = "01JD3M4Z8YV5Q2W7K9X0ABCDEF"
A_PERSON = "8c1f6a52-6f0e-4c55-9d1a-2f7f4a1f6b3e"
A_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
A_MOMENT = "2026-01-15T09:30:00Z"

# What a path's parameter is: its description, and an example.
PATH_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "case_id": ("The case's id, as `POST /v1/cases` gave it", AN_ID),
    "comment_id": ("The comment's id", AN_ID),
    "erasure_id": ("The erasure's id, as `DELETE /v1/patients/{patient_id}` gave it", AN_ID),
    "export_id": ("The export's id, as `POST /v1/exports` gave it", AN_ID),
    "image_id": ("The image's id, as `POST /v1/images` gave it", AN_ID),
    "dataset_id": ("The dataset's id, as `POST /v1/datasets` gave it", AN_ID),
    "import_id": ("The import's id, as `POST /v1/models` gave it", AN_ID),
    "job_id": ("The job's id, as `POST /v1/training-jobs` gave it", AN_ID),
    "number": ("A case number that you hold and have not used", "10042"),
    "patient_id": ("The patient's id, as `POST /v1/patients` gave it", AN_ID),
    "report_id": ("The report's id, as `POST .../reports` gave it", AN_ID),
    "replay_id": ("The replay's id, as `POST .../replay` gave it", AN_ID),
    "specialty": ("A specialty's name: see `GET /v1/specialties`", "skin"),
    "user_id": ("The person's opaque id", A_PERSON),
    "webhook_id": ("The webhook's id, as `POST /v1/webhooks` gave it", AN_ID),
    "version": ("The model's version, as its manifest says", "1.0.0"),
}

# Texts whose schema tells no example, by the field's name.
TEXTS: Mapping[str, str] = {
    "action": "case.confirm",
    "address": "1 Example Street, Example Town",
    "author": A_PERSON,
    "by": A_PERSON,
    "challenge": "second_factor",
    "code": "too_blurry",
    "code_version": "1.0.0",
    "cursor": "eyJ2IjoxfQ",
    "dataset_snapshot": "3f1c9a7e5b2d4c6f",
    "detail": "The photo is too blurry.",
    "email": "person@example.org",
    "features_output": "features",
    "final_diagnosis": "nv",
    "head_weights": "head.npy",
    "intended_use": "demonstration only",
    "job": AN_ID,
    "label": "mel",
    "levels": "AAECAw==",
    "licence": "Apache-2.0",
    "message": "The photo is too blurry. Hold the camera still and come closer.",
    "model": "phone-model-3",
    "name": "example",
    "new": "mel",
    "notes": "Grown since spring.",
    "number": "P-1042",
    "old": "nv",
    "original_filename": "photo.jpg",
    "owner": A_PERSON,
    "phone": "+44 20 7946 0000",
    "platform": "android",
    "previous_head": A_DIGEST,
    "public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE...",
    "reader": A_PERSON,
    "reason": "Seen together with the dermoscopy.",
    "refresh_token": "eyJjdHkiOiJKV1QifQ...",
    "registered_by": A_PERSON,
    "signature": "MEUCIQDx...",
    "specialty": "skin",
    "text": "Please take one from closer.",
    "title": "Unprocessable Entity",
    "top_label": "nv",
    "type": "urn:triagelens:problem:too_blurry",
    "url": "https://bucket.example.org/working/image.jpg?signature=...",
    "username": "example.person",
    "version": "1.0.0",
}
_ENDINGS = {"sha256": A_DIGEST, "_by": A_PERSON, "_id": AN_ID, "_label": "mel", "_url": TEXTS["url"]}
_FORMATS = {
    "date-time": A_MOMENT,
    "date": "1980-05-17",
    "uri": "https://clinic.example.org",
    "email": "person@example.org",
    "password": "correct-Horse7battery",
}
_BARE = {"integer": 1, "number": 0.5, "boolean": False, "null": None}


class MissingExampleError(LookupError):
    """A field or a parameter that a reader of the document could only guess at."""


def add_examples(document: dict[str, Any]) -> None:
    """Puts an example on every path parameter, request and successful answer that has none.

    Raises:
        MissingExampleError: neither a schema nor the tables above say what a text looks like.
    """
    schemas = document["components"]["schemas"]
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    _describe(parameter)
            answers = [answer for status, answer in operation["responses"].items() if status < "3"]
            for part in [operation.get("requestBody", {}), *answers]:
                content = part.get("content", {}).get("application/json")
                if content and "example" not in content and "examples" not in content:
                    content["example"] = example_of(content["schema"], schemas, "")


def _describe(parameter: dict[str, Any]) -> None:
    name = parameter["name"]
    if "description" in parameter and ("example" in parameter or "examples" in parameter["schema"]):
        return
    if name not in PATH_PARAMETERS:
        raise MissingExampleError(f"the path parameter {name} needs a description and an example")
    description, example = PATH_PARAMETERS[name]
    parameter.setdefault("description", description)
    parameter.setdefault("example", example)


def example_of(schema: Schema, schemas: Mapping[str, Schema], name: str) -> Any:
    """A value that fits the schema of the field `name`."""
    for told in (schema.get("examples"), [schema.get("default")], schema.get("enum"), [schema.get("const")]):
        if told and (told[0] is not None or told is schema.get("examples")):
            return told[0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example_of(schema[several][0], schemas, name)
    if schema.get("type") == "object":
        fields: Mapping[str, Schema] = schema.get("properties", {})
        return {field: example_of(inner, schemas, field) for field, inner in fields.items()}
    if schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items", {})] * max(1, schema.get("minItems", 1))
        return [example_of(item, schemas, name.removesuffix("s")) for item in items]
    if schema.get("type") == "string":
        return _text(schema, name)
    return schema.get("minimum", _BARE.get(schema.get("type", "null")))


def _text(schema: Schema, name: str) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if name in TEXTS:
        return TEXTS[name]
    for ending, example in _ENDINGS.items():
        if name.endswith(ending):
            return example
    raise MissingExampleError(f"the field {name} needs an example: on itself, or in clinic_api.examples")
