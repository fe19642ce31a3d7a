"""Whether an LMDB can be read at all.

LMDB maps its file and trusts what stands there: a data.mdb that was cut off or
damaged can end the process that reads it with SIGBUS or SIGABRT. So another
process reads it first.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import lmdb


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
    """Reads the keys of an LMDB, and each value's ends, in another process."""
    data = Path(folder) / "data.mdb"
    try:
        with lmdb.open(str(folder), readonly=True, lock=False) as environment:
            entries = environment.stat()["entries"]
            pages, page = environment.info()["last_pgno"] + 1, environment.stat()
        wanted, size = pages * page["psize"], data.stat().st_size
    except (lmdb.Error, OSError) as error:
        return Walk(0, f"data.mdb cannot be opened: {error}")
    if size < wanted:
        return Walk(
            0, f"data.mdb is cut off: it has {size:,} bytes; expected {wanted:,}"
        )
    code = "import sys; from pydrdl.records import walk; walk.read(sys.argv[1])"
    command = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    reached = len(done.stdout)
    if done.returncode:
        return Walk(reached, _why(done))
    if reached != entries:
        return Walk(reached, f"data.mdb counts {entries:,} records; {reached:,} follow")
    return Walk(reached)


def read(folder: str) -> None:
    """Reads all of an LMDB; writes a byte to stdout for each record."""
    with (
        lmdb.open(folder, readonly=True, lock=False) as environment,
        environment.begin(buffers=True) as transaction,
    ):
        for key, value in transaction.cursor():
            # What lies between lies in the file too; only the ends may not.
            bytes(key), bytes(value[:1]), bytes(value[-1:])
            os.write(1, b".")


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"data.mdb is damaged: whoever reads on ends with {name}"
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return f"data.mdb is damaged: {lines[-1] if lines else done.returncode}"
