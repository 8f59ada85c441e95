"""The README's make commands run the modules that the tests run."""

import subprocess

import pytest

from infra.config import ROOT


@pytest.mark.parametrize(
    ("asked", "run"),
    [
        ("demo", "-m infra.local.demo"),
        (
            "demo IMAGE=path/to/photo.jpg SPECIALTY=brain",
            '-m infra.local.demo --image "path/to/photo.jpg" --specialty "brain"',
        ),
        ("cloud-up", "-m infra.local up --profile plain"),
        ("status", "-m infra.local status --profile plain"),
        ("down PROFILE=strict", "-m infra.local down --profile strict"),
        ("worker", "-m infra.local worker --profile plain"),
        ("deploy STAGE=prod", "-m infra.cdk deploy --context stage=prod"),
        (
            "deploy WITH_TRAINING=true",
            "-m infra.cdk deploy --all --context training=true --context stage=dev",
        ),
        ("synth STAGE=prod", "-m infra.cdk synth --quiet --context stage=prod"),
        ("lock", "-m infra.locks --upgrade"),
        ("openapi", "-m clinic_api.openapi"),
        ("docs-pictures", "-m docs.making.pictures"),
    ],
)
def test_a_command_runs_its_module(asked: str, run: str) -> None:
    command = ["make", "--dry-run", "--no-print-directory", *asked.split()]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.rstrip().endswith(run)


def test_what_ci_runs_first_builds_the_documentation_strictly() -> None:
    command = ["make", "--dry-run", "--no-print-directory", "check"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.rstrip().endswith(".venv/bin/mkdocs build --strict --quiet")


def test_ci_runs_the_readmes_commands() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-2:] == ["make check", "make test"]
