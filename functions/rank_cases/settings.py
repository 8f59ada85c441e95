"""Settings of rank_cases."""

from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    max_receive_count: int = Field(ge=1)


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
