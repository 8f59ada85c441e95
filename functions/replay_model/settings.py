"""Settings of replay_model."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    registry_table: str
    images_bucket: str
    models_bucket: str
    signing_key_id: str
    replay_queue_url: str
    max_receive_count: int
    ort_threads: int


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
