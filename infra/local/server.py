"""The server process of the laptop cloud: started detached, found again, stopped."""

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import TypeAdapter, ValidationError

from infra.local.certificate import make_certificate
from infra.local.environment import ACCOUNT, FAKE_KEY, REGION, for_laptop_cloud
from infra.local.tools import server_python

Profile = Literal["plain", "strict"]

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 5
ATTEMPTS = 3


class LaptopCloudError(Exception):
    """The laptop cloud could not be started, or what answers is not the laptop cloud."""


@dataclass(frozen=True)
class Server:
    """A server process and the folder in which it lives."""

    profile: Profile
    folder: str
    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        return f"{'https' if self.profile == 'strict' else 'http'}://localhost:{self.port}"

    @property
    def certificate(self) -> Path | None:
        return Path(self.folder, "certificate.pem") if self.profile == "strict" else None

    @property
    def log(self) -> Path:
        return Path(self.folder, "server.log")

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, pointed at the server and at nothing else."""
        return for_laptop_cloud(os.environ, self.endpoint, self.certificate)

    def session(self) -> boto3.Session:
        """A session that reads neither the environment nor a profile."""
        nowhere = (None, None, os.devnull, None)
        settings = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
        return boto3.Session(
            botocore_session=botocore.session.Session(session_vars=settings),
            aws_access_key_id=FAKE_KEY,
            aws_secret_access_key=FAKE_KEY,
            region_name=REGION,
        )

    def is_running(self) -> bool:
        """Whether our process lives and answers as the laptop cloud's account."""
        return _is_server(self.pid) and self.answers()

    def answers(self) -> bool:
        """Whether the account at the endpoint can be asked.

        Raises:
            LaptopCloudError: another account than the laptop cloud's answers.
        """
        sts = self.session().client(
            "sts",
            endpoint_url=self.endpoint,
            verify=str(self.certificate) if self.certificate else None,
            # Never through whatever proxy the environment names: the server is on this machine.
            config=Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1}, proxies={}),
        )
        try:
            account = sts.get_caller_identity()["Account"]
        except (BotoCoreError, ClientError):
            return False
        if account != ACCOUNT:
            raise LaptopCloudError(f"account {account} answers at {self.endpoint}, not the laptop cloud")
        return True

    def save(self) -> None:
        Path(self.folder, "server.json").write_bytes(TypeAdapter(Server).dump_json(self, indent=2))

    def stop(self) -> None:
        """End the process with all its workers, and remove what it unpacked."""
        if _is_server(self.pid):
            _signal_group(self.pid, signal.SIGTERM)
            if not _wait_until_gone(self.pid, STOP_TIMEOUT_S):
                _signal_group(self.pid, signal.SIGKILL)
                _wait_until_gone(self.pid, STOP_TIMEOUT_S)
        shutil.rmtree(Path(self.folder, "tmp"), ignore_errors=True)
        Path(self.folder, "server.json").unlink(missing_ok=True)


def find(folder: Path) -> Server | None:
    """The server of which a folder's state tells, running or not."""
    state = folder / "server.json"
    if not state.exists():
        return None
    try:
        return TypeAdapter(Server).validate_json(state.read_bytes())
    except ValidationError:
        return None


def launch(profile: Profile, folder: Path) -> Server:
    """Start a server on a free port, in its own session, and wait until it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    if profile == "strict":
        make_certificate(folder)
    for _ in range(ATTEMPTS):
        server = _spawn(profile, folder)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and _is_server(server.pid):
            if server.answers():
                server.save()
                return server
            time.sleep(0.1)
        server.stop()  # another program may have taken the port meanwhile
    raise LaptopCloudError(f"the laptop cloud does not start; see {folder / 'server.log'}")


def _spawn(profile: Profile, folder: Path) -> Server:
    python = server_python()
    temporary = folder / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    draft = Server(profile, str(folder), _free_port(), 0)
    environment = draft.environment | {
        "GATEWAY_PORT": str(draft.port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(temporary),
        "STATE_DIR": str(temporary / "state"),
        "S3_DATA_DIR": str(temporary / "s3"),
        "AUTH": "false",
    }
    if draft.certificate:
        environment |= {
            "AUTH": "true",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(draft.certificate),
            "MINISTACK_SSL_KEY": str(folder / "key.pem"),
            "SSL_CERT_FILE": str(draft.certificate),
        }
    with draft.log.open("ab") as log:
        process = subprocess.Popen(
            [python, "-m", "ministack"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return Server(**asdict(draft) | {"pid": process.pid})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_server(pid: int) -> bool:
    """Whether the process lives and is a server of ours, not another one that got the same number."""
    command = ["ps", "-p", str(pid), "-o", "stat=,command="]
    shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return "ministack" in shown and not shown.startswith("Z")


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _wait_until_gone(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while _is_server(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
