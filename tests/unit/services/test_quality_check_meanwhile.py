"""What a client does while its photo is being checked does not lose the photo."""

from datetime import timedelta

import pytest

from tests.fakes import FakeCasework, FakeClock, FakeInferenceQueue, FakeOriginals, FakeWorkingImages
from tests.unit.services.test_pipeline_under_fire import BLURRED, SHARP, Looked, look
from triagelens.domain.images import ImageStatus, UploadDeclaration
from triagelens.domain.specialties import Specialty
from triagelens.services.quality_check import QualityCheck
from triagelens.services.uploads import UploadRules, Uploads


@pytest.mark.parametrize(("data", "status"), [(SHARP, ImageStatus.ACCEPTED), (BLURRED, ImageStatus.REJECTED)])
def test_a_request_repeated_during_the_check_does_not_lose_the_verdict(
    data: bytes, status: ImageStatus
) -> None:
    casework, originals, clock = FakeCasework(), FakeOriginals(), FakeClock()
    working, queue = FakeWorkingImages(), FakeInferenceQueue()
    uploads = Uploads(casework, originals, clock, UploadRules(timedelta(minutes=10), 1000))
    declaration = UploadDeclaration(content_type="image/jpeg", size_bytes=len(data))

    def ask() -> str:
        return uploads.begin("owner", "skin", declaration, "correlation", key="one").record.image_id

    def look_while_the_client_asks_again(data: bytes, specialty: Specialty, keep_blurred: bool) -> Looked:
        clock.advance(seconds=1)
        assert ask() == image_id
        return look(data, specialty, keep_blurred)

    image_id = ask()
    originals.objects[f"uploads/{image_id}", "v0"] = data
    check = QualityCheck(casework, originals, working, queue, clock, look_while_the_client_asks_again)
    assert check.check(image_id, "v0").status is status
    assert casework.image(image_id).status is status
    accepted = status is ImageStatus.ACCEPTED
    assert [request.image_id for request in queue.sent] == [image_id] * accepted
    assert len(working.objects) == accepted
