"""The cataract app's collector of training data."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, UploadFile
from pydantic import Json
from starlette.responses import JSONResponse, Response

from clinic_api.compat.application import errors_of, former_system
from clinic_api.compat.cataract_shapes import SPECIALTY, Health, Metadata, Received, Stats
from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.former_apps import SmallUploadsCase
from clinic_api.deps.ports import ClockPort
from clinic_api.deps.statistics import FiguresCase, StatisticsReader
from clinic_api.errors import Refusal
from clinic_api.trail import about
from triagelens.domain.statistics import SpecialtyCounts
from triagelens.services.small_uploads import Photo, Sender

router = APIRouter()


@router.post("/api/training-data", responses=errors_of(400, 401, 413, 422))
def receive_training_data(
    image: UploadFile,
    metadata: Annotated[Json[Metadata], Form(description="JSON, as a string")],
    person: CurrentPerson,
    uploads: SmallUploadsCase,
) -> Received:
    """Keeps an image, and the prediction that the app made of it, for training."""
    photo = Photo(
        data=image.file.read(),
        filename=image.filename,
        purpose="training",
        on_device_prediction=metadata.on_device_prediction(),
        captured_at=metadata.timestamp,
        device=metadata.device_info,
    )
    (kept,) = uploads.analyse(Sender(person, SPECIALTY, "cataract", correlation_id()), [photo], seconds=0)
    about(kept.record.image_id)
    return Received(submission_id=kept.record.image_id)


@router.get("/api/stats", responses=errors_of(401, 403))
def stats(_reader: StatisticsReader, figures: FiguresCase, clock: ClockPort) -> Stats:
    """Counts of the eye's images."""
    now = clock()
    counts = figures.between(now.date(), now.date()).specialties.get(SPECIALTY, SpecialtyCounts())
    return Stats.of(counts, now)


@router.get("/health")
def health(clock: ClockPort) -> Health:
    return Health(timestamp=clock())


def refused(refusal: Refusal) -> Response:
    """An error, told like the successes."""
    body = {"success": False, "message": refusal.detail, "code": refusal.code}
    return JSONResponse(body, refusal.status, refusal.headers)


def create() -> FastAPI:
    """The API at its own paths."""
    return former_system("Cataract training data", router, refused)
