"""Settings of erase_patient."""

from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    casework_table: str
    registry_table: str
    users_table: str
    audit_table: str
    uploads_bucket: str
    images_bucket: str
    documents_bucket: str
    erasure_queue_url: str
    user_pool_id: str
    user_pool_client_id: str
    max_receive_count: int = Field(ge=1)


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
