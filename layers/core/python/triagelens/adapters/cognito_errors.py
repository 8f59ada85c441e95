"""What Cognito's refusals mean in the domain's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from triagelens.domain.errors import TooManyRequestsError, TriagelensError

RETRY_AFTER_S = 5

THROTTLED = frozenset(
    {
        "TooManyRequestsException",
        "LimitExceededException",
        "TooManyFailedAttemptsException",
        "ThrottlingException",
    }
)


def code_of(error: ClientError) -> str:
    return error.response["Error"]["Code"]


@contextmanager
def throttling() -> Iterator[None]:
    """Turns every way in which Cognito says `slow down` into the one of the domain."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in THROTTLED:
            raise TooManyRequestsError(
                "Too many attempts. Try again a little later.", RETRY_AFTER_S
            ) from error
        raise


@contextmanager
def refusing(codes: frozenset[str], refusal: TriagelensError) -> Iterator[None]:
    """Answers every one of `codes` in the same words."""
    try:
        yield
    except ClientError as error:
        if code_of(error) in codes:
            raise refusal from error
        raise


@contextmanager
def saying_nothing(codes: frozenset[str]) -> Iterator[None]:
    """Passes over every one of `codes`: whoever asks must not learn of them."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in codes:
            raise
