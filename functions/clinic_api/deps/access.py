"""Who asks, and what they may do with what."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from clinic_api.correlation import correlation_id
from clinic_api.deps.ports import AuditPort, ClockPort, Conf, PeoplePort, TokensPort
from clinic_api.deps.use_cases import ImagesCase
from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.errors import ForbiddenError, UnauthenticatedError
from triagelens.domain.ids import new_id
from triagelens.domain.images import ImageRecord
from triagelens.domain.people import Action, Person
from triagelens.services.accounts import Authentication

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="accessToken",
    bearerFormat="JWT",
    description="The `access_token` of `POST /v1/auth/sign-in`",
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]


def current_person(credentials: Credentials, tokens: TokensPort, people: PeoplePort, conf: Conf) -> Person:
    """The person whose access token came with the request."""
    if credentials is None:
        raise UnauthenticatedError("This needs an access token: `Authorization: Bearer ...`.")
    authentication = Authentication(tokens, people, second_factor_required=conf.requires_second_factor)
    return authentication.person(credentials.credentials)


CurrentPerson = Annotated[Person, Depends(current_person)]


class Allowed:
    """Lets through whose role may do `action`; whoever is turned away is written down."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def __call__(self, request: Request, person: CurrentPerson, audit: AuditPort, clock: ClockPort) -> Person:
        if not person.may(self._action):
            audit.append(_denial(person, request, clock()))
            raise ForbiddenError("Your role does not allow this.")
        return person


def _denial(person: Person, request: Request, now: datetime) -> AuditEntry:
    """What was tried, told by the route and not by the path, which may hold anything."""
    route = request.scope["route"]
    return AuditEntry(
        entry_id=new_id(),
        at=now,
        actor=person.sub,
        action=f"{request.method} {route.path}",
        subject=route.name,
        outcome=Outcome.DENIED,
        correlation_id=correlation_id(),
    )


ImageAdmin = Annotated[Person, Depends(Allowed(Action.RETRY_IMAGES))]
ModelAdmin = Annotated[Person, Depends(Allowed(Action.MANAGE_MODELS))]
ModelReader = Annotated[Person, Depends(Allowed(Action.SEE_MODELS))]
PeopleAdmin = Annotated[Person, Depends(Allowed(Action.MANAGE_PEOPLE))]


def visible_image(image_id: str, person: CurrentPerson, images: ImagesCase) -> ImageRecord:
    """The image that the path names, if the person may see it: the one place that decides this."""
    return images.visible_to(person, image_id)


VisibleImage = Annotated[ImageRecord, Depends(visible_image)]
