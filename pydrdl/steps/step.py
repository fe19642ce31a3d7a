"""One command of a chain."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOG_LINES = 8  # of a failed step, in its message


@dataclass(frozen=True)
class Step:
    """One command of a chain.

    Attributes:
        name: tells it from the others; "/" groups.
        command: as one would type it.
        output: file or folder that stands only when the step is done.
        after: names of the steps whose outputs it reads, all before it.
        files: files it reads that no step makes.
        action: runs the step in place of the command, given the log file.
        amount: of work, such as iterations: the time that the step takes grows
            with it.
    """

    name: str
    command: tuple[str, ...]
    output: Path
    after: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    action: Callable[[Path], object] | None = None
    amount: int = 1


def log_of(step: Step, work: Path) -> Path:
    """The file that holds what a step printed."""
    return work / "logs" / f"{step.name}.log"


def end_of(log: Path) -> str:
    """The last lines of a log, to be put behind a message; "" where there are none."""
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    end = "\n".join("    " + line for line in lines[-LOG_LINES:])
    return f"; its log ends:\n{end}" if end else ""
