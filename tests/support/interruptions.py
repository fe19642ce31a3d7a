"""Jobs that are ended before they are done, and what they leave behind."""

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from commands import PIPE, start, tool


class KilledError(BaseException):
    """Stands in for a signal."""


def files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, by its path inside."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def ends_after(steps: int) -> Callable[[Iterable[int], str, int], Iterator[int]]:
    """A progress that raises KilledError after some steps."""

    def progress(items: Iterable[int], what: str, total: int) -> Iterator[int]:
        for number, item in enumerate(items):
            if number == steps:
                raise KilledError
            yield item

    return progress


def tool_killed_when(
    name: str, words: Sequence[object], enough: Callable[[], bool]
) -> bool:
    """Starts a tool, and kills it as soon as it is far enough.

    Returns:
        Whether it was killed; else it came to its end before.
    """
    with start(*tool(name), *words, stdout=PIPE) as job:
        while job.poll() is None:
            if enough():
                job.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
    assert job.returncode in (0, -signal.SIGKILL)
    return job.returncode != 0
