"""A new attempt leaves the requests of older ones behind."""

from datetime import timedelta

from tests.fakes import START, FakeCasework, FakeClock, FakeInferenceQueue, FakeWorkingImages
from tests.unit.services.test_pipeline_under_fire import SHARP, answer
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration, WorkingImage
from triagelens.domain.messages import InferenceRequest
from triagelens.services.giving_up import GivingUp
from triagelens.services.images import retry
from triagelens.services.inference import Inference


def accepted(casework: FakeCasework) -> ImageRecord:
    """A stored image that waits for its first analysis."""
    return casework.replace_image(
        ImageRecord(
            image_id=new_id(),
            owner="owner",
            specialty="skin",
            status=ImageStatus.ACCEPTED,
            upload=UploadDeclaration(content_type="image/jpeg", size_bytes=len(SHARP)),
            upload_expires_at=START + timedelta(minutes=10),
            created_at=START,
            updated_at=START,
            correlation_id="correlation",
            object_version="v0",
            attempt=1,
            working_image=WorkingImage(key="working/one.jpg", width=8, height=8),
        )
    )


def request_of(record: ImageRecord) -> InferenceRequest:
    return InferenceRequest(
        image_id=record.image_id, object_version="v0", attempt=record.attempt, correlation_id="correlation"
    )


def test_only_the_request_of_the_newest_attempt_is_worked_on_or_given_up() -> None:
    casework, working, queue = FakeCasework(), FakeWorkingImages(), FakeInferenceQueue()
    working.write("working/one.jpg", SHARP)
    inference = Inference(casework, working, FakeClock(), answer)
    giving_up = GivingUp(casework, FakeClock())
    old = request_of(accepted(casework))
    giving_up.request(old)
    again = retry(casework.image(old.image_id), casework, queue, FakeClock())
    assert (again.status, again.attempt) == (ImageStatus.ACCEPTED, 2)
    assert inference.run(old) == again, "an older attempt's request comes late"
    giving_up.request(old)
    assert casework.image(old.image_id) == again
    [new] = queue.sent
    assert inference.run(new).status is ImageStatus.ANALYZED
