"""Settings of watch_canary."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    registry_table: str
    ephemeral_table: str
    audit_table: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
