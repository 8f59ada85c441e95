"""Files that are whole or not there: written beside their place, then moved into it."""

import os
import threading
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, making its folder; a reader or a crash never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
