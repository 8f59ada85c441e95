"""From the command's options and the session file to a client."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from triagelens_client.client import Triagelens
from triagelens_client.errors import TriagelensClientError
from triagelens_client.sessions import Sessions
from triagelens_client.tokens import Tokens


class NoApiError(TriagelensClientError):
    """Nobody has said which API to talk to."""

    code = "no_api"


@dataclass(frozen=True)
class Connection:
    """Which API, in whose name, and how its certificate is checked.

    Attributes:
        named_api: from the option or the environment; None means the API that was used last.
        api_key: where a deployment asks for one besides. It is never kept.
    """

    named_api: str | None
    sessions: Sessions
    ca_file: Path | None
    api_key: str | None = None

    @classmethod
    def to(cls, api: str | None, folder: Path, ca_file: Path | None, api_key: str | None = None) -> Self:
        return cls(api.rstrip("/") if api else None, Sessions(folder / "session.json"), ca_file, api_key)

    @property
    def api_url(self) -> str:
        url = self.named_api or self.sessions.api_url()
        if url is None:
            raise NoApiError("Which API? Give --api or set TRIAGELENS_API_URL; it is remembered afterwards.")
        return url

    def client(self) -> Triagelens:
        """A client with the tokens of the last sign-in to this API, if there was one."""
        url = self.api_url

        def keep(tokens: Tokens) -> None:
            self.sessions.remember(url, tokens)

        verify = True if self.ca_file is None else ssl.create_default_context(cafile=self.ca_file)
        try:
            return Triagelens(
                url, self.sessions.tokens(url), keep_tokens=keep, api_key=self.api_key, verify=verify
            )
        except ValueError as error:
            raise NoApiError(str(error)) from error
