"""Settings of the container that runs jobs."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """What a training needs of the deployment."""

    registry_table: str
    learning_bucket: str
    images_bucket: str
    models_bucket: str


class RunnerSettings(EnvironmentSettings):
    """Which run this is: AWS Batch says it to every container that it starts."""

    aws_batch_job_id: str | None = None
    aws_batch_job_attempt: int = 1


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()


@lru_cache
def runner_settings() -> RunnerSettings:
    return RunnerSettings.from_environment()
