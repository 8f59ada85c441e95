"""Settings of export_records."""

from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Attributes:
    export_budget_s: seconds that reading may take; the upload comes after it.
    """

    casework_table: str
    images_bucket: str
    documents_bucket: str
    max_receive_count: int
    export_budget_s: float = Field(gt=0)


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
