"""Files: looked at, read whole, and written so that they appear whole.

Path.exists() and its like raise PermissionError below a folder that may not be
entered, and OSError for a name that is too long; here that is an InputError.

A file is written under the name `.<name>.<process>.part` in the same folder,
synced to disk and renamed. Killed at any moment, a command leaves the file as it
was, and at most such a part, which the next one that writes the file deletes.
A device or a pipe, such as /dev/stdout, is written as it stands: nothing may take
its place.
"""

import errno
import hashlib
import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pydrdl.errors import InputError, cannot_read, number_of, reading, writing

# Nothing is there; as Path.exists() sees it, but for a circle of links.
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_PART = re.compile(r"\.(.+)\.(\d+)\.part", re.DOTALL)
MAX_NAME = 255  # bytes; what file systems take


def exists(path: Path) -> bool:
    """Whether anything is there; InputError where the path cannot be looked at."""
    return _mode(path) is not None


def is_file(path: Path) -> bool:
    """Whether a regular file is there; InputError as in exists()."""
    return stat.S_ISREG(_mode(path) or 0)


def is_folder(path: Path) -> bool:
    """Whether a folder is there; InputError as in exists()."""
    return stat.S_ISDIR(_mode(path) or 0)


def _mode(path: Path) -> int | None:
    """A path's st_mode; None where nothing is there."""
    try:
        return path.stat().st_mode
    except (OSError, UnicodeEncodeError) as error:
        if number_of(error) not in _ABSENT:
            raise cannot_read("a file or folder", path, error, "check it") from error
        return None
    except ValueError:  # a null character, which no name has
        return None


def files_in(folder: Path, pattern: str) -> list[Path]:
    """The paths in a folder that match, such as "*.txt", by name.

    None where there is no such folder; InputError where it cannot be listed.
    """
    if not is_folder(folder):
        return []
    with reading("a folder", folder, "check that it is whole and the path is right"):
        # glob() would find nothing where a folder may not be listed.
        found = list(Path(folder).iterdir())
    return sorted(path for path in found if path.match(pattern))


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
            why = f"cannot read {what}: it has {size:,} bytes, more than {most:,}"
            raise InputError(why, path, "check that this is the right file")
        return file.read()


@contextmanager
def open_bytes(path: Path, what: str, otherwise: str) -> Iterator[BinaryIO]:
    """Opens a regular file to read piece by piece; InputError as in read_bytes."""
    with reading(what, path, otherwise), open(path, "rb", opener=_at_once) as file:
        if odd := irregular(os.fstat(file.fileno()).st_mode):
            advice = "copy what it gives into a file, and name that"
            raise InputError(f"cannot read {what}: {odd}", path, advice)
        yield file


def _at_once(path: str, flags: int) -> int:
    """Opens without waiting for a pipe's other end."""
    return os.open(path, flags | os.O_NONBLOCK)


def read_text(path: Path, what: str, otherwise: str, *encodings: str) -> str:
    """Reads UTF-8 text, or of another encoding where it is none; see read_bytes.

    A byte order mark is left out.

    Raises:
        InputError: it cannot be read, or no encoding fits.
    """
    data = read_bytes(path, what, otherwise)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        for encoding in encodings:
            with suppress(UnicodeDecodeError):
                return data.decode(encoding)
        line = 1 + data[: error.start].count(b"\n")
        raise InputError(
            f"not UTF-8 text: byte {data[error.start]:#04x}",
            f"{path}:{line}",
            "check that this is the right file, or convert it to UTF-8",
        ) from error


def irregular(mode: int) -> str:
    """Says what a file's st_mode shows, where that is no regular file; else ""."""
    kind = _KINDS.get(stat.S_IFMT(mode), "of an unknown kind")
    return "" if stat.S_ISREG(mode) else f"{kind}, no regular file"


