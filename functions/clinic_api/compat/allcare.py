"""The AllCare app's backend: skin photos, cases by number, labels and retraining."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Query, Response, UploadFile
from starlette.responses import JSONResponse

from clinic_api.compat import allcare_cases
from clinic_api.compat import allcare_shapes as shapes
from clinic_api.compat.allcare_errors import refused
from clinic_api.compat.allcare_shapes import SPECIALTY
from clinic_api.compat.application import LATER, errors_of, former_system
from clinic_api.correlation import correlation_id
from clinic_api.deps.access import ModelReader
from clinic_api.deps.cases import CaseReader, CaseWorker, NumberedCasesCase
from clinic_api.deps.former_apps import FormerAppsAccounts, SmallUploadsCase
from clinic_api.deps.people import LimitsCase
from clinic_api.deps.retraining import RetrainingCase
from clinic_api.deps.reviewing import ReviewQueueCase
from clinic_api.deps.training import Trainer
from clinic_api.schemas.cases import CaseNumber
from clinic_api.trail import about
from triagelens.domain.images import ImageStatus
from triagelens.domain.review import Strategy
from triagelens.services.limits import Kind
from triagelens.services.small_uploads import Photo, Sender, finding_of

router = APIRouter(routes=allcare_cases.router.routes)
TOO_BLURRY = "Too Blurry"
IN_USE = frozenset({ImageStatus.ACCEPTED, ImageStatus.ANALYZED})


@router.post("/auth/login", responses=errors_of(401, 403, 409, 422, 429))
def login(body: shapes.Login, accounts: FormerAppsAccounts, limits: LimitsCase) -> shapes.Session:
    """A token for a day."""
    new_password = body.new_password.get_secret_value() if body.new_password else None
    password = body.password.get_secret_value()
    with limits.attempt(Kind.SIGN_IN, body.username):
        tokens, person = accounts.enter(body.username, password, body.code, new_password, correlation_id())
    return shapes.Session(access_token=tokens.access_token, user=shapes.User.of(person))


@router.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@router.post("/check-image", responses=errors_of(400, 401, 403, 404, 409, 413, 422, 503) | LATER)
def check_image(
    file: UploadFile,
    worker: CaseWorker,
    uploads: SmallUploadsCase,
    numbered: NumberedCasesCase,
    response: Response,
    case_id: Annotated[CaseNumber | None, Query()] = None,
) -> Any:
    """A photo's finding. With `case_id` the photo joins that case, which the first one opens."""
    if case_id is not None:
        numbered.find(worker, case_id)  # nothing is kept for a number of somebody else's
    sender = Sender(worker, SPECIALTY, f"allcare {case_id}", correlation_id())
    (waited,) = uploads.analyse(sender, [Photo(file.file.read(), file.filename)])
    image = waited.record
    about(image.image_id)
    if shapes.is_blurred(image):
        refusal = {"detail": TOO_BLURRY, "blur_score": shapes.blur_score(image), "image_id": image.image_id}
        return JSONResponse(refusal, HTTPStatus.BAD_REQUEST)
    finding = finding_of(image)
    if case_id is not None and image.status in IN_USE:
        numbered.add(worker, case_id, SPECIALTY, [image.image_id])
    if finding is None:
        response.status_code = HTTPStatus.ACCEPTED
    return shapes.Checked.of(image, finding, case_id)


@router.post("/active-learning/candidates", responses=errors_of(401, 403, 422))
def candidates(
    reader: CaseReader, queue: ReviewQueueCase, body: Annotated[shapes.Wish | None, Body()] = None
) -> shapes.Candidates:
    top_k = (body or shapes.Wish()).top_k
    waiting = queue.top(reader, SPECIALTY, Strategy.MARGIN, top_k, None).items
    found = [shapes.Candidate.of(candidate) for candidate in waiting]
    return shapes.Candidates(candidates=found, total_candidates=len(found))


@router.get("/model/retrain-status", responses=errors_of(401, 403))
def retrain_status(_reader: ModelReader, retraining: RetrainingCase) -> shapes.RetrainStatus:
    return shapes.RetrainStatus.of(retraining.latest(SPECIALTY))


@router.post("/model/retrain", responses=errors_of(400, 401, 403, 409, 422, 503))
def retrain(
    trainer: Trainer, retraining: RetrainingCase, body: Annotated[shapes.Retrain | None, Body()] = None
) -> shapes.Retraining:
    """Trains on all that was labelled so far; ask for the status until it has ended."""
    wanted = body or shapes.Retrain()
    job = retraining.start(trainer, SPECIALTY, wanted.epochs, wanted.batch_size)
    about(job.job_id)
    return shapes.Retraining(job_id=job.job_id)


def create() -> FastAPI:
    """The API at its own paths."""
    return former_system("AllCare backend", router, refused)
