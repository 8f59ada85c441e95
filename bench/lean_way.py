"""Triagelens' own way: both handlers as they are deployed, with storage, queue and tables in memory.

Nothing of the functions is replaced but the adapters. The handlers get the events that AWS would send.
"""

import io
import json
import os
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.fakes import FakeCasework, FakeInferenceQueue, FakeOriginals, FakeWorkingImages
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.models import Candidate, ProductionPointer
from triagelens.domain.rollout import Arm, Tally

if TYPE_CHECKING:
    from triagelens.inference.package import ModelPackage
    from triagelens.services.inference import Inference
    from triagelens.services.quality_check import QualityCheck

_ENVIRONMENT: Mapping[str, str] = {
    "STAGE": "dev",
    "AWS_REGION": "eu-central-1",
    "CASEWORK_TABLE": "casework",
    "REGISTRY_TABLE": "registry",
    "EPHEMERAL_TABLE": "ephemeral",
    "UPLOADS_BUCKET": "uploads",
    "IMAGES_BUCKET": "images",
    "MODELS_BUCKET": "models",
    "SIGNING_KEY_ID": "key",
    "INFERENCE_QUEUE_URL": "https://sqs.example/inference",
    "MAX_RECEIVE_COUNT": "5",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "Triagelens",
    "POWERTOOLS_TRACE_DISABLED": "true",
}
_OBJECT_VERSION = "1"
_OWNER = "bench"


@dataclass(frozen=True)
class _Registry:
    """Registry and models bucket in memory: one model, in production."""

    specialty: str
    package: "ModelPackage"

    def production(self, specialty: str) -> ProductionPointer | None:
        return ProductionPointer(
            version="bench",
            model_key="model.onnx",
            model_object_version=_OBJECT_VERSION,
            model_sha256=sha256(self.package.model).hexdigest(),
            manifest_key="manifest.json",
            manifest_object_version=_OBJECT_VERSION,
            manifest_sha256=sha256(self.package.manifest).hexdigest(),
            head_key="head.npy",
            head_object_version=_OBJECT_VERSION,
            head_sha256=sha256(self.package.head or b"").hexdigest(),
            signature="bench",
            specialty=self.specialty,
            activated_by=_OWNER,
            activated_at=datetime.now(UTC),
            revision=1,
        )

    def read(self, key: str, object_version: str) -> bytes:
        files = {"model.onnx": self.package.model, "manifest.json": self.package.manifest}
        return files.get(key) or self.package.head or b""

    def verify(self, message: bytes, signature: str) -> bool:
        """One call to KMS for each model that is loaded: no work of ours, and not measured."""
        return True


class _NoTrial:
    """No candidate is on trial, so nothing is counted."""

    def count(self, specialty: str, trial: Candidate, arm: Arm, tally: Tally) -> None:
        raise RuntimeError(f"nothing of {specialty} is on trial")


@dataclass
class _Storage:
    """Tables, buckets and the queue between the functions."""

    casework: FakeCasework = field(default_factory=FakeCasework)
    originals: FakeOriginals = field(default_factory=FakeOriginals)
    working_images: FakeWorkingImages = field(default_factory=FakeWorkingImages)
    queue: FakeInferenceQueue = field(default_factory=FakeInferenceQueue)

    def add_upload(self, photo: bytes, specialty: str) -> ImageRecord:
        """A photo that was announced, digest and all, and has just arrived."""
        now = datetime.now(UTC)
        declared = UploadDeclaration(
            content_type="image/jpeg", size_bytes=len(photo), sha256=sha256(photo).hexdigest()
        )
        record = self.casework.add_image(
            ImageRecord(
                image_id=new_id(),
                owner=_OWNER,
                specialty=specialty,
                status=ImageStatus.AWAITING_UPLOAD,
                upload=declared,
                upload_expires_at=now + timedelta(minutes=10),
                created_at=now,
                updated_at=now,
                correlation_id=_OWNER,
            ),
            None,
        )
        self.originals.objects[record.upload_key, _OBJECT_VERSION] = photo
        return record


class LeanWay:
    """Both functions, warm after the first photo.

    Args:
        package: in production in a registry in memory, so that it is verified before it serves.
        threads: of ONNX Runtime.
    """

    def __init__(self, package: "ModelPackage", specialty: str, threads: int) -> None:
        os.environ.update(_ENVIRONMENT, ORT_THREADS=str(threads))
        self._specialty = specialty
        self._storage = _Storage()
        self._log = io.StringIO()
        with redirect_stdout(self._log):  # Powertools takes stdout when it is imported
            from check_quality import handler as check
            from run_inference import handler as analyse
        self._check, self._analyse = check, analyse
        self._quality_check = _quality_check(self._storage)
        self._inference = _inference(self._storage, _Registry(specialty, package), threads)

    def upload(self, photo: bytes) -> ImageRecord:
        """What happens before the functions are called, and is not measured."""
        return self._storage.add_upload(photo, self._specialty)

    def process(self, upload: ImageRecord) -> ImageRecord:
        """Quality check, then inference: what is measured.

        Raises:
            RuntimeError: the image was not analysed.
        """
        context = _Context()
        with (
            redirect_stdout(self._log),
            patch.object(self._check, "quality_check", lambda: self._quality_check),
            patch.object(self._analyse, "inference", lambda: self._inference),
        ):
            self._check.handler(_event(_notification(upload.upload_key)), context)
            while self._storage.queue.sent:
                request = self._storage.queue.sent.pop()
                self._analyse.handler(_event(request.model_dump_json()), context)
        record = self._storage.casework.image(upload.image_id)
        self._log.seek(0)
        self._log.truncate()
        if record.prediction is None:
            raise RuntimeError(f"the image ended {record.status}: {record.quality}")
        return record


class _Context(LambdaContext):
    """What Powertools reads of a Lambda context."""

    def __init__(self) -> None:
        self._function_name = "bench"
        self._memory_limit_in_mb = 1769
        self._invoked_function_arn = "arn:aws:lambda:eu-central-1:000000000000:function:bench"
        self._aws_request_id = "bench"


def _quality_check(storage: _Storage) -> "QualityCheck":
    from check_quality.wiring import assess_for
    from triagelens.services.quality_check import QualityCheck

    return QualityCheck(
        casework=storage.casework,
        originals=storage.originals,
        working_images=storage.working_images,
        queue=storage.queue,
        clock=lambda: datetime.now(UTC),
        assess=assess_for,
    )


def _inference(storage: _Storage, registry: _Registry, threads: int) -> "Inference":
    from triagelens.inference.baselines import PackagedBaselines
    from triagelens.inference.model_store import ModelStore
    from triagelens.inference.serving import StorePredictor
    from triagelens.services.inference import Inference

    store = ModelStore(registry, registry, PackagedBaselines(), registry, stage="prod", threads=threads)
    return Inference(
        casework=storage.casework,
        working_images=storage.working_images,
        clock=lambda: datetime.now(UTC),
        predict=StorePredictor(store, _NoTrial(), lambda error: None),
    )


def _event(body: str) -> dict[str, Any]:
    """One message as SQS hands it to a function."""
    record = {
        "messageId": new_id(),
        "receiptHandle": "bench",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:bench",
        "awsRegion": "eu-central-1",
    }
    return {"Records": [record]}


def _notification(key: str) -> str:
    """What S3 says about a new object."""
    entity = {"object": {"key": key, "versionId": _OBJECT_VERSION}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Post", "s3": entity}]})
