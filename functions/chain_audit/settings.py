"""Settings of chain_audit."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    audit_table: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
