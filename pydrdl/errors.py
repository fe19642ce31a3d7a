"""The one way in which this package refuses bad input."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final


class InputError(Exception):
    """Something the user gave is wrong: a path, a list, an image.

    Args:
        what: one line that says what is wrong, with numbers.
        where: the file, line, record or option.
        next_step: what to do about it.
    """

    def __init__(self, what: str, where: object, next_step: str) -> None:
        self.what, self.where, self.next_step = what, str(where), next_step
        super().__init__(f"{what}\n  where: {where}\n  next: {next_step}")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        """As it is handed from one process to another."""
        return type(self), (self.what, self.where, self.next_step)


# C0 but for tab and line feed, DEL and C1; the two separators that break lines;
# marks that turn the direction of writing; halves of surrogate pairs, which
# stand for bytes of names that are not UTF-8.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with every control character and surrogate as Python writes it.

    Names of files, lines of lists and logs may hold escape sequences, which would
    move the cursor, recolour or rewrite what a terminal shows.
    """
    return _UNFIT.sub(lambda match: repr(match[0])[1:-1], text)


def is_visible(text: str) -> bool:
    """Whether visible() leaves the text as it is."""
    return _UNFIT.search(text) is None


def shortened(text: str, most: int = 4000) -> str:
    """The text, or its beginning and end where it is longer."""
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ... {text[-most // 4 :]} ({len(text):,} characters)"


# What helps against an error of the system depends on its reason: on a full disk
# nothing needs to be built again. Readers and writers of files go through reading()
# and writing(), which know what the file is; what they did not foresee, explain()
# tells as a last resort.
_IO: Final = "the disk or its network answers with errors (see dmesg)"

# What helps when a file was to be written.
_WRITING: Final[Mapping[int, str]] = {
    errno.ENOSPC: "make room on its file system (df shows it), then give the same "
    "command again",
    errno.EDQUOT: "your quota there is used up: delete files of yours, or name "
    "another file system, then give the same command again",
    errno.EFBIG: "files may not grow as large there: raise the limit (ulimit -f), "
    "or name another file system",
    errno.EROFS: "that file system is read-only: name a folder on another",
    errno.EACCES: "you may not write there: name a folder of yours, or have its "
    "permissions changed (ls -ld shows them)",
    errno.ENOENT: "a folder of this path is missing: make it, or name another",
    errno.ENOTDIR: "a part of this path is a file and no folder: name another",
    errno.EISDIR: "that is a folder: name a file in it",
    errno.EEXIST: "something of this name is there: delete it, or name another",
    errno.EXDEV: "another file system is mounted there: name a folder in it",
    errno.EIO: f"{_IO}: name another file system",
    errno.ENOLCK: "that file system has no locks: name a folder on a local disk",
    errno.ENOTSUP: "that file system cannot do this: name a folder on a local disk",
    errno.EINVAL: "that file system does not take this: name another",
}
# The same when one was to be read.
_READING: Final[Mapping[int, str]] = {
    errno.EACCES: "you may not read it: have its permissions changed, or those of "
    "the folders above it (ls -ld shows them)",
    errno.ENOTDIR: "a part of this path is a file and no folder: check the path",
    errno.EISDIR: "that is a folder: name a file",
    errno.EIO: f"{_IO}: get the file from elsewhere",
    errno.ENOLCK: "that file system has no locks: copy the file to a local disk",
    errno.ENOTSUP: "that file system cannot do this: copy the file to a local disk",
}
# And whatever was to be done.
_ALWAYS: Final[Mapping[int, str]] = {
    errno.ENAMETOOLONG: "no file can have so long a name: check it, or shorten it",
    errno.ELOOP: "its symbolic links lead in a circle: mend them",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n), or give fewer "
    "--workers",
    errno.EAGAIN: "another process has it in use: wait until that has ended",
    errno.ENOMEM: "end other processes, raise the limit (ulimit -v), or let fewer "
    "things be done at a time (--workers, --batch, --jobs)",
    errno.EILSEQ: "that file system does not take such a name: rename it",
}
# Reasons for which the same helps.
_ALIKE: Final[Mapping[int, int]] = {
    errno.EPERM: errno.EACCES,
    errno.ENOTEMPTY: errno.EEXIST,
    errno.ENFILE: errno.EMFILE,
    errno.EBUSY: errno.EAGAIN,
    errno.ETXTBSY: errno.EAGAIN,
    errno.EDEADLK: errno.EAGAIN,
    errno.ENXIO: errno.EIO,
    errno.EREMOTEIO: errno.EIO,
    errno.ESTALE: errno.EIO,
    errno.ETIMEDOUT: errno.EIO,
    errno.ENOTCONN: errno.EIO,
    errno.EHOSTDOWN: errno.EIO,
    errno.ENODEV: errno.ENOTSUP,
    errno.ENOSYS: errno.ENOTSUP,
}
# HDF5 gives its errors no number of their own.
_HDF5 = re.compile(r"errno = (\d+)")


def number_of(error: BaseException) -> int:
    """The system's number of an error, also of LMDB's and HDF5's; 0 without one."""
    for name in ("errno", "code"):  # OSError, lmdb.Error
        number = getattr(error, name, None)
        if isinstance(number, int) and number > 0:
            return number
    found = _HDF5.search(str(error)) if isinstance(error, OSError) else None
    return int(found[1]) if found else 0


def reason(error: BaseException) -> str:
    """Why the system refused, in a few words."""
    if isinstance(error, UnicodeEncodeError):
        if "utf" in error.encoding:
            return "a name that is not UTF-8"
        return f"a name that this locale ({error.encoding}) cannot write"
    if number := number_of(error):
        return os.strerror(number)
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _advice(error: BaseException, otherwise: str, special: Mapping[int, str]) -> str:
    """What to do about an error; otherwise, where its reason says nothing better."""
    if isinstance(error, UnicodeEncodeError):
        if "utf" in error.encoding:
            return "give the file or folder a name in UTF-8"
        return "set another locale (export LC_ALL=C.UTF-8)"
    number = number_of(error)
    number = _ALIKE.get(number, number)
    return special.get(number, _ALWAYS.get(number, otherwise))


def cannot_read(
    what: str, where: object, error: BaseException, otherwise: str
) -> InputError:
    """The error for a file that cannot be read.

    Args:
        what: the file, such as "the net".
        where: its path.
        error: why, as the system, LMDB or HDF5 raised it.
        otherwise: what to do where the reason says nothing better, as where
            there is no such file.
    """
    advice = _advice(error, otherwise, _READING)
    return InputError(f"cannot read {what}: {reason(error)}", where, advice)


def cannot_write(
    what: str, where: object, error: BaseException, otherwise: str = "name another path"
) -> InputError:
    """The error for a file that cannot be written; see cannot_read."""
    advice = _advice(error, otherwise, _WRITING)
    return InputError(f"cannot write {what}: {reason(error)}", where, advice)


def reading(what: str, where: object, otherwise: str) -> AbstractContextManager[None]:
    """Turns the system's errors in its block into InputError; see cannot_read."""
    return _told(cannot_read, what, where, otherwise)


def writing(
    what: str, where: object, otherwise: str = "name another path"
) -> AbstractContextManager[None]:
    """Turns the system's errors in its block into InputError; see cannot_write."""
    return _told(cannot_write, what, where, otherwise)


@contextmanager
def _told(
    cannot: Callable[[str, object, BaseException, str], InputError],
    what: str,
    where: object,
    otherwise: str,
) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not _is_of_the_system(error):
            raise
        raise cannot(what, where, error, otherwise) from error


def explain(error: BaseException) -> InputError | None:
    """The last resort: an error that nobody has told in three parts.

    Returns:
        None for one that no input explains.
    """
    here = Path(sys.argv[0]).name
    if isinstance(error, OSError) or _is_lmdb(error):
        return _of_a_file(error, here)
    if isinstance(error, MemoryError):
        return InputError(
            f"not enough memory: {reason(error)}",
            here,
            "end other processes, or let fewer things be done at a time (--workers, "
            "--batch, --jobs)",
        )
    if isinstance(error, RecursionError):
        advice = "check the JSON and prototxt files that were given"
        return InputError("a file is nested too deeply", here, advice)
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return InputError(
            "no room for another thread",
            here,
            "raise the limit (ulimit -u), end other processes, or give fewer --workers",
        )
    if isinstance(error, UnicodeEncodeError):
        return InputError(reason(error), error.object, _advice(error, "", _READING))
    if isinstance(error, UnicodeDecodeError):
        return InputError(
            f"not UTF-8 text: byte {error.object[error.start]:#04x} at {error.start:,}",
            here,
            "check the text files that were given, or convert them to UTF-8",
        )
    if _is_of_a_name(error):
        return InputError(reason(error), here, "check the paths in the files given")
    # Caffe's own errors come in three parts.
    parts = re.fullmatch(r"(.+)\n  where: (.+)\n  next: (.+)", str(error), re.DOTALL)
    return InputError(*parts.groups()) if parts else None


def _of_a_file(error: BaseException, here: str) -> InputError:
    """An error that names its file, or none."""
    names = [getattr(error, "filename", None), getattr(error, "filename2", None)]
    shown = [os.fsdecode(n) if isinstance(n, bytes) else str(n) for n in names if n]
    of_writing = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EXDEV}
    special = _WRITING if number_of(error) in of_writing else _READING
    advice = _advice(error, "check that it is there and may be used", special)
    text = f"cannot use a file: {reason(error)}"
    return InputError(text, " and ".join(shown) or here, advice)


def _is_of_the_system(error: Exception) -> bool:
    """Whether a file, or its name, is the reason."""
    of_python = isinstance(error, OSError | UnicodeEncodeError)
    return of_python or _is_of_a_name(error) or _is_lmdb(error)


def _is_of_a_name(error: BaseException) -> bool:
    """Whether it is about a path that no file can have."""
    return isinstance(error, ValueError) and "embedded null" in str(error)


def _is_lmdb(error: BaseException) -> bool:
    """Whether LMDB raised it; asked without importing it."""
    lmdb = sys.modules.get("lmdb")
    return lmdb is not None and isinstance(error, lmdb.Error)
