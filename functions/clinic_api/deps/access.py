"""Who asks, and what they may do with what."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from clinic_api.deps.ports import Conf, PeoplePort, TokensPort
from clinic_api.deps.use_cases import ImagesCase
from clinic_api.trail import NotingTokens
from triagelens.domain.errors import ForbiddenError, UnauthenticatedError
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
    noting = NotingTokens(tokens)
    authentication = Authentication(noting, people, second_factor_required=conf.requires_second_factor)
    return authentication.person(credentials.credentials)


CurrentPerson = Annotated[Person, Depends(current_person)]


class Allowed:
    """Lets through whose role may do `action`; whoever is turned away is in the trail by `trail.py`.

    `refusal` is what they are told.
    """

    def __init__(self, action: Action, refusal: str = "Your role does not allow this.") -> None:
        self._action = action
        self._refusal = refusal

    def __call__(self, person: CurrentPerson) -> Person:
        if not person.may(self._action):
            raise ForbiddenError(self._refusal)
        return person


ImageAdmin = Annotated[Person, Depends(Allowed(Action.RETRY_IMAGES))]
ModelAdmin = Annotated[Person, Depends(Allowed(Action.MANAGE_MODELS))]
ModelReader = Annotated[Person, Depends(Allowed(Action.SEE_MODELS))]
PeopleAdmin = Annotated[Person, Depends(Allowed(Action.MANAGE_PEOPLE))]


def visible_image(image_id: str, person: CurrentPerson, images: ImagesCase) -> ImageRecord:
    """The image that the path names, if the person may see it: the one place that decides this."""
    return images.visible_to(person, image_id)


VisibleImage = Annotated[ImageRecord, Depends(visible_image)]
