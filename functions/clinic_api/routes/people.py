"""My own record, and everybody's for admins."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from clinic_api.deps.access import CurrentPerson, PeopleAdmin
from clinic_api.deps.people import UsersCase
from clinic_api.deps.ports import PeoplePort
from clinic_api.routes.responses import problems
from clinic_api.schemas.auth import Acknowledgement
from clinic_api.schemas.people import (
    InvitationRequest,
    PersonResponse,
    ProfileChange,
    UserChange,
    UserList,
    UserResponse,
)
from triagelens.domain.people import Role

router = APIRouter(prefix="/v1", tags=["people"])

RESET_TEXT = "The person was sent an e-mail with the way to a new password."


@router.get("/me", operation_id="me", summary="Who I am", responses=problems(401, 403, 503))
def me(person: CurrentPerson) -> PersonResponse:
    """The signed-in person's record. Its role decides what they may do, whatever the token says."""
    return PersonResponse.of(person)


@router.patch(
    "/me",
    operation_id="change_me",
    summary="Change my name or whether I am mailed",
    responses=problems(401, 403, 409, 503),
)
def change_me(body: ProfileChange, person: CurrentPerson, users: UsersCase) -> PersonResponse:
    """Only what is sent changes. Role and e-mail address are not one's own to change here."""
    return PersonResponse.of(users.change_oneself(person, **body.changes))


@router.get(
    "/users",
    operation_id="list_users",
    summary="Everybody (admin)",
    responses=problems(400, 401, 403, 503),
)
def list_users(
    _admin: PeopleAdmin,
    users: UsersCase,
    role: Annotated[Role | None, Query(description="Only of this one")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="People on a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=200, description="From the page before")] = None,
) -> UserList:
    """By role and username."""
    return UserList.of(users.page(role, limit, cursor))


@router.post(
    "/users",
    status_code=status.HTTP_201_CREATED,
    operation_id="invite_user",
    summary="Invite somebody by e-mail (admin)",
    responses=problems(400, 401, 403, 409, 429, 503),
)
def invite_user(body: InvitationRequest, admin: PeopleAdmin, users: UsersCase) -> UserResponse:
    """A first password goes to the address, good for three days; the first sign-in replaces it."""
    return UserResponse.of(users.invite(admin, body.username, body.email, body.role, body.name))


@router.get(
    "/users/{user_id}",
    operation_id="get_user",
    summary="Somebody (admin)",
    responses=problems(401, 403, 404, 503),
)
def get_user(user_id: str, _admin: PeopleAdmin, people: PeoplePort) -> UserResponse:
    """The record that decides what they may do."""
    return UserResponse.of(people.person(user_id))


@router.patch(
    "/users/{user_id}",
    operation_id="change_user",
    summary="Change somebody's role, name or standing (admin)",
    responses=problems(401, 403, 404, 409, 429, 503),
)
def change_user(user_id: str, body: UserChange, admin: PeopleAdmin, users: UsersCase) -> UserResponse:
    """Holds for their next request. Admins cannot do it to themselves, so there is always one left."""
    return UserResponse.of(users.change(admin, user_id, **body.changes))


@router.delete(
    "/users/{user_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="delete_user",
    summary="Delete somebody's account (admin)",
    responses=problems(401, 403, 404, 409, 429, 503),
)
def delete_user(user_id: str, admin: PeopleAdmin, users: UsersCase) -> None:
    """Account and record go; the audit trail, which knows no names, stays."""
    users.remove(admin, user_id)


@router.post(
    "/users/{user_id}/reset-password",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="reset_user_password",
    summary="Take somebody's password away (admin)",
    responses=problems(401, 403, 404, 409, 429, 503),
)
def reset_user_password(user_id: str, admin: PeopleAdmin, users: UsersCase) -> Acknowledgement:
    """They are mailed a code for `POST /v1/auth/reset-password`; who was only invited, a new invitation."""
    users.reset_password(admin, user_id)
    return Acknowledgement(message=RESET_TEXT)


@router.post(
    "/users/{user_id}/reset-authenticator",
    operation_id="reset_user_authenticator",
    summary="Forget somebody's authenticator app (admin)",
    responses=problems(401, 403, 404, 409, 429, 503),
)
def reset_user_authenticator(user_id: str, admin: PeopleAdmin, users: UsersCase) -> UserResponse:
    """For who has lost theirs. Ends their sessions; the role may need a new app before the next sign-in."""
    return UserResponse.of(users.reset_authenticator(admin, user_id))
