"""Lines of the text files that data sets come with."""

from collections.abc import Iterator
from pathlib import Path

from pydrdl.errors import InputError


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yields a text file's lines with their numbers.

    UTF-8 with or without a byte order mark, LF or CRLF, with or without a
    final newline. Blank lines are left out but counted.

    Args:
        path: the file.

    Yields:
        (number from 1, line without surrounding white space).

    Raises:
        InputError: the file cannot be read or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"cannot read a file of the data set: {error.strerror}",
            path,
            "check that the data set is whole and the path is right",
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}",
            path,
            "check that this is the right file, or convert it to UTF-8",
        ) from error
    for number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip():
            yield number, stripped


def malformed(path: Path, number: int, line: str, expected: str) -> InputError:
    """Returns the error for a line that cannot be understood.

    Args:
        path: the file.
        number: the line's number, from 1.
        line: the line.
        expected: what should stand there.
    """
    shown = line if len(line) <= 60 else line[:57] + "..."
    return InputError(
        f"malformed line {shown!r}; expected {expected}",
        f"{path}:{number}",
        "correct the line, or get the file again",
    )
