"""Settings of check_quality."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    uploads_bucket: str
    images_bucket: str
    inference_queue_url: str
    max_receive_count: int


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
