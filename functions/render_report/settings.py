"""Settings of render_report."""

from functools import lru_cache

from pydantic import Field

from triagelens.settings import EnvironmentSettings


class Settings(EnvironmentSettings):
    """Read from the environment once.

    Attributes:
        clinic_logo: key of the logo in the documents bucket; none if empty.
        portal_url: where people look at cases; the QR code leads there.
        evidence_within_s: how long heatmaps of one report may be drawn.
    """

    casework_table: str
    users_table: str
    images_bucket: str
    documents_bucket: str
    explain_function: str
    max_receive_count: int = Field(ge=1)
    evidence_within_s: float = Field(gt=0)
    clinic_name: str = "Triagelens"
    clinic_address: str = ""
    clinic_logo: str = ""
    portal_url: str = ""


@lru_cache
def settings() -> Settings:
    return Settings.from_environment()
