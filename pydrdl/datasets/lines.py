"""Lines of the text files that data sets come with."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.files import read_text

# What a file is, and what to do about one that is not there, or wrong.
WHAT = "a file of the data set"
MISSING = "check that the data set is whole and the path is right"
AGAIN = "get the file again"
TWICE = "remove one of the two lines, or get the file again"
MIXED = "get both files from the same release"
# Characters of a line; some hold thousands of positions.
MAX_LINE = 1 << 16


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yields a text file's lines with their numbers.

    UTF-8 with or without a byte order mark, LF or CRLF, with or without a
    final newline. Blank lines are left out but counted.

    Yields:
        (number from 1, line without surrounding white space).

    Raises:
        InputError: the file cannot be read, is no text in UTF-8, or has a line of
            more than MAX_LINE characters.
    """
    lines = read_text(Path(path), WHAT, MISSING).split("\n")
    for number, line in enumerate(lines, start=1):
        if "\0" in line:  # no name of a file holds one
            expected = "text without null characters"
            raise malformed(f"{path}:{number}", line, expected)
        if len(line) > MAX_LINE:
            expected = f"at most {MAX_LINE:,} characters; it has {len(line):,}"
            raise malformed(f"{path}:{number}", line, expected)
        if stripped := line.strip():
            yield number, stripped


def read_matches(
    path: Path, pattern: re.Pattern[str], expected: str
) -> Iterator[tuple[str, re.Match[str]]]:
    """Yields the place of each line, as path:number, and what in it matches.

    Raises:
        InputError: as read_lines, or a line is not as expected.
    """
    for number, line in read_lines(path):
        match = pattern.fullmatch(line)
        if match is None:
            raise malformed(f"{path}:{number}", line, expected)
        yield f"{path}:{number}", match


def malformed(where: str, line: str, expected: str) -> InputError:
    """The error for a line that cannot be understood."""
    shown = line if len(line) <= 60 else line[:57] + "..."
    what = f"malformed line {shown!r}; expected {expected}"
    return InputError(what, where, "correct the line, or get the file again")


def each_once(listed: Iterable[tuple[str, Image]]) -> tuple[Image, ...]:
    """Images and where each is listed, as long as each is listed once.

    Raises:
        InputError: one is listed twice.
    """
    images: dict[str, Image] = {}
    for where, image in listed:
        if known := images.get(image.path):
            vehicles = f"vehicles {known.vehicle_id} and {image.vehicle_id}"
            what = f"{image.path} is listed twice, for {vehicles}"
            raise InputError(what, where, TWICE)
        images[image.path] = image
    return tuple(images.values())
