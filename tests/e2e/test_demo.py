"""`make demo`, as somebody sees it who has just cloned the repository."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.local.cloud import Cloud
from training_job.phantoms import photograph

LIMIT_S = 240

Demo = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def demo(plain_cloud: Cloud) -> Demo:
    """Runs the demo against the tests' own cloud, in an environment that names a real one."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        elsewhere = {
            "AWS_PROFILE": "production",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_ENDPOINT_URL": "https://aws.invalid",
            "HTTP_PROXY": "http://proxy.invalid:3128",
        }
        command = [
            sys.executable,
            "-m",
            "infra.local.demo",
            "--state-dir",
            str(Path(plain_cloud.server.folder).parent),
            *arguments,
        ]
        return subprocess.run(
            command,
            env={**os.environ, **elsewhere},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run


def test_the_demo_ends_with_a_finding(demo: Demo, plain_cloud: Cloud) -> None:
    done = demo()
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["specialty"], last["demonstration"]) == ("analyzed", "skin", True)
    assert last["top_label"] == "mel"
    assert 0.5 < last["probability"] <= 1
    assert last["blur_score"] > 0
    assert last["model"].startswith("phantom-")
    assert "demonstration model, not for clinical use" in done.stdout
    assert plain_cloud.api_url in done.stdout
    assert "make down" in done.stdout
    assert "photo checked and analysed" in done.stderr


@pytest.mark.parametrize("specialty", ["brain", "eye", "oral"])
def test_every_specialty_has_a_demo(demo: Demo, specialty: str) -> None:
    done = demo("--specialty", specialty)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["specialty"]) == ("analyzed", specialty)


def test_a_blurred_photo_ends_rejected_with_its_reason(demo: Demo, tmp_path: Path) -> None:
    photo = tmp_path / "blurred.jpg"
    photo.write_bytes(photograph("skin", "nv", 3, (2000, 1500), defocus=14))
    done = demo("--image", str(photo), "--specialty", "skin")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["status"] == "rejected"
    assert last["top_label"] is None
    assert "Reason" in done.stdout


def test_a_file_that_is_not_there_is_named(demo: Demo, tmp_path: Path) -> None:
    done = demo("--image", str(tmp_path / "nowhere.jpg"))
    assert done.returncode != 0
    assert f"{tmp_path / 'nowhere.jpg'}: No such file" in done.stderr
    assert done.stdout == ""


def test_an_unknown_specialty_is_answered_with_those_that_are_known(demo: Demo, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(photograph("skin", "nv", 3, (800, 600)))
    for arguments in (["--specialty", "liver"], ["--specialty", "liver", "--image", str(photo)]):
        done = demo(*arguments)
        assert done.returncode != 0
        assert "no specialty 'liver'; known are skin, eye, oral, brain" in done.stderr
