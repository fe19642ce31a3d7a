"""LMDBs, opened, written and read so that a fault of the system is told.

LMDB maps lock.mdb and touches it: on a full disk that ends the process with
SIGBUS. Whatever cuts a write short it calls "Input/output error". And it trusts what
stands in its file: a data.mdb that was cut off or damaged can end the process that
reads it, so that another process reads it first.
"""

import errno
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import lmdb

from pydrdl import errors, parallel

DATA, LOCK = "data.mdb", "lock.mdb"
LOCK_BYTES = 8192  # for the 126 readers that LMDB has room for by default
META_BYTES = 8192  # of the two pages that any data.mdb begins with
NODE_BYTES = 8  # at least, of a record
AGAIN = "build the LMDB again with tools/build_lmdb.py"
# What is not a matter of the file's content is the system's refusal.
_OF_CONTENT = {0, errno.EBADF, errno.EINVAL}
_BY_DAMAGE = {"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV"}


@contextmanager
def to_read(folder: Path) -> Iterator[lmdb.Environment]:
    """Opens an LMDB that nobody writes; InputError where that cannot be."""
    with errors.reading("the LMDB", folder, AGAIN):
        # Bytes, for names that are not UTF-8.
        environment = lmdb.open(os.fsencode(folder), readonly=True, lock=False)
    with environment:
        yield environment


@contextmanager
def to_write(folder: Path, map_size: int) -> Iterator[lmdb.Environment]:
    """Opens an LMDB to write, or makes it with a map of so many bytes.

    Raises:
        InputError: it cannot be opened or made; see committing() too.
    """
    with errors.writing("the LMDB", folder):
        with (folder / LOCK).open("ab") as lock:
            os.posix_fallocate(lock.fileno(), 0, LOCK_BYTES)
        # In what a kill cut off at its start nothing can have been committed.
        if (data := folder / DATA).exists() and data.stat().st_size < META_BYTES:
            data.unlink()
    with committing(folder, META_BYTES):
        # lock.mdb is needed: Caffe's reader opens the folder with it.
        environment = lmdb.open(os.fsencode(folder), map_size=map_size)
    with environment:
        yield environment


@contextmanager
def committing(folder: Path, size: int) -> Iterator[None]:
    """Tells why a transaction of about so many bytes could not be written.

    A map that is full is for the block to enlarge: lmdb.MapFullError passes.

    Raises:
        InputError: no room, say. What was committed before is safe.
    """
    try:
        yield
    except lmdb.MapFullError:
        raise
    except (lmdb.Error, OSError) as error:
        cause: BaseException = error
        if errors.number_of(error) == errno.EIO:
            cause = _why_no_more(folder, size) or error
        raise errors.cannot_write("the LMDB", folder, cause) from error


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


class Walk(NamedTuple):
    """How many records of an LMDB could be reached, and why no more; "" for all."""

    records: int
    damage: str = ""


def walk(folder: Path) -> Walk:
    """Reads the keys of an LMDB, and each value's ends, in another process.

    InputError where the system does not let it be read.
    """
    entries, damage = look(folder)
    if damage:
        return Walk(0, damage)
    reached, damage = elsewhere(read, folder, str(entries))
    records = len(reached)
    if not damage and records != entries:
        more = "more" if records > entries else f"{records:,}"
        damage = f"{DATA} counts {entries:,} records; {more} follow"
    return Walk(records, damage)


def elsewhere(
    function: Callable[..., None], folder: Path, *words: str
) -> tuple[bytes, str]:
    """What a function prints of an LMDB in another process; how damage ended that.

    Raises:
        InputError: something else than damage ended it.
    """
    module, name = function.__module__, function.__name__
    code = f"import sys; from {module} import {name} as f; f(*sys.argv[1:])"
    done = parallel.python(code, str(folder), *words)
    if done.returncode == 0:
        return done.stdout, ""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    why = lines[-1] if lines else str(done.returncode)
    if done.returncode < 0:
        ended = signal.Signals(-done.returncode).name
        if ended not in _BY_DAMAGE:
            raise errors.InputError(
                f"cannot read the LMDB: {ended} ended the process that read it",
                folder,
                "see whether memory ran out, and give the same command again",
            )
        why = f"whoever reads on ends with {ended}"
    return done.stdout, f"{DATA} is damaged: {why}"


def look(folder: Path) -> tuple[int, str]:
    """Looks at an LMDB's head, which can be done without danger.

    Returns:
        How many records it counts, and what is wrong with it, if anything.

    Raises:
        InputError: the system does not let it be read.
    """
    with errors.reading("the LMDB", folder, AGAIN):
        found = (Path(folder) / DATA).stat()
    size = found.st_size
    if not stat.S_ISREG(found.st_mode):
        return 0, f"{DATA} is no regular file"
    if size < META_BYTES:
        return 0, f"{DATA} is cut off: it has {size:,} bytes"
    try:
        with lmdb.open(os.fsencode(folder), readonly=True, lock=False) as environment:
            pages, head = environment.info()["last_pgno"] + 1, environment.stat()
    except (lmdb.Error, OSError) as error:
        if _is_refusal(error):
            raise errors.cannot_read("the LMDB", folder, error, AGAIN) from error
        return 0, f"{DATA} cannot be opened: {errors.reason(error)}"
    wanted, entries = pages * head["psize"], int(head["entries"])
    if size < wanted:
        return 0, f"{DATA} is cut off: it has {size:,} bytes; expected {wanted:,}"
    if entries > size // NODE_BYTES:
        return 0, f"{DATA} is damaged: {size:,} bytes do not hold {entries:,} records"
    return entries, ""


def read(folder: str, entries: str) -> None:
    """Reads an LMDB of so many records; writes a byte to stdout for each.

    One more is read at most: a page that leads back to an earlier one would have no
    end.
    """
    left = int(entries) + 1
    with (
        lmdb.open(os.fsencode(folder), readonly=True, lock=False) as environment,
        environment.begin(buffers=True) as transaction,
    ):
        for key, value in transaction.cursor():
            # What lies between lies in the file too; only the ends may not.
            bytes(key), bytes(value[:1]), bytes(value[-1:])
            os.write(1, b".")
            left -= 1
            if left == 0:
                break


def _is_refusal(error: Exception) -> bool:
    """Whether the system refuses, and the file may be whole."""
    number = errors.number_of(error)
    if number == errno.ENOMEM:  # a size that makes no sense, or a limit
        return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    return number not in _OF_CONTENT
