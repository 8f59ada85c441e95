"""The laptop cloud itself: it is what it says, it is found again, and it leaves nothing behind."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from infra.config import LAPTOP_SIZES, ROOT
from infra.local.cloud import Cloud, running, start
from infra.local.environment import ACCOUNT
from infra.local.server import Server, find, launch


def folder_of(cloud: Cloud) -> Path:
    return Path(cloud.server.folder)


def local_command(name: str, cloud: Cloud) -> str:
    command = [sys.executable, "-m", "infra.local", name, "--state-dir", str(folder_of(cloud).parent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_it_answers_as_an_account_that_does_not_exist(cloud: Cloud) -> None:
    assert cloud.client("sts").get_caller_identity()["Account"] == ACCOUNT


def test_the_whole_stack_is_deployed(cloud: Cloud) -> None:
    functions = cloud.client("lambda").list_functions()["Functions"]
    handlers = {function["Handler"].split(".")[0] for function in functions}
    assert handlers == set(LAPTOP_SIZES)
    [stack] = [
        stack
        for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]
        if stack["StackName"] == "Triagelens"
    ]
    assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def test_a_second_start_finds_it_and_deploys_nothing(plain_cloud: Cloud) -> None:
    deployed = folder_of(plain_cloud) / "cdk-deploy.log"
    before = deployed.stat().st_mtime_ns
    again = start("plain", folder_of(plain_cloud).parent)
    assert again == plain_cloud
    assert deployed.stat().st_mtime_ns == before


def test_it_cannot_be_led_to_a_real_account(plain_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a-token")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://sts.amazonaws.com")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.amazonaws.com")
    again = start("plain", folder_of(plain_cloud).parent)
    assert again.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert again.client("s3").meta.endpoint_url == plain_cloud.endpoint
    environment = again.server.environment
    assert environment["AWS_ENDPOINT_URL"] == plain_cloud.endpoint
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"} & set(environment)


def test_the_command_tells_a_shell_how_to_reach_it(plain_cloud: Cloud) -> None:
    status, exports = (local_command(name, plain_cloud) for name in ("status", "env"))
    assert plain_cloud.api_url in status
    assert f"export AWS_ENDPOINT_URL={plain_cloud.endpoint}\n" in exports
    outputs = json.loads((folder_of(plain_cloud) / "outputs.json").read_text())
    assert outputs["ApiUrl"] == plain_cloud.api_url


def test_a_server_that_died_is_not_taken_for_a_living_one(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    dead = launch("plain", folder)
    os.killpg(dead.pid, 9)
    assert not dead.is_running()
    assert find(folder) == dead
    assert running("plain", tmp_path) is None
    dead.stop()
    assert not (folder / "tmp").exists()
    assert find(folder) is None


def test_another_process_with_the_old_number_is_left_alone(tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep
    bystander = subprocess.Popen([sleep, "60"], start_new_session=True)
    try:
        stale = Server("plain", str(tmp_path), port=1, pid=bystander.pid)
        stale.save()
        assert not stale.is_running()
        stale.stop()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_port_that_somebody_else_listens_on_is_not_taken_for_the_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port: int = other.getsockname()[1]
        assert not Server("plain", str(tmp_path), port=port, pid=os.getpid()).is_running()


def test_a_damaged_state_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text('{"profile": "plain"')
    assert find(tmp_path) is None
