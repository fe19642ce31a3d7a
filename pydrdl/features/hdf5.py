"""What an HDF5 file holds, read into memory at once, whatever is in it.

libhdf5 loops for ever on some damaged files, crashes on others, and asks for any
amount of memory. A file that its seal says is whole is read here. Features of before
there were seals and weights from elsewhere must be read all the same: by another
process, and what befalls that only tells that they are damaged.
"""

import fcntl
import io
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from pydrdl import parallel
from pydrdl.errors import InputError
from pydrdl.files import check_seal, open_bytes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAD = 2048 + len(SIGNATURE)
# Bytes of a dataset for each of the file's; compressed ones unfold.
MOST_UNFOLDED = 8
ALWAYS_ALLOWED = 2**20
# Of processor time, so that no slow disk or busy machine counts.
SECONDS = 4
BYTES_A_SECOND = 2**25
SPARE_MEMORY = 2**28
_REFUSED = 3  # exit code


@dataclass(frozen=True)
class Hdf5:
    """Datasets by path, and the root's attributes, by what they are."""

    # Integers and floats.
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # strings, flat
    # Of the root, those that are a string.
    attributes: dict[str, str] = field(default_factory=dict)
    # What the rest is, of datasets and attributes.
    others: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """All of it, as from_bytes reads it."""
        head = [[*self.numbers], self.texts, self.attributes, self.others]
        memory = io.BytesIO()
        np.savez(memory, np.array(json.dumps(head)), *self.numbers.values())
        return memory.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hdf5":
        """What to_bytes gave."""
        with np.load(io.BytesIO(data)) as file:
            head, *arrays = (file[name] for name in file.files)
        names, texts, attributes, others = json.loads(str(head))
        texts = {name: tuple(values) for name, values in texts.items()}
        return cls(dict(zip(names, arrays, strict=True)), texts, attributes, others)


def looks_like_hdf5(start: bytes) -> bool:
    """Whether an HDF5 file begins so, with a user block or not; HEAD bytes tell."""
    return any(start[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


def load_hdf5(
    path: Path, what: str, otherwise: str, again: str, left_out: str = ""
) -> tuple[Hdf5, bool]:
    """Reads a whole HDF5 file; returns whether it has a seal, too.

    Words are as in files.read_bytes; again says what to do where it is damaged. Of a
    file with a seal, one dataset's values may be left out: see read_hdf5.

    Raises:
        InputError: it cannot be read, is no HDF5, cut off or damaged, or another
            process is writing it.
    """
    with open_bytes(path, what, otherwise) as file:
        start = file.read(HEAD)
        locked = _is_locked(file.fileno())
        file.seek(0)
        try:
            has_seal = check_seal(file, what, path, again) is not None
        except InputError:
            if not locked:
                raise
            has_seal = False
    if locked and not has_seal:  # one that is whole may be read all the same
        raise InputError(
            f"cannot read {what}: in use by another process, which writes it",
            path,
            "wait until that has ended",
        )
    if not looks_like_hdf5(start):
        raise InputError(f"cannot read {what}: not HDF5", path, again)
    try:
        if has_seal:
            return read_hdf5(path, left_out), True
        if not start.startswith(SIGNATURE):
            raise ValueError("its head is no seal")
        return _read_apart(path), False
    except ValueError as error:
        # libhdf5's word for a file that is shorter than it says itself.
        cut = "truncated file" in str(error)
        told = "cut off" if cut else f"damaged: {error}"
        raise InputError(f"cannot read {what}: {told}", path, again) from error


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


def read_hdf5(path: Path, left_out: str = "") -> Hdf5:
    """Reads a whole file; no lock is needed, for nothing is written.

    left_out: a dataset of numbers that is not read: zeros without memory stand for it.

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
                    _read_dataset(name, item, most, found, name == left_out)
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


def _read_dataset(
    name: str, dataset: Any, most: int, found: Hdf5, left_out: bool
) -> None:
    kind = dataset.dtype
    if dataset.shape is None or dataset.is_virtual or dataset.external:
        found.others[name] = "data that is not in the file"
    elif dataset.size * kind.itemsize > most:
        raise ValueError(
            f"dataset {name!r} is said to hold {dataset.shape} values, more than fit"
        )
    elif h5py.check_string_dtype(kind) is not None:
        values = dataset.asstr("utf-8")[...]
        found.texts[name] = tuple(map(str, np.ravel(values)))
    elif kind.kind in "fiu" and kind.itemsize <= 8:
        zeros = np.broadcast_to(np.zeros((), kind), dataset.shape)
        found.numbers[name] = zeros if left_out else np.asarray(dataset[...])
    else:
        found.others[name] = str(kind)


def _read_apart(path: Path) -> Hdf5:
    """Reads a file by another process; ValueError where that does not succeed."""
    code = "from pydrdl.features.hdf5 import main; main()"
    done = parallel.python(code, str(path))
    if done.returncode == 0:
        return Hdf5.from_bytes(done.stdout)
    if done.returncode == _REFUSED:
        raise ValueError(done.stdout.decode(errors="replace"))
    if -done.returncode == signal.SIGXCPU:
        raise ValueError("reading it has no end")
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise ValueError(f"libhdf5 fails on it ({name})")
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    raise ValueError(lines[-1] if lines else f"exit code {done.returncode}")


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
    limits = {"CORE": 0, "CPU": seconds, "AS": memory}
    for name, most in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, hard))
