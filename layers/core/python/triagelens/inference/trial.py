"""Try a model in a process of its own: with little memory, little time, and no credentials.

What a file can do to the one who loads it (crash it, exhaust it, hang it) it does in `trial_process`, and
the registrar reads what came of it.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from triagelens.domain.models import Problem

if TYPE_CHECKING:
    from triagelens.inference.package import ModelPackage

FOUND = "problems.json"
FILES = {"model": "model.onnx", "manifest": "manifest.json", "head": "head.npy"}
PARITY = "parity.json"
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
        for role, file in FILES.items():
            if (data := getattr(package, role)) is not None:
                (folder / file).write_bytes(data)
        if parity is not None:
            (folder / PARITY).write_bytes(parity)
        command = [sys.executable, "-m", "triagelens.inference.trial_process", name, str(memory_mb)]
        try:
            done = subprocess.run(
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
