"""Settings of register_model."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    registry_table: str
    audit_table: str
    models_bucket: str
    max_receive_count: int


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
