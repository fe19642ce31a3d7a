"""Lines of the text files that data sets come with."""

from collections.abc import Iterator
from pathlib import Path

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.files import read_text

WHAT = "a file of the data set"
AGAIN = "check that the data set is whole and the path is right"
# Characters of a line; some hold thousands of positions.
MAX_LINE = 1 << 16


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yields a text file's lines with their numbers.

    UTF-8 with or without a byte order mark, LF or CRLF, with or without a
    final newline. Blank lines are left out but counted.

    Args:
        path: the file.

    Yields:
        (number from 1, line without surrounding white space).

    Raises:
        InputError: the file cannot be read, is no text in UTF-8, or has a line of
            more than MAX_LINE characters.
    """
    text = read_text(Path(path), WHAT, AGAIN)
    for number, line in enumerate(text.split("\n"), start=1):
        if "\0" in line:  # no name of a file holds one
            raise malformed(path, number, line, "text without null characters")
        if len(line) > MAX_LINE:
            expected = f"at most {MAX_LINE:,} characters; it has {len(line):,}"
            raise malformed(path, number, line, expected)
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


def add_once(
    images: dict[str, Image], image: Image, list_path: Path, line: int
) -> None:
    """Adds a listed image under its path.

    Raises:
        InputError: the list has it already.
    """
    if image.path in images:
        raise InputError(
            f"{image.path} is listed twice, for vehicles "
            f"{images[image.path].vehicle_id} and {image.vehicle_id}",
            f"{list_path}:{line}",
            "remove one of the two lines, or get the file again",
        )
    images[image.path] = image
