"""One's own account: codes, passwords, the authenticator app."""

from typing import Any

import httpx

from triagelens_client.account_models import Authenticator, Me
from triagelens_client.http import Http, read_answer
from triagelens_client.tokens import TokenProvider


class Account:
    """The account of who uses the client. Made by `Triagelens`, as its `account`.

    Where a username is asked for, the API answers alike whether or not there is such an account.
    """

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def rename(self, name: str | None) -> Me:
        """Changes how others see the signed-in person."""
        return read_answer(Me, self._send("PATCH", "/v1/me", body={"name": name}))

    def mail_me(self, wanted: bool) -> Me:
        """Whether the signed-in person is told by e-mail what is ready; codes and invitations always come."""
        return read_answer(Me, self._send("PATCH", "/v1/me", body={"mail": wanted}))

    def resend_code(self, username: str) -> None:
        """Has the code for `Triagelens.confirm` sent again."""
        self._open("resend", username=username)

    def forgot_password(self, username: str) -> None:
        """Has a code for `reset_password` sent."""
        self._open("forgot-password", username=username)

    def reset_password(self, username: str, code: str, new_password: str) -> None:
        """Sets a new password with the code that came by e-mail. Ends every session."""
        self._open("reset-password", username=username, code=code, new_password=new_password)

    def change_password(self, old_password: str, new_password: str) -> None:
        """Sets a new password. Ends every session, this one too: sign in again.

        Raises:
            ForbiddenError: the old password is not right.
        """
        body = {"old_password": old_password, "new_password": new_password}
        self._send("POST", "/v1/auth/change-password", body=body)

    def begin_authenticator(self, username: str, password: str, *, code: str | None = None) -> Authenticator:
        """A secret for an authenticator app. Nothing changes until `finish_authenticator`.

        Args:
            code: of the app that is set up already, if there is one.
        """
        response = self._open("totp", username=username, password=password, code=code)
        return read_answer(Authenticator, response)

    def finish_authenticator(
        self, username: str, password: str, new_code: str, *, code: str | None = None
    ) -> None:
        """Shows that the app works. From now on every sign-in needs its code."""
        self._open("totp/verify", username=username, password=password, new_code=new_code, code=code)

    def _open(self, what: str, **fields: str | None) -> httpx.Response:
        """Asks for something that needs no token."""
        body = {name: value for name, value in fields.items() if value is not None}
        return self._http.send("POST", f"/v1/auth/{what}", body=body)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, path, tokens=self._tokens, **request)
