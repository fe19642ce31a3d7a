"""HDF5 files from outside: whole by their seal, or read by another process.

libhdf5 loops for ever on some damaged files, crashes on others, and asks for any
amount of memory. Features of before there were seals and weights from elsewhere must
be read all the same: what befalls the other process only tells that they are damaged.
"""

import fcntl
import os
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from pydrdl import children
from pydrdl.errors import InputError
from pydrdl.features.hdf5 import (
    HEAD,
    MOST_UNFOLDED,
    SIGNATURE,
    Hdf5,
    looks_like_hdf5,
    read_hdf5,
)
from pydrdl.files import open_bytes
from pydrdl.seal import check_seal

# Of processor time, so that no slow disk or busy machine counts.
SECONDS = 4
BYTES_A_SECOND = 2**25
SPARE_MEMORY = 2**28
_REFUSED = 3  # exit code


def load_hdf5(path: Path, what: str, otherwise: str, again: str) -> tuple[Hdf5, bool]:
    """Reads a whole HDF5 file, whatever is in it.

    Args:
        path: the file.
        what: what it is, such as "the features".
        otherwise: what to do where it is not there.
        again: what to do where it is damaged.

    Returns:
        What it holds, and whether it has a seal.

    Raises:
        InputError: it cannot be read, is no HDF5, cut off or damaged, or another
            process is writing it.
    """
    with open_bytes(path, what, otherwise) as file:
        start = file.read(HEAD)
        if _is_locked(file.fileno()) and not _is_whole(file):
            raise InputError(
                f"cannot read {what}: in use by another process, which writes it",
                path,
                "wait until that has ended",
            )
        file.seek(0)
        has_seal = check_seal(file, what, path, again) is not None
    if not looks_like_hdf5(start):
        raise InputError(f"cannot read {what}: not HDF5", path, again)
    if has_seal:
        try:
            return read_hdf5(path), True
        except ValueError as error:
            raise _damaged(what, path, str(error), again) from error
    if not start.startswith(SIGNATURE):
        raise _damaged(what, path, "its head is no seal", again)
    return _read_apart(path, what, again), False


def _is_locked(descriptor: int) -> bool:
    """Whether another process has a lock for writing, as libhdf5 takes one."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    return False


def _is_whole(file: BinaryIO) -> bool:
    """Whether a seal says so."""
    file.seek(0)
    try:
        return check_seal(file, "", "", "") is not None
    except InputError:
        return False


def _read_apart(path: Path, what: str, again: str) -> Hdf5:
    """Reads a file by another process."""
    code = "from pydrdl.features.hdf5_apart import main; main()"
    done = children.python(code, str(path))
    if done.returncode == 0:
        return Hdf5.from_bytes(done.stdout)
    if done.returncode == _REFUSED:
        reason = done.stdout.decode(errors="replace")
    elif -done.returncode == signal.SIGXCPU:
        reason = "reading it has no end"
    elif done.returncode < 0:
        reason = f"libhdf5 fails on it ({signal.Signals(-done.returncode).name})"
    else:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit code {done.returncode}"
    raise _damaged(what, path, reason, again)


def _damaged(what: str, path: Path, reason: str, again: str) -> InputError:
    # libhdf5's word for a file that is shorter than it says itself.
    told = "cut off" if "truncated file" in reason else f"damaged: {reason}"
    return InputError(f"cannot read {what}: {told}", path, again)


def main() -> None:
    """The other process: writes what the file holds to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    path = Path(sys.argv[1])
    _limit(path.stat().st_size)
    code = _REFUSED
    try:
        data, code = read_hdf5(path).to_bytes(), 0
    except MemoryError:
        data = b"more memory is asked for than the file can fill"
    except ValueError as error:
        data = str(error).encode(errors="replace")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    # What libhdf5 has left behind is not to be cleared away.
    os._exit(code)


def _limit(size: int) -> None:
    """Limits processor time and memory, beyond what is used, by the file's size."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(usage.ru_utime + usage.ru_stime) + SECONDS + size // BYTES_A_SECOND
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + SPARE_MEMORY + 4 * MOST_UNFOLDED * size
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, memory),
    ):
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, hard))
