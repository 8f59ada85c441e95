"""Settings of register_model."""

from functools import lru_cache

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Read from the environment once.

    Attributes:
        trial_memory_mb, trial_timeout_s: of the process in which a model is tried first.
        gate_budget_s: how long the evaluation on the holdout may take. Both times together stay well
            under the function's own.
    """

    registry_table: str
    audit_table: str
    models_bucket: str
    images_bucket: str
    learning_bucket: str
    signing_key_id: str
    max_receive_count: int
    trial_memory_mb: int
    trial_timeout_s: float
    gate_budget_s: float


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
