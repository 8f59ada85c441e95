"""What tests of reports stand on: analysed images with their bytes, and the way from a request to a file."""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pypdf
from PIL import Image

import publish_events.handler
import render_report.handler
from tests.cloud import REGION, Cloud, FakeContext, failed_ids, sqs_event
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.errors import ConflictError, UnavailableError
from triagelens.domain.explanations import Explanation, Method
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.prediction import ModelIdentity, Prediction
from triagelens.domain.quality import QualityReport

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
MODEL = ModelIdentity(name="phantom-skin", version="1.0.0", sha256="a" * 64, manifest_sha256="b" * 64)


def jpeg(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(out, "JPEG")
    return out.getvalue()


@dataclass
class FakeExplainer:
    """`services.explanations.Explainer`. `wrong` is raised instead, by image id; `meanwhile` comes first."""

    cloud: Cloud
    wrong: dict[str, ConflictError | UnavailableError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[str], None] | None = None
    central_share: float | None = 0.5

    def explain(self, image_id: str, label: str) -> Explanation:
        self.asked.append(image_id)
        if self.meanwhile is not None:
            self.meanwhile(image_id)
        if image_id in self.wrong:
            raise self.wrong[image_id]
        key = f"explanations/{image_id}/overlay.jpg"
        self.cloud.s3.put_object(Bucket="images", Key=key, Body=jpeg("orange"))
        return Explanation(
            image_id=image_id,
            label=label,
            method=Method.GRAD_CAM,
            heatmap_key=key,
            overlay_key=key,
            central_share=self.central_share,
        )


def finding(top: str = "mel") -> Prediction:
    others = {"nv": 0.2, "bcc": 0.1} if top == "mel" else {"mel": 0.2, "bcc": 0.1}
    return Prediction.ranked(
        {top: 0.7, **others},
        specialty="skin",
        model=MODEL,
        demonstration=True,
        intended_use="demonstration only",
        judgement=Judgement(decision=ModelDecision.ABSTAIN, reasons=(DecisionReason.OUT_OF_DISTRIBUTION,)),
    )


def stored_image(
    cloud: Cloud, owner: str, status: ImageStatus = ImageStatus.ANALYZED, **more: Any
) -> ImageRecord:
    """An image as the pipeline leaves it, with its working image unless it was rejected."""
    image_id, casework = new_id(), DynamoCasework("casework", REGION, "ephemeral")
    key = f"working/{image_id}/one.jpg"
    analysed = status is ImageStatus.ANALYZED
    if analysed:
        cloud.s3.put_object(Bucket="images", Key=key, Body=jpeg("teal"))
    record = ImageRecord(
        image_id=image_id,
        owner=owner,
        specialty="skin",
        status=status,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=NOW,
        object_version="v0",
        working_image=WorkingImage(key=key, width=320, height=240) if analysed else None,
        quality=QualityReport(verdict="accepted" if analysed else "rejected"),
        prediction=finding() if analysed else None,
        attempt=1,
        created_at=NOW,
        updated_at=NOW,
        correlation_id="request",
    ).model_copy(update=more)
    stored = casework.add_image(record, None)
    return casework.add_result(stored) if analysed else stored


def requested(cloud: Cloud) -> list[dict[str, Any]]:
    """What the bus has been told of reports since the last look, as its rule puts it into the queue."""
    publish_events.handler.handler(cloud.stream_event(), FakeContext())
    return [told for told in cloud.published() if told["detail-type"].startswith("report.")]


def request_of(report_id: str) -> dict[str, Any]:
    """The message that asks for a report."""
    detail = {"event_id": "e", "correlation_id": "request", "detail": {"report_id": report_id}}
    return {"detail-type": "report.requested", "time": NOW.isoformat(), "detail": detail}


def made(report_id: str, receive_count: int = 1) -> list[str]:
    """Has a report made; gives the messages that come again."""
    event = sqs_event(json.dumps(request_of(report_id)), receive_count=receive_count)
    return failed_ids(render_report.handler.handler(event, FakeContext()))


def files(cloud: Cloud) -> dict[str, bytes]:
    """The reports in the documents bucket, by key."""
    listed = cloud.s3.list_object_versions(Bucket="documents", Prefix="reports/").get("Versions", [])
    contents = {(entry["Key"], entry["ETag"]) for entry in listed}
    keys = {key for key, _ in contents}
    assert len(keys) == len(contents), "a file was written over with another"
    return {key: cloud.s3.get_object(Bucket="documents", Key=key)["Body"].read() for key in keys}


def text_of(pdf: bytes) -> str:
    """What can be read in a file, its lines put together."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def former_file(data: bytes, **more: Any) -> dict[str, Any]:
    """A former system's report, as it is declared to the API."""
    return {
        "system": "braintumor",
        "reference": "REP-2025-0003",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "made_at": "2025-03-07T14:02:00Z",
        "audience": "patient",
        "counts": {"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4},
        **more,
    }


def send_former(cloud: Cloud, upload: dict[str, Any], data: bytes) -> None:
    """What a client does with the form."""
    fields = upload["fields"]
    cloud.s3.put_object(Bucket="documents", Key=fields["key"], Body=data, ContentType=fields["Content-Type"])
