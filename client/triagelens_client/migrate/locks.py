"""One process at a time: a lock on an open file, which ends with the process however that ends."""

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt

    # Far behind what is written: whoever reads the file is not held up.
    _LOCKED_BYTE = 1 << 40

    def lock(file: IO[bytes]) -> None:
        """Takes the file for this process alone, without waiting.

        Raises:
            BlockingIOError: another one has it.
            OSError: it cannot be locked where it lies.
        """
        place = file.tell()
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, error.strerror) from error
        finally:
            file.seek(place)

else:
    import fcntl

    def lock(file: IO[bytes]) -> None:
        """Takes the file for this process alone, without waiting.

        Raises:
            BlockingIOError: another one has it.
            OSError: it cannot be locked where it lies.
        """
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
