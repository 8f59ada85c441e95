"""Settings of migrate_user."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    users_table: str
    migration_key_id: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
