"""Try a model in a process of its own: with little memory, little time, and no credentials.

`python -m triagelens.inference.trial FOLDER MEMORY_MB` is that process. What a file can do to the one
who loads it (crash it, exhaust it, hang it) it does there, and the registrar reads what came of it.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from triagelens.domain.models import Problem

if TYPE_CHECKING:
    from triagelens.inference.package import ModelPackage

FOUND = "problems.json"
_FILES = {"model": "model.onnx", "manifest": "manifest.json", "head": "head.npy"}
_PARITY = "parity.json"
# The interpreter finds its own things by these; nothing else goes with it, and no credentials.
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
_STDERR_KEPT = 2000


class TrialError(RuntimeError):
    """The trial itself is broken: nothing is known about the model."""


def try_model(
    package: "ModelPackage", parity: bytes | None, *, memory_mb: int, timeout_s: float
) -> list[Problem]:
    """The reasons to refuse the model, found in a fresh process.

    Args:
        parity: the file of that name, if it came.
        memory_mb: address space of that process.

    Raises:
        TrialError: the process broke for a reason that is not the model's.
    """
    with tempfile.TemporaryDirectory(prefix="trial-") as name:
        folder = Path(name)
        for role, file in _FILES.items():
            if (data := getattr(package, role)) is not None:
                (folder / file).write_bytes(data)
        if parity is not None:
            (folder / _PARITY).write_bytes(parity)
        command = [sys.executable, "-m", "triagelens.inference.trial", name, str(memory_mb)]
        try:
            done = subprocess.run(  # noqa: S603  # our own module, and a folder that we made
                command, env=_environment(), capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            message = f"The model was not tried out after {timeout_s:.0f} s: it loads or answers too slowly."
            return [Problem(code="too_slow", message=message)]
        if done.returncode < 0:
            message = (
                f"Loading the model killed the process (signal {-done.returncode}); it had {memory_mb} MB."
            )
            return [Problem(code="does_not_load", message=message)]
        if done.returncode:
            raise TrialError(done.stderr.decode(errors="replace")[-_STDERR_KEPT:])
        return [Problem.model_validate(found) for found in json.loads((folder / FOUND).read_bytes())]


def _environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OMP_NUM_THREADS": "1"}


def _limit_memory(memory_mb: int) -> None:
    """macOS knows no such limit; there the model is tried without one."""
    if sys.platform == "linux":
        most = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _problems(folder: Path) -> list[Problem]:
    """What is wrong with the model in that folder."""
    from triagelens.inference.package import ModelPackage
    from triagelens.inference.parity import parity_problems
    from triagelens.inference.session import LoadedModel
    from triagelens.inference.verify import verify_model

    read = {role: (folder / file).read_bytes() for role, file in _FILES.items() if (folder / file).is_file()}
    package = ModelPackage(model=read["model"], manifest=read["manifest"], head=read.get("head"))
    if problems := verify_model(package):
        return problems
    parity = folder / _PARITY
    return parity_problems(parity.read_bytes(), LoadedModel.open(package)) if parity.is_file() else []


def main(folder: Path, memory_mb: int) -> None:
    """The process itself: tries the model and writes down what it found."""
    _limit_memory(memory_mb)
    try:
        problems = _problems(folder)
    except MemoryError:
        message = f"The model needs more than the {memory_mb} MB that it may have while it is loaded and run."
        problems = [Problem(code="too_much_memory", message=message)]
    (folder / FOUND).write_text(json.dumps([problem.model_dump() for problem in problems]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
