"""The environment of all that talks to the laptop cloud: it holds no real credential, profile or address."""

from collections.abc import Mapping
from pathlib import Path

REGION = "us-east-1"
ACCOUNT = "000000000000"
FAKE_KEY = "test"


def without_cloud_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy without any setting of AWS or the CDK."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(("AWS_", "CDK_", "SAM_"))
    }


def for_laptop_cloud(
    environment: Mapping[str, str], endpoint: str, certificate: Path | None
) -> dict[str, str]:
    """A copy in which every SDK and command can reach the laptop cloud and nothing else."""
    clean = without_cloud_settings(environment) | credentials(endpoint)
    clean |= {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "localhost,.localhost,127.0.0.1",
        "no_proxy": "localhost,.localhost,127.0.0.1",
    }
    if certificate:
        clean["AWS_CA_BUNDLE"] = clean["NODE_EXTRA_CA_CERTS"] = str(certificate)
    return clean


def credentials(endpoint: str) -> dict[str, str]:
    """The settings that SDKs read: the address, the region and keys that are worth nothing elsewhere."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": FAKE_KEY,
        "AWS_SECRET_ACCESS_KEY": FAKE_KEY,
    }
