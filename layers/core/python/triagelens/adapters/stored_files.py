"""Removing objects for good: every version, and the markers of those that were deleted before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from triagelens.domain.annotations import annotations_prefix
from triagelens.domain.errors import UnavailableError
from triagelens.domain.explanations import FOLDER as EXPLANATIONS
from triagelens.domain.images import upload_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

WORKING = "working/"
REPORTS = "reports/"
EXPORTS = "exports/"


class S3StoredFiles:
    """`services.erasure_ports.StoredFiles`: originals, working images, explanations, drawings, reports."""

    def __init__(self, client: "S3Client", uploads: str, images: str, documents: str) -> None:
        self._client = client
        self._uploads, self._images, self._documents = uploads, images, documents

    def erase_image(self, image_id: str) -> None:
        erase_versions(self._client, self._uploads, upload_key(image_id))
        erase_versions(self._client, self._images, f"{WORKING}{image_id}/")
        erase_versions(self._client, self._images, f"{EXPLANATIONS}{image_id}/")

    def erase_case(self, case_id: str) -> None:
        erase_versions(self._client, self._images, annotations_prefix(case_id))
        self.erase_reports(case_id)

    def erase_reports(self, subject_id: str) -> None:
        erase_versions(self._client, self._documents, f"{REPORTS}{subject_id}/")

    def erase_exports(self) -> None:
        erase_versions(self._client, self._documents, EXPORTS)


def erase_versions(client: "S3Client", bucket: str, prefix: str) -> None:
    """Removes every version of every object whose key begins with `prefix`.

    Raises:
        UnavailableError: S3 has not removed all of them.
    """
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*map(_named, page.get("Versions", [])), *map(_named, page.get("DeleteMarkers", []))]
        if not found:
            continue
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
        if answer.get("Errors"):
            raise UnavailableError("Some files could not be removed; try again.", retry_after_s=60)


def _named(version: Mapping[str, object]) -> "ObjectIdentifierTypeDef":
    return {"Key": str(version["Key"]), "VersionId": str(version["VersionId"])}
