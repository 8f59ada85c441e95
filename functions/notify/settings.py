"""Settings of notify."""

from datetime import timedelta
from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Without `mail_from` nothing is sent; `case_mail_to` are addresses with commas between them."""

    casework_table: str
    users_table: str
    ephemeral_table: str
    max_receive_count: int = Field(ge=1)
    visibility_timeout_s: int = Field(ge=1)
    mail_from: str | None = None
    case_mail_to: str = ""
    portal_url: str | None = None

    @property
    def case_addresses(self) -> tuple[str, ...]:
        return tuple(address for address in self.case_mail_to.split(",") if address)

    @property
    def visibility(self) -> timedelta:
        return timedelta(seconds=self.visibility_timeout_s)


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
