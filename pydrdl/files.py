"""Files that the user gives, read whole; whatever is wrong is an InputError."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from pydrdl.errors import InputError
from pydrdl.system_errors import reading

CHECK = "check that this is the right file, or convert it to UTF-8"


def read_bytes(path: Path, what: str, otherwise: str) -> bytes:
    """Reads a regular file.

    Args:
        path: the file.
        what: what it is, such as "the labels".
        otherwise: what to do where it is not there.

    Raises:
        InputError: it cannot be read, or is a pipe or a device, of which
            reading may have no end.
    """
    with reading(what, path, otherwise), open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise InputError(
                f"cannot read {what}: no regular file",
                path,
                "copy what it gives into a file, and name that",
            )
        return file.read()


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


def read_json(path: Path, what: str, again: str) -> Any:
    """Reads JSON; see read_bytes.

    Args:
        path: the file.
        what: what it is.
        again: what to do where it is not there, or no JSON.

    Raises:
        InputError: it cannot be read, or is no JSON.
    """
    data = read_bytes(path, what, again)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise InputError(f"cannot read {what}: no JSON: {why}", path, again) from error


def not_utf8(path: Path, error: UnicodeDecodeError) -> InputError:
    """The error for a file that is no UTF-8, with the line of its first bad byte."""
    line = 1 + error.object[: error.start].count(b"\n")
    return InputError(
        f"not UTF-8 text: byte {error.object[error.start]:#04x}",
        f"{path}:{line}",
        CHECK,
    )


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for a pipe's other end."""
    return os.open(path, flags | os.O_NONBLOCK)
