"""Access tokens, checked against the user pool's published keys."""

from datetime import UTC, datetime
from json import JSONDecodeError
from typing import Any

import jwt
from jwt import PyJWKClient

from triagelens.domain.errors import UnauthenticatedError, UnavailableError
from triagelens.services.identity_ports import Claims

FETCH_TIMEOUT_S = 3
SET_LIFETIME_S = 3600
UNKNOWN_KEY_PAUSE_S = 30
RETRY_AFTER_S = 5
ACCESS = "access"
CLOCKS_DIFFER_BY_S = 5

_REFUSED = "The access token is not valid."


class CognitoTokens:
    """`services.identity_ports.TokenVerifier` for access tokens of known app clients.

    The key set is kept for an hour. A key id that it does not hold makes it be fetched again, but at
    most once in 30 seconds, so that forged key ids cannot turn each request into a fetch.
    """

    def __init__(self, jwks_url: str, issuer: str, client_ids: frozenset[str]) -> None:
        self._issuer = issuer
        self._client_ids = client_ids
        self._keys = PyJWKClient(
            jwks_url,
            cache_keys=False,
            lifespan=SET_LIFETIME_S,
            timeout=FETCH_TIMEOUT_S,
            cooldown_duration=UNKNOWN_KEY_PAUSE_S,
        )

    def verify(self, token: str) -> Claims:
        claims = self._decoded(token)
        # An access token names its client in `client_id`; only id tokens carry `aud`.
        if claims["token_use"] != ACCESS or claims["client_id"] not in self._client_ids:
            raise UnauthenticatedError(_REFUSED)
        return Claims(sub=claims["sub"], issued_at=datetime.fromtimestamp(claims["iat"], UTC))

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
                raise UnauthenticatedError(_REFUSED)  # before any key is looked for
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys.get_signing_key(header["kid"]),
                algorithms=["RS256"],
                issuer=self._issuer,
                leeway=CLOCKS_DIFFER_BY_S,
                options={
                    "require": ["exp", "iat", "iss", "sub", "token_use", "client_id"],
                    "verify_aud": False,
                },
            )
        except (jwt.PyJWKClientConnectionError, jwt.PyJWKSetError, JSONDecodeError) as error:
            raise UnavailableError("Access tokens cannot be checked just now.", RETRY_AFTER_S) from error
        except jwt.PyJWTError as error:
            raise UnauthenticatedError(_REFUSED) from error
        return claims
