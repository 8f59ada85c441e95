"""Who is signed in where, kept in a file that nobody else may read."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from triagelens_client.errors import TriagelensClientError
from triagelens_client.tokens import Tokens


class SessionFileError(TriagelensClientError):
    """The session file is unreadable or not one of ours."""

    code = "session_file"


class _Remembered(BaseModel):
    api_url: str | None = None
    tokens: dict[str, Tokens] = Field(default_factory=dict)


@dataclass(frozen=True)
class Sessions:
    """The sessions of one user of this machine. Tokens are kept for each API, so none goes to another.

    Attributes:
        file: made with mode 0600 in a folder of mode 0700, replaced as a whole.
    """

    file: Path

    def api_url(self) -> str | None:
        """The API that was used last."""
        return self._read().api_url

    def tokens(self, api_url: str) -> Tokens | None:
        return self._read().tokens.get(api_url)

    def remember(self, api_url: str, tokens: Tokens | None = None) -> None:
        """Makes `api_url` the one to use from now on, with its tokens if there are new ones."""
        known = self._read()
        kept = known.tokens if tokens is None else {**known.tokens, api_url: tokens}
        self._write(_Remembered(api_url=api_url, tokens=kept))

    def forget(self, api_url: str) -> None:
        known = self._read()
        self._write(_Remembered(api_url=known.api_url, tokens=_without(known.tokens, api_url)))

    def _read(self) -> _Remembered:
        try:
            return _Remembered.model_validate_json(self.file.read_bytes())
        except FileNotFoundError:
            return _Remembered()
        except (OSError, ValidationError) as error:
            raise SessionFileError(f"{self.file} cannot be read; remove it and sign in again.") from error

    def _write(self, remembered: _Remembered) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.file.parent, prefix=".session-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(remembered.model_dump_json())
            Path(name).replace(self.file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _without(tokens: dict[str, Tokens], api_url: str) -> dict[str, Tokens]:
    return {url: kept for url, kept in tokens.items() if url != api_url}
