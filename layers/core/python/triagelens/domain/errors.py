"""What can go wrong, in the domain's own words.

No error here knows about HTTP; `clinic_api.errors` maps them to problem documents in one place.
A message is safe to show to the caller: it holds no secret and no patient data.
"""

from collections.abc import Sequence


class TriagelensError(Exception):
    """Base of every expected failure. `code` is stable and machine-readable."""

    code = "error"


class InvalidRequestError(TriagelensError):
    """The caller asked for something that can never work as asked."""

    code = "invalid_request"


class UnknownSpecialtyError(InvalidRequestError):
    code = "unknown_specialty"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no specialty {name!r}; known are {', '.join(known)}.")


class NotFoundError(TriagelensError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not_found"


class ErasedError(NotFoundError):
    """The thing was erased, with the patient whose it was. To callers it looks like any missing thing.

    Attributes:
        erasure_id: of the erasure that it went with.
    """

    def __init__(self, message: str, erasure_id: str) -> None:
        super().__init__(message)
        self.erasure_id = erasure_id


class ForbiddenError(TriagelensError):
    """The caller is known and may not do this."""

    code = "forbidden"


class WrongPasswordError(ForbiddenError):
    """The password that should prove who is asking is not right."""

    code = "wrong_password"


class SecondFactorMissingError(ForbiddenError):
    """The person's role needs an authenticator app, and they have set up none."""

    code = "second_factor_required"


class WrongDoorError(ForbiddenError):
    """The password was right, and this sign-in is for people of other roles."""

    code = "wrong_door"


class UnauthenticatedError(TriagelensError):
    """No valid access token came with the request."""

    code = "unauthenticated"


class ConflictError(TriagelensError):
    """The request does not fit the present state of the thing."""

    code = "conflict"


class PatientNumberTakenError(ConflictError):
    """Another patient has this number."""

    code = "patient_number_taken"


class AddressTakenError(ConflictError):
    """Another patient was invited by this e-mail address."""

    code = "address_taken"


class IdempotencyMismatchError(ConflictError):
    """The same Idempotency-Key came with another request."""

    code = "idempotency_key_reused"


class TransitionError(ConflictError):
    """A status change that the status machine does not draw, or that lost a race."""

    code = "invalid_transition"


class OutdatedError(ConflictError):
    """The caller's copy of the thing is not the newest."""

    code = "outdated"


class JobTakenError(ConflictError):
    """A job is another runner's, or it has ended."""

    code = "job_taken"


class TooFewLabelsError(ConflictError):
    """There is too little to train on."""

    code = "too_few_labels"


class TooExpensiveError(ConflictError):
    """A training would probably cost more than its requester allows."""

    code = "too_expensive"


class FencedError(ConflictError):
    """Whoever writes for a job no longer may: it was cancelled, it ended, or a later attempt has it."""

    code = "fenced"


class VersionMissingError(InvalidRequestError):
    """The caller has to say which version of the thing the change is made to."""

    code = "version_missing"


class TooManyRequestsError(TriagelensError):
    """The caller should come back later.

    Attributes:
        retry_after_s: seconds until another try makes sense.
    """

    code = "too_many_requests"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SignInError(TriagelensError):
    """Sign-in or sign-up was refused by the identity provider, told in words fit for the person."""

    code = "sign_in_failed"


class ChallengeError(SignInError):
    """The password was right, and the identity provider wants something more in the same call.

    Attributes:
        challenge: what it wants, in the provider's words (`SOFTWARE_TOKEN_MFA`, ...).
    """

    code = "challenge_required"

    def __init__(self, challenge: str, message: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class ConfirmationError(InvalidRequestError):
    """The confirmation code does not fit. Says nothing about whether the account exists."""

    code = "confirmation_failed"


class PasswordRefusedError(InvalidRequestError):
    """The password does not keep the rules of the user pool."""

    code = "password_refused"


class TooLargeError(InvalidRequestError):
    """More bytes were announced than the platform takes."""

    code = "payload_too_large"


class UnavailableError(TriagelensError):
    """Something that the platform stands on does not answer; the same request may work later.

    Attributes:
        retry_after_s: seconds until another try makes sense.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NoFindingError(UnavailableError):
    """The platform could not analyse a photo, for no fault of the photo's.

    Attributes:
        code: why (`no_model`, `processing_error`, ...).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, retry_after_s=60)
        self.code = code


class TrainingNotDeployedError(UnavailableError):
    """This deployment has nothing that runs training jobs."""

    code = "training_not_deployed"

    def __init__(self) -> None:
        super().__init__(
            "Training is not part of this deployment. It comes with the stack TriagelensTraining "
            "(`-c training=true`).",
            retry_after_s=3600,
        )


class ModelError(TriagelensError):
    """A model cannot serve. The reason is permanent: a retry changes nothing."""

    code = "model_invalid"


class NoModelError(ModelError):
    """The specialty has no registered model, and baselines may not answer in this stage."""

    code = "no_model"


class ModelIntegrityError(ModelError):
    """Model or manifest bytes are not those that were registered."""

    code = "model_integrity"


class UnreadableImageError(TriagelensError):
    """The bytes are not an image that the platform reads.

    Attributes:
        code: what exactly is wrong (`not_an_image`, `truncated`, `too_many_pixels`, ...).
        value: the measured figure, where there is one.
        threshold: the limit it passed, where there is one.
    """

    def __init__(
        self, code: str, message: str, value: float | None = None, threshold: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.value = value
        self.threshold = threshold
