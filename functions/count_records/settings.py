"""Settings of count_records."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    dead_letters_url: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
