"""What lies at a path; a path that cannot be looked at is an InputError.

Path.exists() and its like raise PermissionError below a folder that may not be
entered, and OSError for a name that is too long.
"""

import errno
import hashlib
import io
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pydrdl.errors import InputError, cannot_read, number_of, reading

# Nothing is there; as Path.exists() sees it, but for a circle of links.
_ABSENT = {errno.ENOENT, errno.ENOTDIR}


def exists(path: Path) -> bool:
    """Whether anything is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    return _look(path) is not None


def is_file(path: Path) -> bool:
    """Whether a regular file is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    found = _look(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: Path) -> bool:
    """Whether a folder is there.

    Raises:
        InputError: the path cannot be looked at.
    """
    found = _look(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def files_in(folder: Path, pattern: str) -> list[Path]:
    """The paths in a folder that match, such as "*.txt", by name.

    None where there is no such folder.

    Raises:
        InputError: the folder cannot be listed.
    """
    if not is_folder(folder):
        return []
    try:
        # glob() would find nothing where a folder may not be listed.
        found = list(Path(folder).iterdir())
    except OSError as error:
        raise cannot_read(
            "a folder", folder, error, "check that it is whole and the path is right"
        ) from error
    return sorted(path for path in found if path.match(pattern))


def _look(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, UnicodeEncodeError) as error:
        if number_of(error) not in _ABSENT:
            raise cannot_read("a file or folder", path, error, "check it") from error
        return None
    except ValueError:  # a null character, which no name has
        return None


# Files that the user gives, read whole; whatever is wrong is an InputError.


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


# Whether two files are the same one.


def file_sha256(path: Path, what: str = "a file") -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    with open_bytes(path, what, "check the path") as file:
        content = cast(io.BufferedReader, file)
        return hashlib.file_digest(content, "sha256").hexdigest()


# The seal of a file: its size and the CRC-32 of its content, in its head.
#
# Caffe writes it into weights and states (caffe_layers/src/whole_file.cpp), pydrdl
# into features. What is cut off or has a byte changed is told from a whole file
# before anything parses it. Other programs skip the head: in HDF5 it is a user block,
# in a protobuf message an unknown field.


BLOCK = 2**20  # bytes read at once


class Form(NamedTuple):
    """Where the two numbers stand in a head.

    Attributes:
        before: what it begins with; the size follows, 8 bytes.
        between: what comes before the CRC-32, 4 bytes.
        length: of the head, filled up with zeros.
    """

    before: bytes
    between: bytes
    length: int

    def head(self, size: int, crc: int) -> bytes:
        """The head of a file of so many bytes, itself included."""
        numbers = struct.pack("<Q", size), struct.pack("<I", crc)
        return (self.before + self.between.join(numbers)).ljust(self.length, b"\0")


PROTO = Form(b"\xc2\x3e\x0e\x09", b"\x15", 17)
HDF5 = Form(b"DRDL seal 1\n", b"\n", 512)  # the smallest user block


def sealed(form: Form, body: memoryview) -> bytes:
    """The head that goes before a body."""
    return form.head(form.length + body.nbytes, zlib.crc32(body))


def check_seal(file: BinaryIO, what: str, where: object, again: str) -> Form | None:
    """Compares a file with its seal.

    Args:
        file: opened for reading, at its start.
        what: what it is, such as "the features".
        where: its path, for messages.
        again: what to do about damage.

    Returns:
        The form of its seal; None where it has none.

    Raises:
        InputError: it is cut off or damaged, its seal included.
    """
    start = file.read(max(PROTO.length, HDF5.length))
    for form in (PROTO, HDF5):
        if not start.startswith(form.before):
            continue
        size, crc = form.length, 0
        file.seek(form.length)
        while block := file.read(BLOCK):
            size, crc = size + len(block), zlib.crc32(block, crc)
        if start[: form.length] != form.head(size, crc):
            reason = _difference(form, start, size)
            raise InputError(f"cannot read {what}: {reason}", where, again)
        return form
    return None


def _difference(form: Form, start: bytes, size: int) -> str:
    """What is wrong with a file of such a start and size."""
    if len(start) < form.length:
        return f"cut off: {len(start):,} bytes, not even its head"
    (stated,) = struct.unpack_from("<Q", start, len(form.before))
    if size < stated:
        return f"cut off: {size:,} bytes of {stated:,}"
    return "damaged: its checksum is another one"
