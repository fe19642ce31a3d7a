"""File systems that are soon full, for tests that root runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import run

FULL, LARGE = "No space left on device", "File too large"


def assert_told(
    code: int, text: str, what: str, output: Path, *, unsaid: str, cannot: str = ""
) -> None:
    """One message, for the right reason.

    Args:
        code: the command's.
        text: what it printed.
        what: the system's words.
        output: what could not be written.
        unsaid: what the advice does not hold, since it would change nothing.
        cannot: what could not be done, where it matters.
    """
    assert code == 1, text
    lines = text.splitlines()
    assert len(lines) == 3, text
    assert lines[0].startswith(f"error: cannot write {cannot}") and what in lines[0]
    assert lines[1].startswith(f"  where: {output}")
    assert lines[2].startswith("  next: ") and unsaid not in lines[2]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own at the folder; skips where none can be had."""
    if run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder).returncode:
        pytest.skip("only root can mount a file system")
    try:
        yield
    finally:
        assert run("umount", folder).returncode == 0


def remount(folder: Path, options: str) -> None:
    assert run("mount", "-o", f"remount,{options}", folder).returncode == 0
