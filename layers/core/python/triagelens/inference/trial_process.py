"""`python -m triagelens.inference.trial_process FOLDER MEMORY_MB`: tries the model in that folder.

What it finds it writes down there; an exit status other than 0 says that it found nothing out.
"""

import json
import resource
import sys
from pathlib import Path

from triagelens.domain.models import Problem
from triagelens.inference.package import ModelPackage
from triagelens.inference.parity import parity_problems
from triagelens.inference.session import LoadedModel
from triagelens.inference.trial import FILES, FOUND, PARITY
from triagelens.inference.verify import verify_model


def main(folder: Path, memory_mb: int) -> None:
    """Our own libraries are loaded by now; from here on the model is what takes memory."""
    _limit_memory(memory_mb)
    try:
        problems = _problems(folder)
    except MemoryError:
        message = f"The model needs more than the {memory_mb} MB that it may have while it is loaded and run."
        problems = [Problem(code="too_much_memory", message=message)]
    (folder / FOUND).write_text(json.dumps([problem.model_dump() for problem in problems]))


def _limit_memory(memory_mb: int) -> None:
    """Of the address space. macOS knows no such limit; there the model is tried without one."""
    if sys.platform == "linux":
        most = memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _problems(folder: Path) -> list[Problem]:
    read = {role: (folder / file).read_bytes() for role, file in FILES.items() if (folder / file).is_file()}
    package = ModelPackage(model=read["model"], manifest=read["manifest"], head=read.get("head"))
    if problems := verify_model(package):
        return problems
    parity = folder / PARITY
    return parity_problems(parity.read_bytes(), LoadedModel.open(package)) if parity.is_file() else []


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
