"""The README's commands are run as they stand there, or named here with what runs them."""

import re
import subprocess
import sys
from pathlib import Path

from infra.config import ROOT
from infra.local.cloud import Cloud
from tests.e2e.whole_stack.stack import PASSWORD
from tests.onnx_models import classifier
from tests.photos import photo

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"```console\n(.*?)```", README, flags=re.DOTALL)
    for command in re.findall(r"^\$ (.*)$", block, flags=re.MULTILINE)
]
RUN_ELSEWHERE = {
    "make demo": "tests/e2e/test_demo.py runs its module, which tests/unit/local/test_makefile.py shows",
    "make demo IMAGE=path/to/photo.jpg SPECIALTY=skin": "tests/e2e/test_demo.py runs its module",
    "make down": "tests/e2e/test_laptop_cloud.py stops a cloud",
    "make test": "CI runs it",
    "make deploy STAGE=dev": "tests/infra synthesizes the stage; a deployment needs an account",
    "source .venv/bin/activate": "this test puts the same folder on the path",
    'eval "$(python -m infra.local env)"': "this test sets the same variables for its own cloud",
}
VERSION = "readme-1"


def test_every_command_is_run_somewhere() -> None:
    assert len(COMMANDS) > len(RUN_ELSEWHERE)
    here = [command for command in COMMANDS if command not in RUN_ELSEWHERE]
    assert all(command.startswith(("triagelens ", "python -m clinic_api.grant ")) for command in here)
    assert set(RUN_ELSEWHERE) <= set(COMMANDS)


def test_the_commands_work_in_their_order(plain_cloud: Cloud, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"photo-{number}.jpg").write_bytes(photo(seed=number))
    made = classifier(specialty="oral", labels=("normal", "lesion"), version=VERSION)
    (tmp_path / "model.onnx").write_bytes(made.model)
    (tmp_path / "manifest.json").write_bytes(made.manifest_json)
    environment = {
        **plain_cloud.server.environment,
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "TRIAGELENS_API_URL": plain_cloud.api_url,
        "TRIAGELENS_CONFIG_DIR": str(tmp_path / "config"),
    }
    for command in COMMANDS:
        if command in RUN_ELSEWHERE:
            continue
        asked = command.replace("activate skin 1.0.0", f"activate oral {VERSION}")
        done = subprocess.run(  # noqa: S602  # a reader's shell runs what the README says
            asked,
            shell=True,
            cwd=tmp_path,
            env=environment,
            input=f"{PASSWORD}\n{PASSWORD}\n",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{asked}: {done.stdout}{done.stderr}"
