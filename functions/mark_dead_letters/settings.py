"""Settings of mark_dead_letters."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    quality_dlq_url: str
    inference_dlq_url: str
    reports_dlq_url: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
