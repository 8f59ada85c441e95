"""`python -m tests.one_quality_check FILE CONTENT_TYPE`: the whole check_quality handler on one file.

Its adapters are made as on Lambda, and then storage is replaced by memory. Prints the image's report
and the peak memory of the process, for the test that holds it to the function's size.
"""

import json
import os
import re
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

os.environ.update(
    AWS_REGION="eu-central-1",
    STAGE="dev",
    CASEWORK_TABLE="casework",
    UPLOADS_BUCKET="uploads",
    IMAGES_BUCKET="images",
    INFERENCE_QUEUE_URL="https://queue.example/",
    MAX_RECEIVE_COUNT="5",
    POWERTOOLS_METRICS_NAMESPACE="Triagelens",
    POWERTOOLS_TRACE_DISABLED="true",
)

import check_quality.handler
import check_quality.wiring
from tests.cloud import FakeContext, sqs_event
from tests.fakes import START, FakeCasework, FakeInferenceQueue, FakeOriginals, FakeWorkingImages
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, upload_key

IMAGE = "01hzzzzzzzzzzzzzzzzzzzzzzz"


def main(path: str, content_type: str) -> None:
    casework, originals = FakeCasework(), FakeOriginals()
    data = Path(path).read_bytes()
    originals.objects[upload_key(IMAGE), "v"] = data
    casework.replace_image(
        ImageRecord(
            image_id=IMAGE,
            owner="owner",
            specialty="skin",
            status=ImageStatus.AWAITING_UPLOAD,
            upload=UploadDeclaration.model_validate({"content_type": content_type, "size_bytes": len(data)}),
            upload_expires_at=START + timedelta(minutes=10),
            created_at=START,
            updated_at=START,
            correlation_id="correlation",
        )
    )
    made = check_quality.wiring.quality_check()
    check = replace(
        made,
        casework=casework,
        originals=originals,
        working_images=FakeWorkingImages(),
        queue=FakeInferenceQueue(),
    )
    notification = {"Records": [{"s3": {"object": {"key": upload_key(IMAGE), "versionId": "v"}}}]}
    with patch("check_quality.handler.quality_check", return_value=check):
        answer = check_quality.handler.handler(sqs_event(notification), FakeContext())
    if answer["batchItemFailures"]:
        raise SystemExit("the handler asked for the message again")
    # VmHWM, not ru_maxrss: the latter starts at what the parent had when it forked.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if peak is None:
        raise SystemExit("no peak memory in /proc/self/status")
    record = casework.image(IMAGE)
    print(json.dumps({"peak_mb": int(peak[1]) * 1024 / 1e6, "record": record.model_dump(mode="json")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
