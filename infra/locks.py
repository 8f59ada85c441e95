"""Writes every lock of the repository: `python -m infra.locks [--upgrade]`.

A lock holds exact versions and hashes for all platforms and Pythons from 3.11, and no index address.
A layer's lock leaves out what the Lambda runtime brings and, but for `core`, what `core` brings.
"""

import re
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
# boto3 and all that it needs: part of Lambda's Python runtime.
RUNTIME_PACKAGES = (
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "six",
    "urllib3",
)


def compile_lock(target: Path, sources: list[str], *, leave_out: list[str], options: list[str]) -> None:
    """Resolve `sources` (uv's arguments) into `target`, all but the packages left out."""
    command = [
        find_uv_bin(),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--no-header",
    ]
    command += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"]
    command += [part for name in leave_out for part in ("--no-emit-package", name)]
    command += [*options, *sources, "--output-file", str(target.relative_to(ROOT))]
    subprocess.run(command, cwd=ROOT, check=True)
    print(f"wrote {target.relative_to(ROOT)}")


def locked_names(lock: Path) -> list[str]:
    """Names of the packages that a lock pins, sorted."""
    return sorted(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", lock.read_text(), flags=re.MULTILINE)))


def main(options: list[str]) -> None:
    environments = {
        "dev": ["pyproject.toml", "--group", "dev"],
        "training": ["pyproject.toml", "--group", "training"],
        "laptop-cloud": ["--group", "laptop-cloud"],
    }
    for name, sources in environments.items():
        compile_lock(ROOT / "requirements" / f"{name}.txt", sources, leave_out=[], options=options)
    core = ROOT / "layers" / "core" / "requirements.txt"
    pins = ["--constraint", "requirements/dev.txt", *options]
    compile_lock(core, ["--group", "layer-core"], leave_out=list(RUNTIME_PACKAGES), options=pins)
    taken = [*RUNTIME_PACKAGES, *locked_names(core)]
    for name in ("web", "bcrypt", "opencv", "onnxruntime", "report"):
        target = ROOT / "layers" / name / "requirements.txt"
        compile_lock(target, ["--group", f"layer-{name}"], leave_out=taken, options=pins)


if __name__ == "__main__":
    main(sys.argv[1:])
