"""The programs that the laptop cloud needs, fetched once: its server and the CDK command."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from uv import find_uv_bin

from infra import NODE_BIN
from infra.config import ROOT

CDK_VERSION = "2.1148.1"  # 3.0.0, the registry's "latest", is older and cannot read our assemblies
SERVER_LOCK = ROOT / "requirements" / "laptop-cloud.txt"
TOOLS = ROOT / ".local" / "tools"


def node() -> str:
    return os.path.join(NODE_BIN, "node")


def cdk_command() -> list[str]:
    """The CDK command line, installed at its pinned version."""
    folder = _once(f"cdk-{CDK_VERSION}", _install_cdk)
    return [node(), str(folder / "node_modules" / "aws-cdk" / "bin" / "cdk")]


def server_python() -> str:
    """The interpreter of the server's own environment, of the same version as this one."""
    digest = hashlib.sha256(SERVER_LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    return str(_once(f"server-{digest}", _install_server) / "bin" / "python")


def _once(name: str, install: Callable[[Path], None]) -> Path:
    TOOLS.mkdir(parents=True, exist_ok=True)
    folder = TOOLS / name
    with (TOOLS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            (folder / "ready").touch()
    return folder


def _install_cdk(folder: Path) -> None:
    npm = Path(NODE_BIN).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    command = [node(), str(npm), "install", "--prefix", str(folder), *options, f"aws-cdk@{CDK_VERSION}"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _install_server(folder: Path) -> None:
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    subprocess.run([*install, "--require-hashes", "-r", str(SERVER_LOCK)], check=True)
