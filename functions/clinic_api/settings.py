"""Settings of the API function."""

from datetime import timedelta
from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Read from the environment once.

    Attributes:
        presign_endpoint_url: where clients reach S3, if that differs from where this function does
            (laptop cloud only).
        waiters: how many requests may wait at the same time.
        case_number_start: the first case number that this deployment gives out.
        training_queue, training_definition: of AWS Batch, by name; so `ingest_queue`, `ingest_definition`.
            Empty where nothing trains, and on a laptop, whose worker looks for jobs by itself.
        training_usd_per_hour, training_start_up_s, training_overhead: see `Prices`.
        old_apps_client_id: app client of the former systems' apps; its access tokens last a day.
        api_base_path: stage prefix that is taken off a path if it is there.
    """

    casework_table: str
    registry_table: str
    users_table: str
    audit_table: str
    ephemeral_table: str
    uploads_bucket: str
    images_bucket: str
    models_bucket: str
    audit_bucket: str
    documents_bucket: str
    learning_bucket: str
    inference_queue_url: str
    explain_function: str
    exports_queue_url: str
    replay_queue_url: str
    erasure_queue_url: str
    user_pool_id: str
    user_pool_client_id: str
    old_apps_client_id: str
    migration_key_id: str
    webhook_key_id: str
    token_issuer: str
    jwks_url: str
    cors_origins: str = ""
    presign_endpoint_url: str | None = None
    upload_expiry_s: int = Field(default=600, ge=1)
    queue_retention_s: int = Field(ge=1)
    max_upload_bytes: int = Field(default=50_000_000, ge=1)
    max_model_bytes: int = Field(default=262_144_000, ge=1)
    waiters: int = Field(default=20, ge=1)
    case_number_start: int = Field(default=10_000, ge=1)
    training_queue: str = ""
    training_definition: str = ""
    ingest_queue: str = ""
    ingest_definition: str = ""
    training_usd_per_hour: float = Field(default=1.22, ge=0)
    training_start_up_s: float = Field(default=600, ge=0)
    training_overhead: float = Field(default=1.3, ge=1)
    api_base_path: str = "/api"

    @property
    def origins(self) -> list[str]:
        """Web origins that browsers may call from; none means no CORS at all."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def requires_second_factor(self) -> bool:
        """Whether some roles get nowhere without an authenticator app."""
        return self.stage == "prod"

    @property
    def requires_second_admin(self) -> bool:
        """Whether even a model brought by hand is activated by somebody else."""
        return self.stage == "prod"

    @property
    def upload_expiry(self) -> timedelta:
        return timedelta(seconds=self.upload_expiry_s)

    @property
    def queue_retention(self) -> timedelta:
        return timedelta(seconds=self.queue_retention_s)


@lru_cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings.from_environment()
