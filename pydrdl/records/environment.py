"""LMDBs, opened and written so that a fault of the system is told.

LMDB maps lock.mdb and touches it: on a full disk that ends the process with
SIGBUS. And whatever cuts a write short it calls "Input/output error".
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from pydrdl.system_errors import cannot_write, number_of, reading, writing

DATA, LOCK = "data.mdb", "lock.mdb"
LOCK_BYTES = 8192  # for the 126 readers that LMDB has room for by default
META_BYTES = 8192  # of the two pages that any data.mdb begins with
AGAIN = "build the LMDB again with tools/build_lmdb.py"


@contextmanager
def to_read(folder: Path) -> Iterator[lmdb.Environment]:
    """Opens an LMDB that nobody writes.

    Raises:
        InputError: it cannot be opened.
    """
    with reading("the LMDB", folder, AGAIN):
        # Bytes, for names that are not UTF-8.
        environment = lmdb.open(os.fsencode(folder), readonly=True, lock=False)
    with environment:
        yield environment


@contextmanager
def to_write(folder: Path, map_size: int) -> Iterator[lmdb.Environment]:
    """Opens an LMDB to write, or makes it; see committing().

    Args:
        folder: that it lies in, or is to.
        map_size: LMDB's first, in bytes.

    Raises:
        InputError: it cannot be opened or made.
    """
    with writing("the LMDB", folder):
        with (folder / LOCK).open("ab") as lock:
            os.posix_fallocate(lock.fileno(), 0, LOCK_BYTES)
        if _is_cut_off_at_its_start(folder / DATA):
            (folder / DATA).unlink()
    with _told(folder, META_BYTES):
        # lock.mdb is needed: Caffe's reader opens the folder with it.
        environment = lmdb.open(os.fsencode(folder), map_size=map_size)
    with environment:
        yield environment


@contextmanager
def committing(folder: Path, size: int) -> Iterator[None]:
    """Tells why a transaction in its block could not be written.

    A map that is full is for the block to enlarge: lmdb.MapFullError passes.

    Args:
        folder: that the LMDB lies in.
        size: bytes that the transaction adds, about.

    Raises:
        InputError: no room, say. What was committed before is safe.
    """
    with _told(folder, size):
        yield


@contextmanager
def _told(folder: Path, size: int) -> Iterator[None]:
    try:
        yield
    except lmdb.MapFullError:
        raise
    except (lmdb.Error, OSError) as error:
        cause: BaseException = error
        if number_of(error) == errno.EIO:
            cause = _why_no_more(folder, size) or error
        raise cannot_write("the LMDB", folder, cause) from error


def _why_no_more(folder: Path, size: int) -> OSError | None:
    """Why a file of the folder cannot become as much longer; None where it can."""
    probe = folder / f".{DATA}.{os.getpid()}.part"  # a name that is cleared away
    try:
        # Where the limit is on a file's size, it counts from the file's start.
        end = (folder / DATA).stat().st_size
        with probe.open("wb") as file:
            file.seek(end)
            file.write(bytes(size))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    finally:
        probe.unlink(missing_ok=True)
    return None


def _is_cut_off_at_its_start(data: Path) -> bool:
    """Whether a kill left a data.mdb in which nothing can have been committed."""
    try:
        return data.stat().st_size < META_BYTES
    except FileNotFoundError:
        return False
