"""Whether an LMDB can be read at all.

LMDB maps its file and trusts what stands there: a data.mdb that was cut off or
damaged can end the process that reads it with SIGBUS or SIGABRT. So another
process reads it first.
"""

import errno
import os
import resource
import signal
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import lmdb

from pydrdl import children
from pydrdl.errors import InputError
from pydrdl.records.environment import AGAIN, DATA, META_BYTES
from pydrdl.system_errors import cannot_read, number_of, reading, reason

# What is not a matter of the file's content is the system's refusal.
_OF_CONTENT = {0, errno.EBADF, errno.EINVAL}
_BY_DAMAGE = {
    signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV,
}  # fmt: skip
NODE_BYTES = 8  # at least, of a record


@dataclass(frozen=True)
class Walk:
    """How far an LMDB could be read.

    Attributes:
        records: records that were reached.
        damage: why no more could be; empty where all could.
    """

    records: int
    damage: str = ""


def walk(folder: Path) -> Walk:
    """Reads the keys of an LMDB, and each value's ends, in another process.

    Raises:
        InputError: the system does not let it be read.
    """
    entries, damage = look(folder)
    if damage:
        return Walk(0, damage)
    code = "import sys; from pydrdl.records import walk; walk.read(*sys.argv[1:])"
    done = children.python(code, str(folder), str(entries))
    reached = len(done.stdout)
    if done.returncode:
        return Walk(reached, why(done, folder))
    if reached != entries:
        more = "more" if reached > entries else f"{reached:,}"
        return Walk(reached, f"{DATA} counts {entries:,} records; {more} follow")
    return Walk(reached)


def look(folder: Path) -> tuple[int, str]:
    """Looks at an LMDB's head, which can be done without danger.

    Returns:
        How many records it counts, and what is wrong with it, if anything.

    Raises:
        InputError: the system does not let it be read.
    """
    with reading("the LMDB", folder, AGAIN):
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
            raise cannot_read("the LMDB", folder, error, AGAIN) from error
        return 0, f"{DATA} cannot be opened: {reason(error)}"
    wanted, entries = pages * head["psize"], int(head["entries"])
    if size < wanted:
        return 0, f"{DATA} is cut off: it has {size:,} bytes; expected {wanted:,}"
    if entries > size // NODE_BYTES:
        return 0, f"{DATA} is damaged: {size:,} bytes do not hold {entries:,} records"
    return entries, ""


def read(folder: str, entries: str) -> None:
    """Reads an LMDB; writes a byte to stdout for each record.

    Args:
        folder: that it lies in.
        entries: how many records it counts. One more is read at most: a page that
            leads back to an earlier one would have no end.
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


def why(done: "subprocess.CompletedProcess[bytes]", folder: Path) -> str:
    """Why the process that read an LMDB failed.

    Raises:
        InputError: something else than damage ended it.
    """
    if done.returncode < 0:
        ended = signal.Signals(-done.returncode)
        if ended not in _BY_DAMAGE:
            raise InputError(
                f"cannot read the LMDB: {ended.name} ended the process that read it",
                folder,
                "see whether memory ran out, and give the same command again",
            )
        return f"{DATA} is damaged: whoever reads on ends with {ended.name}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"{DATA} is damaged: {lines[-1] if lines else done.returncode}"


def _is_refusal(error: Exception) -> bool:
    """Whether the system refuses, and the file may be whole."""
    number = number_of(error)
    if number == errno.ENOMEM:  # a size that makes no sense, or a limit
        return resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY
    return number not in _OF_CONTENT
