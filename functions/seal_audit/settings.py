"""Settings of seal_audit."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    audit_table: str
    audit_bucket: str
    audit_key_id: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
