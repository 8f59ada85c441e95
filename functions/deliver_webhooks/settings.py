"""Settings of deliver_webhooks."""

from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    users_table: str
    ephemeral_table: str
    webhooks_queue_url: str
    webhook_key_id: str
    max_receive_count: int = Field(ge=1)


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
