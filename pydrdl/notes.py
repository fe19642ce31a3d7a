"""What a user should know about a file that is used all the same."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Note(UserWarning):
    """Of this package: `warnings` shows each once, a tool as a line."""


@contextmanager
def shown(show: Callable[[str], object]) -> Iterator[None]:
    """Within its block notes are shown as lines, without the code that gave them."""
    before = warnings.showwarning

    def told(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, Note):
            show(f"note: {message}")
        else:
            before(message, category, filename, lineno, file, line)

    warnings.showwarning = told
    try:
        yield
    finally:
        warnings.showwarning = before
