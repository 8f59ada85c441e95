"""Images: announce, look at, wait for, take up again."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson, ImageAdmin, VisibleImage
from clinic_api.deps.patients import PatientsCase
from clinic_api.deps.ports import CaseworkPort, ClockPort, QueuePort, WorkingImagesPort
from clinic_api.deps.use_cases import ImagesCase, UploadsCase, WaitingCase
from clinic_api.prefer import wait_of
from clinic_api.routes.responses import problems
from clinic_api.schemas.images import (
    BegunUploadResponse,
    ContentResponse,
    ImageList,
    ImageRequest,
    ImageResponse,
)
from clinic_api.trail import about
from triagelens.services.images import is_settled, retry, working_image_url

router = APIRouter(prefix="/v1/images", tags=["images"])

RETRY_AFTER_WAIT_S = 1
RETRY_AFTER_FULL_S = 3

IdempotencyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Makes repeating this request safe for 24 hours; use a new random one for each photo",
        examples=["2f0c0c5e-6c0a-4b6c-9b52-4d3cf0b3a8b1"],
    ),
]
PreferHeader = Annotated[
    list[str] | None,
    Header(
        alias="Prefer",
        description="`wait=N`: answer as soon as the image is final, or after N seconds (20 at most)",
        examples=[["wait=20"]],
    ),
]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="create_image",
    summary="Announce a photo and get a form to upload it with",
    responses={
        200: {
            "model": BegunUploadResponse,
            "description": "This Idempotency-Key made this image before: a fresh form, or no form if "
            "the photo was processed already",
        },
        **problems(401, 403, 404, 413, 503),
    },
)
def create_image(
    body: ImageRequest,
    person: CurrentPerson,
    uploads: UploadsCase,
    patients: PatientsCase,
    response: Response,
    idempotency_key: IdempotencyHeader = None,
) -> BegunUploadResponse:
    """Gives a presigned form for exactly this size and type, and this checksum if one is told.

    POST the form's fields and then the photo, as `file`, to the form's address before it expires;
    analysis begins by itself. A repeated `Idempotency-Key` gives the same image again (200), and
    with another request it is refused (422).
    """
    if body.patient_id is not None:
        patients.check_photo_of(person, body.patient_id)
    begun = uploads.begin(
        person.sub, body.specialty, body.declaration(), correlation_id(), idempotency_key, body.patient_id
    )
    about(begun.record.image_id)
    if begun.replayed:
        response.status_code = status.HTTP_200_OK
    return BegunUploadResponse.of(begun)


@router.get(
    "",
    operation_id="list_images",
    summary="My images, newest first",
    responses=problems(400, 401, 403, 503),
)
def list_images(
    person: CurrentPerson,
    images: ImagesCase,
    limit: Annotated[int, Query(ge=1, le=100, description="Images on a page")] = 20,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> ImageList:
    """One's own images, whatever one's role."""
    return ImageList.of(images.of(person, limit, cursor))


@router.get(
    "/{image_id}",
    operation_id="get_image",
    summary="An image and its finding, waiting for it if asked",
    responses={
        202: {
            "model": ImageResponse,
            "description": "Not final after the wait, or too many are waiting: ask again after "
            "`Retry-After` seconds",
        },
        **problems(401, 403, 404, 503),
    },
)
def get_image(
    record: VisibleImage, waiting: WaitingCase, response: Response, prefer: PreferHeader = None
) -> ImageResponse:
    """With `Prefer: wait=N`, the answer comes when the image is analysed, rejected or failed.

    Without it, the image comes as it stands (200). Owners see their own images, doctors and admins all.
    """
    wait = wait_of(prefer or [])
    if wait is None:
        return ImageResponse.of(record)
    waited = waiting.until_final(record, wait)
    if waited.seconds is not None:
        response.headers["Preference-Applied"] = f"wait={waited.seconds}"
    if not is_settled(waited.record):
        response.status_code = status.HTTP_202_ACCEPTED
        pause = RETRY_AFTER_FULL_S if waited.seconds is None else RETRY_AFTER_WAIT_S
        response.headers["Retry-After"] = str(pause)
    return ImageResponse.of(waited.record)


@router.get(
    "/{image_id}/content",
    operation_id="get_image_content",
    summary="Where the working image can be fetched",
    responses=problems(401, 403, 404, 409, 503),
)
def get_image_content(record: VisibleImage, working: WorkingImagesPort, clock: ClockPort) -> ContentResponse:
    """A link, good for five minutes, to the upright JPEG that the model saw. The original stays closed."""
    return ContentResponse.of(working_image_url(record, working), clock())


@router.post(
    "/{image_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="retry_image",
    summary="Take a failed analysis up again (admin)",
    responses=problems(401, 403, 404, 409, 503),
)
def retry_image(
    _admin: ImageAdmin, record: VisibleImage, casework: CaseworkPort, queue: QueuePort, clock: ClockPort
) -> ImageResponse:
    """Begins a new attempt. Safe to repeat: an image that is waiting for its analysis is only sent again."""
    return ImageResponse.of(retry(record, casework, queue, clock))
