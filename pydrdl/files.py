"""Files that the user gives, read whole; whatever is wrong is an InputError."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydrdl.errors import InputError
from pydrdl.system_errors import reading

CHECK = "check that this is the right file, or convert it to UTF-8"


def read_bytes(
    path: Path, what: str, otherwise: str, *, most: int | None = None
) -> bytes:
    """Reads a regular file.

    Args:
        path: the file.
        what: what it is, such as "the labels".
        otherwise: what to do where it is not there.
        most: bytes that it may have.

    Raises:
        InputError: it cannot be read, is too large, or is a pipe or a device, of
            which reading may have no end.
    """
    with open_bytes(path, what, otherwise) as file:
        size = os.fstat(file.fileno()).st_size
        if most is not None and size > most:
            raise InputError(
                f"cannot read {what}: it has {size:,} bytes, more than {most:,}",
                path,
                "check that this is the right file",
            )
        return file.read()


@contextmanager
def open_bytes(path: Path, what: str, otherwise: str) -> Iterator[BinaryIO]:
    """Opens a regular file to read it piece by piece; see read_bytes.

    Raises:
        InputError: as read_bytes does, while it is open too.
    """
    with reading(what, path, otherwise), open(path, "rb", opener=_at_once) as file:
        if odd := irregular(os.fstat(file.fileno()).st_mode):
            raise InputError(
                f"cannot read {what}: {odd}",
                path,
                "copy what it gives into a file, and name that",
            )
        yield file


def read_text(path: Path, what: str, otherwise: str) -> str:
    """Reads UTF-8 text, with or without a byte order mark; see read_bytes.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
    """
    data = read_bytes(path, what, otherwise)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from error


def not_utf8(path: Path, error: UnicodeDecodeError) -> InputError:
    """The error for a file that is no UTF-8, with the line of its first bad byte."""
    line = 1 + error.object[: error.start].count(b"\n")
    return InputError(
        f"not UTF-8 text: byte {error.object[error.start]:#04x}",
        f"{path}:{line}",
        CHECK,
    )


def irregular(mode: int) -> str:
    """Says what a file's st_mode shows, where that is no regular file; else ""."""
    kinds = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    kind = kinds.get(stat.S_IFMT(mode), "of an unknown kind")
    return "" if stat.S_ISREG(mode) else f"{kind}, no regular file"


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for a pipe's other end."""
    return os.open(path, flags | os.O_NONBLOCK)
