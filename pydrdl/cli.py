"""What all commands in tools/ share: errors, exit codes, progress, JSON files."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pydrdl import atomic
from pydrdl.errors import InputError

Item = TypeVar("Item")

# Tables go to stdout so that they can be piped; bars and errors to stderr.
console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def run(*commands: Callable[..., object]) -> None:
    """Runs a tool: one command, or one of several by its name.

    Exit codes: 0 done, 1 a check failed or the input is wrong, 2 wrong use.
    """
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    for command in commands:
        app.command()(command)
    try:
        app()
    except InputError as error:
        stderr.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        stderr.print("interrupted; run the same command again to go on")
        sys.exit(130)


class RateColumn(ProgressColumn):
    """How many items a second: of late, and over all when done."""

    def render(self, task: Task) -> Text:
        """Returns the column's text; empty until something is known."""
        rate = task.finished_speed or task.speed
        if rate is None:
            return Text("")
        return Text(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")


def progress(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """Yields items under a progress bar; silent where stderr is no terminal."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not stderr.is_terminal,
    )
    with bar:
        yield from bar.track(items, total=total, description=what)


def write_json(path: Path, content: object) -> None:
    """Writes JSON; the file appears, or is replaced, only when whole.

    Raises:
        InputError: the file cannot be written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        atomic.write_text(path, text + "\n")
    except OSError as error:
        raise InputError(
            f"cannot write the results: {error.strerror}", path, "name another file"
        ) from error
