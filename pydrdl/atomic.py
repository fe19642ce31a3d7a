"""Files that appear, or are replaced, only when they are whole.

A file is written under the name `.<name>.<process>.part` in the same folder,
synced to disk and renamed. Killed at any moment, a command leaves the file as it
was, and at most such a part, which the next one that writes the file deletes.
(To find it, the folder is listed: not for folders of many thousand files.)

A device or a pipe, such as /dev/stdout, is written as it stands: nothing may take
its place.
"""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pydrdl import files
from pydrdl.errors import InputError, writing

MAX_NAME = 255  # bytes; what file systems take
_PART = re.compile(r"\.(.+)\.(\d+)\.part", re.DOTALL)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name to write to; what stands there takes path's when it is whole.

    An exception in the block leaves path as it was.

    Args:
        path: the file to make or replace.

    Raises:
        OSError: it cannot be written.
    """
    if _stays(path):
        yield path
        return
    _delete_parts_of_the_dead(path)
    with renamed(path) as part:
        yield part
        sync(part)
    # Some network file systems cannot sync a folder; the file itself is safe.
    with suppress(OSError):
        sync(path.parent)


@contextmanager
def renamed(path: Path) -> Iterator[Path]:
    """As whole_file, for one of many thousand files that can be made again.

    Nothing is synced: a loss of power may leave it empty. The parts that killed
    processes leave are for the folder's maker to delete.

    Args:
        path: the file to make or replace.

    Raises:
        OSError: it cannot be written.
    """
    if path.is_dir():  # which renaming would tell of the part
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(f".{_stem(path)}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file at once, as whole_file does."""
    with whole_file(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text at once, as whole_file does."""
    write_bytes(path, text.encode())


def sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def final_name(name: str) -> str:
    """The name of the file that a part is for; any other name unchanged."""
    match = _PART.fullmatch(name)
    return match[1] if match else name


def _delete_parts_of_the_dead(path: Path) -> None:
    """Deletes parts of this file whose process is gone."""
    with suppress(OSError):  # of the folder, which the caller reports
        for other in path.parent.iterdir():
            match = _PART.fullmatch(other.name)
            if match and match[1] == _stem(path) and not _lives(int(match[2])):
                other.unlink(missing_ok=True)


def _stem(path: Path) -> str:
    """What a part is called by: the file's name, where that leaves room."""
    name = os.fsencode(path.name)
    if len(name) + len(f"..{2**22}.part") <= MAX_NAME:
        return path.name
    return hashlib.sha256(name).hexdigest()


def _stays(path: Path) -> bool:
    """Whether a path is a device, a pipe or a stream of this process."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    if str(path.absolute()).startswith(("/dev/fd/", "/dev/std", "/proc/")):
        return True
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


# What stands at an output already is replaced only where --overwrite says so.


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Refuses a file to make that is there, or has no folder to lie in.

    Args:
        path: the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        InputError: as said.
    """
    if files.is_folder(path):
        raise InputError("the output is a folder", path, "name a file in it")
    if files.exists(path) and not overwrite:
        raise InputError("the output exists", path, "delete it, or pass --overwrite")
    if not files.is_folder(path.parent):
        raise InputError("no such folder", path.parent, "make it, or name another")


def write_texts(
    content: Mapping[Path, bytes], what: str, *, overwrite: bool = False
) -> None:
    """Writes files that are often edited by hand, and the folders that they lie in.

    Files that are there and are the same stay.

    Args:
        content: of each file.
        what: they are, such as "the nets".
        overwrite: replace files that differ.

    Raises:
        InputError: a file is there and differs, or cannot be written.
    """
    differing = [path for path, data in content.items() if _differs(path, data)]
    if differing and not overwrite:
        raise InputError(
            f"{len(differing)} of the {len(content)} files to write are there and "
            "differ, as where they were edited",
            differing[0],
            "pass --overwrite to replace them, or name another output",
        )
    for path, data in content.items():
        with writing(what, path):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(path, data)


def _differs(path: Path, data: bytes) -> bool:
    if not files.is_file(path):
        return False
    return files.read_bytes(path, "an earlier output", "delete it") != data
