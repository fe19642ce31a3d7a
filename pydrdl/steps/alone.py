"""One chain at a time in a folder."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.system_errors import cannot_write, writing

LOCK_TRIES = 20  # ten a second


@contextlib.contextmanager
def alone(work: Path) -> Iterator[None]:
    """Holds the folder for this process and the steps' commands, however they end.

    The commands inherit the lock: one that outlives a killed chain still writes to
    its output, and another chain must not do so beside it.
    """
    with writing("the folder to work in", work):
        work.mkdir(parents=True, exist_ok=True)
        # Whose it is, is for whoever looks: on a full disk it stays empty.
        file = (work / ".lock").open("w", buffering=1)
    with file:
        try:
            _lock(file.fileno())
        except BlockingIOError as error:
            raise InputError(
                "another command works in this folder",
                work,
                "wait until it has ended (of a chain that was killed, a step may "
                "still run), or choose another folder",
            ) from error
        except OSError as error:  # a file system without locks
            raise cannot_write("the folder to work in", work, error) from error
        os.set_inheritable(file.fileno(), True)
        with contextlib.suppress(OSError):
            file.write(f"{os.getpid()}\n")
        yield


def _lock(file: int) -> None:
    """Takes a lock; a moment later where a command that was killed still ends."""
    for left in reversed(range(LOCK_TRIES)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if left == 0:
                raise
        time.sleep(0.1)
