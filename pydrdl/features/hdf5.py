"""What an HDF5 file holds, read into memory at once."""

import fcntl
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from pydrdl import parallel
from pydrdl.errors import InputError
from pydrdl.files import open_bytes
from pydrdl.seal import check_seal

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAD = 2048 + len(SIGNATURE)
# Bytes of a dataset for each of the file's; compressed ones unfold.
MOST_UNFOLDED = 8
ALWAYS_ALLOWED = 2**20


@dataclass(frozen=True)
class Hdf5:
    """Datasets by path, and the root's attributes, by what they are.

    Attributes:
        numbers: integers and floats.
        texts: strings, flat.
        attributes: of the root, those that are a string.
        others: what the rest is, of datasets and attributes.
    """

    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """All of it, as from_bytes reads it."""
        head = {
            "numbers": [(n, a.dtype.str, a.shape) for n, a in self.numbers.items()],
            "texts": self.texts,
            "attributes": self.attributes,
            "others": self.others,
        }
        arrays = (np.ascontiguousarray(a).tobytes() for a in self.numbers.values())
        return b"".join([json.dumps(head).encode(), b"\n", *arrays])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hdf5":
        """Reads what to_bytes gives.

        Raises:
            ValueError: it is something else.
        """
        place = data.index(b"\n") + 1
        head = json.loads(data[:place])
        numbers = {}
        for name, kind, shape in head["numbers"]:
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(data, kind, count, place).reshape(shape).copy()
            numbers[name], place = array, place + array.nbytes
        texts = {name: tuple(values) for name, values in head["texts"].items()}
        return cls(numbers, texts, head["attributes"], head["others"])


def looks_like_hdf5(start: bytes) -> bool:
    """Whether an HDF5 file begins so, with a user block or not; HEAD bytes tell."""
    return any(start[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


def read_hdf5(path: Path) -> Hdf5:
    """Reads a whole file; no lock is needed, for nothing is written.

    Where the file is damaged, libhdf5 may crash or never end: see hdf5_apart.

    Raises:
        ValueError: it cannot be read.
        MemoryError: it is too large.
    """
    found = Hdf5()
    try:
        most = max(ALWAYS_ALLOWED, MOST_UNFOLDED * path.stat().st_size)
        with h5py.File(path, "r", locking=False) as file:
            items: list[tuple[str, Any]] = []
            file.visititems(lambda name, item: items.append((name, item)))
            for name, item in items:
                if isinstance(item, h5py.Dataset):
                    _read_dataset(name, item, most, found)
            for name, value in file.attrs.items():
                if isinstance(value, str):
                    found.attributes[name] = value
                else:
                    found.others[name] = type(value).__name__
    except MemoryError:
        raise
    except Exception as error:  # h5py raises nearly every kind
        first = (str(error).splitlines() or [""])[0]
        raise ValueError(first or type(error).__name__) from error
    return found


def _read_dataset(name: str, dataset: Any, most: int, found: Hdf5) -> None:
    text = h5py.check_string_dtype(dataset.dtype)
    if dataset.shape is None or dataset.is_virtual or dataset.external:
        found.others[name] = "data that is not in the file"
    elif dataset.size * dataset.dtype.itemsize > most:
        raise ValueError(
            f"dataset {name!r} is said to hold {dataset.shape} values, more than fit"
        )
    elif text is not None:
        values = dataset.asstr("utf-8")[...]
        found.texts[name] = tuple(map(str, np.ravel(values)))
    elif dataset.dtype.kind in "fiu" and dataset.dtype.itemsize <= 8:
        found.numbers[name] = np.asarray(dataset[...])
    else:
        found.others[name] = str(dataset.dtype)


# HDF5 files from outside: whole by their seal, or read by another process.
#
# libhdf5 loops for ever on some damaged files, crashes on others, and asks for any
# amount of memory. Features of before there were seals and weights from elsewhere must
# be read all the same: what befalls the other process only tells that they are damaged.


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
    code = "from pydrdl.features.hdf5 import main; main()"
    done = parallel.python(code, str(path))
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
