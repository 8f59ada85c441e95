"""The whole stack on the laptop: a server, the real `cdk deploy` to it, and what came out."""

import fcntl
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.config import ROOT, STACK_NAME
from infra.local import server as servers
from infra.local.environment import ACCOUNT, REGION
from infra.local.server import LaptopCloudError, Profile, Server
from infra.local.tools import cdk_command

STATE_DIR = ROOT / ".local"
# What a deployment is made of; where none of it changed, nothing is deployed again.
SOURCES = (
    "cdk.json",
    "infra/app.py",
    "infra/config.py",
    "infra/stack.py",
    "infra/constructs",
    "functions",
    "layers",
)


@dataclass(frozen=True)
class Cloud:
    """A laptop cloud with the stack deployed."""

    server: Server
    outputs: dict[str, str]

    @property
    def endpoint(self) -> str:
        return self.server.endpoint

    @property
    def api_url(self) -> str:
        return self.outputs["ApiUrl"]

    @property
    def certificate(self) -> Path | None:
        """What a client of the strict profile must trust."""
        return self.server.certificate

    def client(self, service: str, **options: Any) -> Any:
        """A boto3 client of this cloud, with the root's keys."""
        verify = str(self.certificate) if self.certificate else None
        made: Any = self.server.session().client
        return made(service, endpoint_url=self.endpoint, verify=verify, **options)

    def stop(self) -> None:
        """Stop it and forget its state; the logs stay."""
        stop(self.server.profile, Path(self.server.folder).parent)


def start(profile: Profile = "plain", state_dir: Path = STATE_DIR) -> Cloud:
    """The laptop cloud of this profile, running and deployed; what is there already is used.

    Raises:
        LaptopCloudError: it does not start, another account answers, or the deployment fails.
    """
    folder = (state_dir / profile).resolve()
    with _alone(folder):
        server = servers.find(folder)
        if server is None or not server.is_running():
            if server:
                server.stop()
            _forget(folder)
            progress(f"starting the laptop cloud ({profile})")
            server = servers.launch(profile, folder)
        fingerprint = _fingerprint(server)
        if _read(folder / "deployed.txt") != fingerprint:
            _deploy(server, folder)
            (folder / "deployed.txt").write_text(fingerprint)
        return Cloud(server, _outputs(folder))


def running(profile: Profile = "plain", state_dir: Path = STATE_DIR) -> Cloud | None:
    """The laptop cloud of this profile, if it runs and something is deployed to it."""
    folder = (state_dir / profile).resolve()
    server = servers.find(folder)
    if server is None or not (folder / "deployed.txt").exists() or not server.is_running():
        return None
    return Cloud(server, _outputs(folder))


def stop(profile: Profile = "plain", state_dir: Path = STATE_DIR) -> bool:
    """Stop the laptop cloud of this profile and forget its state; whether there was one."""
    folder = (state_dir / profile).resolve()
    with _alone(folder):
        server = servers.find(folder)
        if server:
            server.stop()
        _forget(folder)
        return server is not None


def progress(message: str) -> None:
    """Tell the person what goes on, beside the command's own output."""
    print(f"· {message}", file=sys.stderr, flush=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No two commands set up the same laptop cloud at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget(folder: Path) -> None:
    for name in ("deployed.txt", "bootstrapped.txt", "outputs.json"):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "cdk.out", ignore_errors=True)


def _deploy(server: Server, folder: Path) -> None:
    if not server.answers():
        raise LaptopCloudError(f"nothing answers at {server.endpoint}")
    started = time.monotonic()
    bootstrapped = folder / "bootstrapped.txt"
    if not bootstrapped.exists():
        progress("cdk bootstrap")
        # Away from cdk.json, so that the application is not synthesized for it.
        with TemporaryDirectory() as elsewhere:
            _cdk(server, folder, Path(elsewhere), "bootstrap", f"aws://{ACCOUNT}/{REGION}")
        bootstrapped.touch()
    progress("cdk deploy")
    outputs = folder / "outputs.json"
    options = ["--app", shlex.join([sys.executable, "-m", "infra.app"]), "--output", str(folder / "cdk.out")]
    options += ["--context", "stage=laptop", "--context", f"endpoint={server.endpoint}"]
    options += ["--require-approval", "never", "--method", "direct", "--progress", "events"]
    _cdk(server, folder, ROOT, "deploy", STACK_NAME, *options, "--outputs-file", str(outputs))
    outputs.write_text(json.dumps(json.loads(outputs.read_text())[STACK_NAME], indent=2, sort_keys=True))
    progress(f"deployed in {time.monotonic() - started:.0f} s")


def _cdk(server: Server, folder: Path, where: Path, *arguments: str) -> None:
    """Run the CDK command against this server; what it says goes to a log.

    Raises:
        LaptopCloudError: it failed; the message ends with the last lines of the log.
    """
    command = [*cdk_command(), *arguments, "--no-notices", "--no-color", "--ci"]
    environment = server.environment | {
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }
    log = folder / f"cdk-{arguments[0]}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
        raise LaptopCloudError(f"cdk {arguments[0]} failed; the log is {log}\n{tail}")


def _fingerprint(server: Server) -> str:
    digest = hashlib.sha256(f"{server.endpoint} {server.pid} {sys.version}".encode())
    for source in SOURCES:
        root = ROOT / source
        for path in sorted([root] if root.is_file() else root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


def _outputs(folder: Path) -> dict[str, str]:
    outputs: dict[str, str] = json.loads((folder / "outputs.json").read_text())
    return outputs


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None
