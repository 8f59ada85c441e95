"""The whole API on a moto cloud: real adapters, a real user pool's tokens, its keys on a local port."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import boto3
import pytest
from fastapi.testclient import TestClient

import clinic_api.settings
from clinic_api import deps
from clinic_api.app import create_app
from tests.cloud import REGION, Cloud
from tests.cloud import client as cloud_client
from tests.jwks_server import KeySet
from triagelens.adapters.cognito import cognito_client
from triagelens.adapters.dynamodb.tables import AuditItem, UsersItem
from triagelens.domain.people import Role

PASSWORD = "correct-Horse-battery-9"


@dataclass
class Api:
    """A client of the API and what lies behind it."""

    client: TestClient
    cloud: Cloud
    keys: KeySet
    pool_id: str
    client_id: str
    issuer: str

    def sign_up(self, username: str, role: Role = Role.PATIENT) -> dict[str, str]:
        """A new person's headers. Roles beyond patient are written into the record, as an admin would."""
        account = {"username": username, "password": PASSWORD, "email": f"{username}@example.org"}
        assert self.client.post("/v1/auth/sign-up", json=account).status_code == 202
        code = {"username": username, "code": "123456"}
        assert self.client.post("/v1/auth/confirm", json=code).status_code == 200
        if role is not Role.PATIENT:
            self.change(username, role=str(role))
        return self.sign_in(username)

    def sign_in(self, username: str) -> dict[str, str]:
        answer = self.client.post("/v1/auth/sign-in", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def change(self, username: str, **changes: Any) -> None:
        """Changes a person's record behind the API's back."""
        (item,) = [item for item in UsersItem.scan() if item.body["username"] == username]
        item.body = {**item.body, **changes}
        item.gsi1pk = f"ROLE#{item.body['role']}"
        item.save()

    def audited(self) -> list[dict[str, Any]]:
        """The audit trail's entries, oldest first."""
        return [item.body for item in sorted(AuditItem.scan(), key=lambda item: item.sk)]


@pytest.fixture(scope="session")
def keys() -> Iterator[KeySet]:
    made = KeySet()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def api(cloud: Cloud, keys: KeySet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    cognito = boto3.client("cognito-idp", region_name=REGION)
    pool = cognito.create_user_pool(PoolName="people", AliasAttributes=["email"])["UserPool"]["Id"]
    app_client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="api",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    for role in Role:
        cognito.create_group(UserPoolId=pool, GroupName=role)
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{pool}"
    environment = {
        "USER_POOL_ID": pool,
        "USER_POOL_CLIENT_ID": app_client,
        "OLD_APPS_CLIENT_ID": "old-apps",
        "MIGRATION_KEY_ID": cloud_client("kms").create_key()["KeyMetadata"]["KeyId"],
        "WEBHOOK_KEY_ID": cloud_client("kms").create_key()["KeyMetadata"]["KeyId"],
        "TOKEN_ISSUER": issuer,
        "JWKS_URL": keys.url,
        "QUEUE_RETENTION_S": "345600",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for cache in caches():
        cache.cache_clear()
    keys.fetches, keys.broken = 0, False
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield Api(client, cloud, keys, pool, app_client, issuer)
    for cache in caches():
        cache.cache_clear()


def caches() -> list["_lru_cache_wrapper[Any]"]:
    """Everything that the API makes once per process."""
    modules = [import_module(f"{deps.__name__}.{module.name}") for module in iter_modules(deps.__path__)]
    known = [value for module in modules for value in vars(module).values()]
    made = [value for value in known if isinstance(value, _lru_cache_wrapper)]
    return [*made, clinic_api.settings.settings, cognito_client]
