"""The client: signs in, and has one method for each thing that the API does."""

import ssl
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

import httpx
from pydantic import BaseModel

from triagelens_client.account_models import Me, SignUp
from triagelens_client.accounts import Account
from triagelens_client.audit import Audit
from triagelens_client.cases import Cases
from triagelens_client.datasets import Datasets
from triagelens_client.errors import InvalidRequestError, NotSignedInError, UnauthenticatedError
from triagelens_client.exports import Exports
from triagelens_client.feedback import Feedbacks
from triagelens_client.http import Http, read_answer, without_none
from triagelens_client.images import Images
from triagelens_client.models import Specialty
from triagelens_client.patients import Patients
from triagelens_client.polling import Poll
from triagelens_client.registry import Registry
from triagelens_client.reports import Reports
from triagelens_client.retry import Retry
from triagelens_client.review import Review
from triagelens_client.statistic_models import Statistics
from triagelens_client.tokens import RenewedTokens, TokenProvider, Tokens, signed_out
from triagelens_client.training import Training
from triagelens_client.users import Users
from triagelens_client.webhook_admin import Webhooks


class _SignInAnswer(BaseModel):
    access_token: str
    refresh_token: str | None = None
    expires_in: int


class _Specialties(BaseModel):
    items: tuple[Specialty, ...]


class Triagelens(Images):
    """A connection to one deployment of Triagelens. Thread-safe; use it as a context manager, or close it.

    Args:
        api_url: the stack's output `ApiUrl`. Plain http is taken for this machine only.
        tokens: from an earlier `sign_in`; renewed when they end.
        token_provider: gives access tokens instead, where a program has its own way to get them.
        keep_tokens: told of each sign-in and renewal, so that tokens can outlive the process.
        api_key: of a usage plan, where the deployment asks for one besides tokens.
        timeout_s: for connecting, and for each wait on the network.
        verify: how the servers' certificates are checked. `True` means the usual authorities, or those in the
            file that SSL_CERT_FILE names.
        transport: replaces the network, in tests.
        retry: how often calls that may be repeated are repeated.

    Raises:
        ApiError: by every method, when the API says no; see `triagelens_client.errors`.
        ConnectionFailedError: by every method, when nothing answers.
        NotSignedInError: by every method that needs a person, when nobody is signed in.
    """

    def __init__(
        self,
        api_url: str,
        tokens: Tokens | None = None,
        *,
        token_provider: TokenProvider | None = None,
        keep_tokens: Callable[[Tokens], None] | None = None,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        verify: bool | ssl.SSLContext = True,
        transport: httpx.BaseTransport | None = None,
        retry: Retry | None = None,
    ) -> None:
        if tokens is not None and token_provider is not None:
            raise ValueError("Give tokens or a token_provider, not both.")
        self._keep = keep_tokens
        retry = retry or Retry()
        http = httpx.Client(timeout=timeout_s, verify=verify, transport=transport)
        super().__init__(Http(api_url, http, retry, api_key), token_provider or signed_out, Poll(retry))
        if tokens is not None:
            self._use(tokens)

        def current(refused: str | None = None) -> str:
            return self._tokens(refused)

        self.account = Account(self._http, current)
        self.cases = Cases(self._http, current)
        self.patients = Patients(self._http, current)
        self.review = Review(self._http, current)
        self.reports = Reports(self._http, current, self._poll)
        self.feedback = Feedbacks(self._http, current)
        self.models = Registry(self._http, current, self._poll)
        self.datasets = Datasets(self._http, current, self._poll)
        self.training = Training(self._http, current, self._poll)
        self.users = Users(self._http, current)
        self.exports = Exports(self._http, current, self._poll)
        self.audit = Audit(self._http, current)
        self.webhooks = Webhooks(self._http, current)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # People

    def sign_up(
        self, username: str, password: str, *, email: str | None = None, name: str | None = None
    ) -> SignUp:
        body = without_none(username=username, password=password, email=email, name=name)
        return read_answer(SignUp, self._http.send("POST", "/v1/auth/sign-up", body=body))

    def confirm(self, username: str, code: str) -> None:
        """Gives back the code that came by e-mail after `sign_up`."""
        self._http.send("POST", "/v1/auth/confirm", body={"username": username, "code": code})

    def sign_in(
        self, username: str, password: str, *, code: str | None = None, new_password: str | None = None
    ) -> Tokens:
        """Signs in and uses the tokens from now on.

        Args:
            code: of the authenticator app, where the person has set one up.
            new_password: replaces an invitation's password at the first sign-in.
        """
        body = without_none(username=username, password=password, code=code, new_password=new_password)
        response = self._http.send("POST", "/v1/auth/sign-in", body=body)
        tokens = _tokens(read_answer(_SignInAnswer, response), username, None)
        self._use(tokens)
        if self._keep is not None:
            self._keep(tokens)
        return tokens

    def sign_out(self) -> None:
        """Ends every session of the signed-in person, on every device."""
        self._send("POST", "/v1/auth/sign-out")
        self._tokens = signed_out

    def me(self) -> Me:
        """The signed-in person."""
        return read_answer(Me, self._send("GET", "/v1/me"))

    def specialties(self) -> tuple[Specialty, ...]:
        return read_answer(_Specialties, self._send("GET", "/v1/specialties")).items

    def statistics(self, since: date | None = None, until: date | None = None) -> Statistics:
        """Counts of everything there is, and of the days from `since` to `until`, else the last 30."""
        days = {"from": since and f"{since}", "to": until and f"{until}"}
        return read_answer(Statistics, self._send("GET", "/v1/stats", query=days))

    def _use(self, tokens: Tokens) -> None:
        self._tokens = RenewedTokens(tokens, self._renewed, self._keep)

    def _renewed(self, tokens: Tokens) -> Tokens:
        body = {"refresh_token": tokens.refresh_token}
        try:
            response = self._http.send("POST", "/v1/auth/refresh", body=body, idempotent=True)
        except (InvalidRequestError, UnauthenticatedError) as error:
            raise NotSignedInError("The sign-in has ended; sign in again.") from error
        return _tokens(read_answer(_SignInAnswer, response), tokens.username, tokens.refresh_token)


def _tokens(answer: _SignInAnswer, username: str | None, refresh_token: str | None) -> Tokens:
    return Tokens(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token or refresh_token,
        expires_at=datetime.now(UTC) + timedelta(seconds=answer.expires_in),
        username=username,
    )
