"""Settings of publish_events."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    event_bus_name: str
    dead_letters_url: str


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
