"""Settings of watch_training."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Queues and definitions of AWS Batch by name; `job_log_group` is where containers write."""

    registry_table: str
    training_queue: str
    training_definition: str
    ingest_queue: str
    ingest_definition: str
    job_log_group: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