def file_sha256(path: Path, what: str = "a file") -> str:
    """SHA-256 of a file's bytes, in hexadecimal; InputError where it is unreadable."""
    with open_bytes(path, what, "check the path") as file:
        content = cast(io.BufferedReader, file)
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives the name to write to; what stands there takes path's when it is whole.

    An exception in the block leaves path as it was. To find the parts of processes
    that are gone, the folder is listed: not for folders of many thousand files.

    Raises:
        OSError: it cannot be written.
    """
    if _stays(path):
        yield path
        return
    with suppress(OSError):  # of the folder, which renamed() tells
        for other in path.parent.iterdir():
            match = _PART.fullmatch(other.name)
            if match and match[1] == _stem(path) and not _lives(int(match[2])):
                other.unlink(missing_ok=True)
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


def write_together(content: Mapping[Path, bytes]) -> None:
    """Writes files that are of use together only: all of them, or none.

    The first stands for them: where others are replaced it is taken away before, and is
    there again last, so that a loss of power never leaves it beside others of before.
    """
    first = next(iter(content))
    with ExitStack() as replaced:  # from the last to the first
        for path, data in content.items():
            replaced.enter_context(whole_file(path)).write_bytes(data)
        if len(content) > 1 and is_file(first):
            first.unlink()


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
    except PermissionError:
        pass  # another user's
    return True


def refuse_existing(path: Path, *, overwrite: bool = False) -> None:
    """Raises InputError where a file to make is there, or has no folder to lie in."""
    if is_folder(path):
        raise InputError("the output is a folder", path, "name a file in it")
    if exists(path) and not overwrite:
        raise InputError("the output exists", path, "delete it, or pass --overwrite")
    if not is_folder(path.parent):
        raise InputError("no such folder", path.parent, "make it, or name another")


def refuse_inputs(outputs: Iterable[Path | None], *inputs: Path | None) -> None:
    """Refuses outputs that would take the place of what they are made from.

    Raises:
        InputError: one is the same file as an input, under whatever name.
    """
    for output in filter(None, outputs):
        for path in filter(None, inputs):
            if is_file(output) and is_file(path) and output.samefile(path):
                what = "the output is what it would be made from"
                raise InputError(what, output, "name another output")


def refuse_no_folder(path: Path, otherwise: str) -> None:
    """Refuses what is no folder.

    Args:
        path: what is to be one.
        otherwise: what to do where it is none.

    Raises:
        InputError: it is a file, or not there.
    """
    if not is_folder(path):
        what = "a file, and no folder" if exists(path) else "no such folder"
        raise InputError(what, path, otherwise)


def refuse_unwritable(path: Path) -> None:
    """Refuses a file to make or replace that cannot be, before anything takes long.

    Raises:
        InputError: it is a folder, or has none to lie in that may be written.
    """
    refuse_existing(path, overwrite=True)
    if not _stays(path):
        with writing("the output", path):
            part = path.with_name(f".{_stem(path)}.{os.getpid()}.part")
            part.touch()
            part.unlink()


def is_device(path: Path) -> bool:
    """Whether a path is a device, a pipe or a stream, of which no name says a kind."""
    return _stays(path)


def write_texts(
    content: Mapping[Path, bytes], what: str, *, overwrite: bool = False
) -> None:
    """Writes files that are often edited by hand, such as "the nets", and folders.

    Files that are there and are the same stay.

    Raises:
        InputError: a file is there and differs, and overwrite does not say to
            replace it, or one cannot be written.
    """
    differing = [
        path
        for path, data in content.items()
        if is_file(path) and read_bytes(path, "an earlier output", "delete it") != data
    ]
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


# The seal of a file: its size and the CRC-32 of its content, in its head.
#
# Caffe writes it into weights and states (caffe_layers/src/whole_file.cpp), pydrdl into
# features. What is cut off or has a byte changed is told from a whole file before
# anything parses it. Other programs skip the head: in HDF5 it is a user block, in a
# protobuf message an unknown field.

BLOCK = 2**20  # bytes read at once


class Seal(NamedTuple):
    """A head: before, the size in 8 bytes, between, the CRC-32 in 4, and zeros."""

    before: bytes
    between: bytes
    length: int

    def head(self, size: int, crc: int) -> bytes:
        """The head of a file of so many bytes, itself included."""
        numbers = struct.pack("<Q", size), struct.pack("<I", crc)
        return (self.before + self.between.join(numbers)).ljust(self.length, b"\0")


PROTO = Seal(b"\xc2\x3e\x0e\x09", b"\x15", 17)
HDF5 = Seal(b"DRDL seal 1\n", b"\n", 512)  # the smallest user block


def sealed(seal: Seal, body: memoryview) -> bytes:
    """The head that goes before a body."""
    return seal.head(seal.length + body.nbytes, zlib.crc32(body))


def check_seal(file: BinaryIO, what: str, where: object, again: str) -> Seal | None:
    """Compares a file, opened at its start, with its seal; words as of read_bytes.

    Returns:
        The kind of its seal; None where it has none.

    Raises:
        InputError: it is cut off or damaged, its seal included; again says what to do.
    """
    start = file.read(max(PROTO.length, HDF5.length))
    seal = next((kind for kind in (PROTO, HDF5) if start.startswith(kind.before)), None)
    if seal is None:
        return None
    size, crc = seal.length, 0
    file.seek(seal.length)
    while block := file.read(BLOCK):
        size, crc = size + len(block), zlib.crc32(block, crc)
    if start[: seal.length] != seal.head(size, crc):
        reason = _difference(seal, start, size)
        raise InputError(f"cannot read {what}: {reason}", where, again)
    return seal


def _difference(seal: Seal, start: bytes, size: int) -> str:
    if len(start) < seal.length:
        return f"cut off: {len(start):,} bytes, not even its head"
    (stated,) = struct.unpack_from("<Q", start, len(seal.before))
    if size < stated:
        return f"cut off: {size:,} bytes of {stated:,}"
    return "damaged: its checksum is another one"
