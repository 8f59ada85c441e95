"""Whatever a shell knows of a real account, nothing of it reaches what talks to the laptop cloud."""

import os
import shutil
import subprocess
from pathlib import Path

import boto3
import pytest

from infra.local.__main__ import exports, leave_out_cloud_settings
from infra.local.environment import FAKE_KEY, for_laptop_cloud
from infra.local.server import Server

ENDPOINT = "http://localhost:4999"
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_CONFIG_FILE": "/somewhere/config",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/credentials",
    "AWS_ENDPOINT_URL": "https://aws.invalid",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.eu-central-1.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_PROFILE": "production",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/production",
    "AWS_SECRET_ACCESS_KEY": "a-real-secret",
    "AWS_SESSION_TOKEN": "a-token",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/token",
    "CDK_DEFAULT_ACCOUNT": "123456789012",
}


@pytest.fixture
def home_of_an_engineer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that is signed in to a real account, by its environment and by its files."""
    (tmp_path / ".aws").mkdir()
    keys = "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = from-a-file\n"
    (tmp_path / ".aws" / "credentials").write_text(keys)
    settings = "[default]\nregion = eu-central-1\nendpoint_url = https://aws.invalid\n"
    (tmp_path / ".aws" / "config").write_text(settings)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_a_child_process_learns_nothing_of_a_real_account() -> None:
    environment = for_laptop_cloud({"PATH": "/bin", **REAL}, ENDPOINT, None)
    assert environment["PATH"] == "/bin"
    assert not {name for name, value in REAL.items() if environment.get(name) == value}
    assert environment["AWS_ENDPOINT_URL"] == ENDPOINT
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


@pytest.mark.usefixtures("home_of_an_engineer")
def test_a_session_of_the_laptop_cloud_has_its_own_keys_and_no_others(tmp_path: Path) -> None:
    session = Server("plain", str(tmp_path), port=4999, pid=0).session()
    found = session.get_credentials()
    assert found is not None
    assert found.access_key == found.secret_key == FAKE_KEY
    assert found.token is None
    assert session.profile_name == "default"
    assert session.region_name == "us-east-1"


@pytest.mark.usefixtures("home_of_an_engineer")
def test_the_commands_forget_every_setting_of_a_real_account() -> None:
    assert set(REAL) <= set(leave_out_cloud_settings())
    assert not set(REAL) & set(os.environ)


@pytest.mark.usefixtures("home_of_an_engineer")
def test_a_shell_that_takes_the_exports_over_reaches_the_laptop_cloud_only() -> None:
    bash = shutil.which("bash")
    assert bash
    script = exports(ENDPOINT, f"{ENDPOINT}/api", None, sorted(REAL)) + "\nenv -0"
    shown = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=True).stdout
    environment = dict(line.split("=", 1) for line in shown.split("\0") if line)
    assert not {value for name, value in environment.items() if name in REAL} & set(REAL.values())
    assert environment["AWS_ENDPOINT_URL"] == ENDPOINT
    assert environment["TRIAGELENS_API_URL"] == f"{ENDPOINT}/api"
    with pytest.MonkeyPatch.context() as patch:
        for name in REAL:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        client = boto3.Session().client("dynamodb")
    assert client.meta.endpoint_url == ENDPOINT
