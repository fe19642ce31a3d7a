"""What all commands in tools/ share: errors, exit codes, progress, JSON files."""

import functools
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import typer
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
from typer.exceptions import TyperException

from pydrdl import atomic, notes, start, stop
from pydrdl.console import STDOUT, Console
from pydrdl.errors import InputError
from pydrdl.option_values import refuse_odd_numbers
from pydrdl.system_errors import cannot_write, explain, writing
from pydrdl.thread_faults import faults_passed_on
from pydrdl.visible import shortened, visible

Item = TypeVar("Item")
# Where it is set, an error's traceback is shown too.
TRACEBACK = "DRDL_TRACEBACK"

# Tables go to stdout so that they can be piped; bars and errors to stderr.
console = Console()
stderr = Console(stderr=True)


def run(*commands: Callable[..., object]) -> None:
    """Runs a tool: one command, or one of several by its name.

    Exit codes: 0 done, 1 a check failed or the input is wrong, 2 wrong use;
    128 and the signal's number where one ended it, as 130 for Ctrl-C.
    """
    app = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    for command in commands:
        app.command()(_told(command))
    try:
        with stop.Stoppable(), notes.shown(_complain):
            code = _outcome(app)
    except stop.Stopped as stopped:
        _complain(start.message(stopped.number))
        code = start.exit_code(stopped.number)
    stop.over()
    sys.exit(code)


def _outcome(app: typer.Typer) -> int:
    """Runs the command; its exit code, its error said."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError):  # another process may have moved it
                stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        except OSError as error:  # of --help; all else is told in _told()
            console.give_up()
            raise cannot_write("the output", STDOUT, error) from error
        console.flush()
    except InputError as error:
        if os.environ.get(TRACEBACK):
            _complain("".join(traceback.format_exception(error)))
        parts = (f"error: {error.what}", f"where: {error.where}",
                 f"next: {error.next_step}")  # fmt: skip
        _complain("\n  ".join(map(shortened, parts)))
        return 1
    return code


def _told(command: Callable[..., object]) -> Callable[..., object]:
    """The command, whose every error is an InputError or typer's own.

    typer must not see others: of some it makes a silent exit code.
    """

    @functools.wraps(command)
    def told(*args: object, **options: object) -> object:
        try:
            refuse_odd_numbers(options)
            with faults_passed_on():
                return command(*args, **options)
        except (InputError, typer.Exit):
            raise
        except TyperException as error:  # wrong use, which typer shows
            error.message = visible(error.message)
            raise
        except Exception as error:
            raise explain(error) or _fault(error) from error

    return told


def _fault(error: Exception) -> InputError:
    """The error for one that no input should cause."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return InputError(
        f"a fault of this program, not yours: {type(error).__name__}: {error}",
        f"{frame.filename}:{frame.lineno}, in {frame.name}",
        f"report it, with what the same command prints after {TRACEBACK}=1",
    )


def _complain(text: str) -> None:
    """Prints to stderr."""
    stderr.print(text, soft_wrap=True)


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

    Args:
        path: the file; "-": standard output, see json_to_stdout().
        content: what to write.

    Raises:
        InputError: it cannot be written.
    """
    if path == Path("-"):
        # DEL is the one control character that json.dumps leaves as it is.
        text = json.dumps(content, indent=1, allow_nan=False)
        Console().write(text.replace("\x7f", "\\u007f") + "\n")
        return
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with writing("the results", path):
        # A name that is not UTF-8 becomes JSON's own \udc80.
        atomic.write_bytes(path, (text + "\n").encode(errors="backslashreplace"))


def json_to_stdout() -> None:
    """Sends tables to stderr, so that nothing but JSON goes to stdout."""
    console.stderr = True
