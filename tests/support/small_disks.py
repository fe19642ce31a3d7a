"""File systems that are soon full, for tests that root runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import run

FULL, LARGE = "No space left on device", "File too large"


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
