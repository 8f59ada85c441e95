"""The server of SMITA, which looks for lesions of the mouth."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Form, Response, status
from starlette.responses import JSONResponse

from clinic_api.compat import smita_forms as forms
from clinic_api.compat import smita_shapes as shapes
from clinic_api.compat.application import LATER, errors_of, former_system
from clinic_api.correlation import correlation_id
from clinic_api.deps.access import Allowed, CurrentPerson, PeopleAdmin
from clinic_api.deps.cases import CasesCase, CaseWorker, ReadingsCase
from clinic_api.deps.former_apps import FormerAppsAccounts, SubmissionsCase
from clinic_api.deps.people import LimitsCase, PasswordsCase, UsersCase
from clinic_api.deps.reviewing import FeedbackAdmin, FeedbacksCase
from clinic_api.errors import Refusal
from clinic_api.routes.auth import CONFIRM_TEXT, SIGN_UP_TEXT
from clinic_api.routes.cases import Cursor, Limit
from clinic_api.routes.credentials import FORGOT_TEXT, RESET_TEXT
from clinic_api.trail import about
from triagelens.domain.people import Action, Person
from triagelens.services.limits import Kind
from triagelens.services.small_uploads import Photo

router = APIRouter()

WORKERS_TEXT = (
    "Forms are for those who work on cases: gp, doctor and admin. "
    "Everybody may send a photo of their own with POST /v1/images."
)
HealthWorker = Annotated[Person, Depends(Allowed(Action.WORK_ON_CASES, WORKERS_TEXT))]


@router.post("/signup", status_code=status.HTTP_201_CREATED, responses=errors_of(422))
def sign_up(body: shapes.SignUp, accounts: FormerAppsAccounts) -> shapes.Message:
    """Makes an account, as a patient, and mails an OTP. The answer is the same if the name is taken."""
    accounts.sign_up(body.username, body.password.get_secret_value(), body.email, body.name)
    return shapes.Message(message=SIGN_UP_TEXT)


@router.post("/verify-otp", responses=errors_of(400, 422, 429))
def verify_otp(body: shapes.Otp, accounts: FormerAppsAccounts, limits: LimitsCase) -> shapes.Message:
    with limits.attempt(Kind.CODE, body.username):
        accounts.confirm(body.username, body.otp)
    return shapes.Message(message=CONFIRM_TEXT)


@router.post("/login", responses=errors_of(401, 403, 409, 422, 429))
def login(body: shapes.Login, accounts: FormerAppsAccounts, limits: LimitsCase) -> shapes.LoggedIn:
    """A token for a day. A 409 says what it takes beyond the password: send that along."""
    new_password = body.new_password.get_secret_value() if body.new_password else None
    password = body.password.get_secret_value()
    with limits.attempt(Kind.SIGN_IN, body.username):
        entered = accounts.enter(body.username, password, body.code, new_password, correlation_id())
    return shapes.LoggedIn.of(*entered)


@router.post("/forgot-password", responses=errors_of(422, 429))
def forgot_password(body: shapes.Account, passwords: PasswordsCase, limits: LimitsCase) -> shapes.Message:
    """Mails an OTP for a new password. The answer is the same if there is no such account."""
    with limits.attempt(Kind.MAIL, body.username):
        passwords.forgot(body.username)
    return shapes.Message(message=FORGOT_TEXT)


@router.post("/reset-password", responses=errors_of(400, 422, 429))
def reset_password(body: shapes.NewPassword, passwords: PasswordsCase, limits: LimitsCase) -> shapes.Message:
    with limits.attempt(Kind.CODE, body.username):
        passwords.reset(body.username, body.otp, body.new_password.get_secret_value())
    return shapes.Message(message=RESET_TEXT)


@router.post("/form_submit", responses=errors_of(400, 401, 403, 413, 422, 503) | LATER)
def submit_form(
    form: Annotated[forms.FormSubmission, Form()],
    worker: HealthWorker,
    submissions: SubmissionsCase,
    response: Response,
) -> forms.Finding:
    """A form with its photo becomes a case, and is answered with what the model finds on the photo."""
    photo = Photo(data=form.image.file.read(), filename=form.image.filename)
    submitted = submissions.submit(worker, forms.SPECIALTY, photo, form.answers_given(), correlation_id())
    about(submitted.case.case_id)
    if submitted.finding is None:
        response.status_code = status.HTTP_202_ACCEPTED
    return forms.Finding.of(submitted)


@router.get("/get-comments/{smita_id}", responses=errors_of(400, 401, 403, 404))
def get_comments(
    smita_id: str,
    worker: CaseWorker,
    cases: CasesCase,
    readings: ReadingsCase,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> forms.Comments:
    case = cases.visible_to(worker, smita_id)
    return forms.Comments.of(smita_id, readings.comments(case, limit, cursor))


@router.post("/add-comment", status_code=status.HTTP_201_CREATED, responses=errors_of(401, 403, 404, 422))
def add_comment(
    body: forms.NewComment, worker: CaseWorker, cases: CasesCase, readings: ReadingsCase
) -> forms.CommentEntry:
    case = cases.visible_to(worker, body.smita_id)
    about(case.case_id)
    return forms.CommentEntry.of(readings.comment(worker, case, body.comment))


@router.put("/edit-comment/{smita_id}", responses=errors_of(401, 403, 404, 422))
def edit_comment(
    smita_id: str, body: forms.EditedComment, worker: CaseWorker, cases: CasesCase, readings: ReadingsCase
) -> forms.CommentEntry:
    """One's own comment. The former text stays in the case's history."""
    case = cases.visible_to(worker, smita_id)
    return forms.CommentEntry.of(readings.edit_comment(worker, case, body.comment_id, body.comment))


@router.get("/check_feedback", responses=errors_of(401))
def check_feedback(person: CurrentPerson, feedbacks: FeedbacksCase) -> shapes.FeedbackState:
    return shapes.FeedbackState.of(feedbacks.of(person))


@router.post("/submit_feedback", status_code=status.HTTP_201_CREATED, responses=errors_of(401, 422))
def submit_feedback(
    body: shapes.NewFeedback, person: CurrentPerson, feedbacks: FeedbacksCase
) -> shapes.FeedbackEntry:
    """One for each person: it takes the place of an earlier one."""
    return shapes.FeedbackEntry.of(feedbacks.give(person, body.rating, body.feedback))


@router.get("/admin/feedbacks", responses=errors_of(400, 401, 403))
def list_feedbacks(
    _admin: FeedbackAdmin, feedbacks: FeedbacksCase, limit: Limit = 100, cursor: Cursor = None
) -> shapes.Feedbacks:
    return shapes.Feedbacks.of(feedbacks.page(limit, cursor))


@router.delete("/reset-feedback", responses=errors_of(401, 403))
def reset_feedback(admin: FeedbackAdmin, feedbacks: FeedbacksCase) -> shapes.FeedbackReset:
    return shapes.FeedbackReset.of(feedbacks.reset(admin))


@router.get("/admin/users", responses=errors_of(400, 401, 403))
def list_users(
    _admin: PeopleAdmin, users: UsersCase, limit: Limit = 100, cursor: Cursor = None
) -> shapes.Users:
    return shapes.Users.of(users.page(None, limit, cursor))


def refused(refusal: Refusal) -> Response:
    """`error` in words and `code` for programs; what a login still needs, and which fields are wrong."""
    body: dict[str, Any] = {"error": refusal.detail, "code": refusal.code}
    if refusal.challenge is not None:
        body["challenge"] = refusal.challenge
    if refusal.errors:
        body["fields"] = {wrong.parameter or wrong.pointer or "": wrong.message for wrong in refusal.errors}
    return JSONResponse(body, refusal.status, refusal.headers)


def create() -> FastAPI:
    """The API at its own paths."""
    return former_system("SMITA", router, refused)
