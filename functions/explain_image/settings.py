"""Settings of explain_image."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    registry_table: str
    images_bucket: str
    models_bucket: str
    signing_key_id: str
    ort_threads: int
    occlusion_budget_s: float


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
