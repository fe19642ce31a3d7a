"""What a reader says of a malformed file: what is wrong, and in which line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pydrdl.errors import InputError


def refused_at(
    read: Callable[[Path], object], given: Path, path: Path, line: int, what: str
) -> None:
    """Asserts that reading what is given refuses a line of the file at path."""
    with pytest.raises(InputError, match=what) as caught:
        read(given)
    assert caught.value.where == f"{path}:{line}"
