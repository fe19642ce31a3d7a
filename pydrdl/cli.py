"""What all commands share: consoles, errors, exit codes, progress, JSON files.

Names of files, lists and logs come from outside: on these consoles they can neither
colour, move nor rewrite anything, and no name is too odd to be shown.
"""

import functools
import io
import json
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, TypeVar

import typer
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text
from typer import BadParameter
from typer.exceptions import TyperException

from pydrdl import signals, start
from pydrdl.errors import (
    InputError,
    cannot_write,
    explain,
    is_visible,
    shortened,
    visible,
    writing,
)
from pydrdl.files import is_device, refuse_unwritable, write_bytes
from pydrdl.parallel import faults_passed_on

STDOUT = "standard output"


class Console(RichConsole):
    """A console on which text is text: no escape sequences, markup or emoji."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As its base does, with control characters written out."""
        if isinstance(renderable, str):
            renderable = visible(renderable)
        elif isinstance(renderable, Text) and not is_visible(renderable.plain):
            shown = renderable.copy()
            shown.plain = visible(renderable.plain)
            renderable = shown
        return super().render(renderable, options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As its base does, with control characters written out."""
        return super().render_str(visible(text), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """As its base does.

        Raises:
            InputError: stdout cannot be written. Where stderr cannot, nobody
                could be told.
        """
        try:
            super().print(*objects, **options)
        except OSError as error:
            self.give_up()
            if not self.stderr:
                raise cannot_write("the output", STDOUT, error) from error

    def lines(self, *lines: str) -> None:
        """Prints lines that no terminal's width breaks; see print."""
        for line in lines:
            self.print(line, soft_wrap=True)

    def write(self, text: str) -> None:
        """Writes text as it is, and all that Python holds back.

        Raises:
            InputError: stdout cannot be written.
        """
        with self._written():
            self.file.write(text)
            self.file.flush()

    def flush(self) -> None:
        """Writes what Python holds back; InputError where stdout cannot be written."""
        with self._written():
            self.file.flush()

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self.give_up()
        except OSError as error:
            self.give_up()
            raise cannot_write("the output", STDOUT, error) from error

    def on_broken_pipe(self) -> None:
        """Goes on without a reader, as of `| head`: files are still to be written."""
        self.give_up()

    def give_up(self) -> None:
        """Sends all further output to nowhere, what Python holds back included."""
        with suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), self.file.fileno())


class Note(UserWarning):
    """Of this package: `warnings` shows each once, a tool as a line."""


@contextmanager
def shown(show: Callable[[str], object]) -> Iterator[None]:
    """Within its block notes are shown as lines, without the code that gave them.

    They are, whatever -W and PYTHONWARNINGS make of warnings.
    """
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

    with warnings.catch_warnings():
        warnings.simplefilter("default", Note)
        warnings.showwarning = told
        yield


# Numbers that no option of any tool can take, refused in one place.
#
# An option's own limits let NaN pass, which is below nothing and above nothing, and
# most have no upper one.


# What the fields of Caffe's messages hold.
MAX_INT = 2**31 - 1
MAX_FLOAT = (2 - 2**-23) * 2.0**127
MIN_FLOAT = 2.0**-126  # with all its digits


EMPTY = "it is empty; is a variable of the shell unset?"


def wrong_use(what: str, *options: str) -> BadParameter:
    """What to raise for options that cannot be as they are, such as "--mean"."""
    return BadParameter(what, param_hint=options)


def option_of(parameter: str) -> str:
    """The option that a command has as this parameter."""
    return f"--{parameter.replace('_', '-')}"


def refuse_json(options: Mapping[str, object]) -> None:
    """Refuses a --json that cannot be written, before anything takes long.

    Raises:
        BadParameter: another of the options, by parameter, is the same file.
        InputError: it is a folder, or has none to lie in that may be written.
    """
    json = options.get("json")
    if not isinstance(json, Path) or json == Path("-"):
        return
    for name, value in options.items():
        others = value if isinstance(value, list | tuple) else [value]
        paths = [path for path in others if isinstance(path, Path)]
        if name != "json" and any(_one_file(json, path) for path in paths):
            what = f"{json} is named twice, and would be written"
            what = what if os.path.lexists(json) else "two outputs are one file"
            raise wrong_use(what, option_of(name), "--json")
    refuse_unwritable(json)


def _one_file(a: Path, b: Path) -> bool:
    """Whether two paths lead to one file, or would where there is none yet."""
    return not is_device(a) and os.path.realpath(a) == os.path.realpath(b)


def refuse_odd_numbers(options: Mapping[str, object]) -> None:
    """Refuses numbers that Caffe's messages cannot hold; options by parameter.

    They are NaN, infinity, whole numbers beyond 2^31, and others that 32 bits would
    make infinite, or zero.

    Raises:
        BadParameter: one of them is, or holds, such a number.
    """
    for name, value in options.items():
        for number in _numbers(value):
            if not math.isfinite(number):
                why = f"{number} is no finite number."
            elif isinstance(number, int) and abs(number) > MAX_INT:
                why = f"{number} is beyond {MAX_INT if number > 0 else -MAX_INT}."
            elif isinstance(number, float) and _is_lost(number):
                why = f"{number} is no number of 32 bits."
            else:
                continue
            raise wrong_use(why, option_of(name))


def refuse_empty_paths(options: Mapping[str, object], words: Sequence[str]) -> None:
    """Refuses a path without a name, as an unset variable of the shell leaves it.

    It would mean the current folder. words are those of the command line.

    Raises:
        BadParameter: one of the options, by parameter, is such a path.
    """
    empty = [word for word in words if not word or word.endswith("=")]
    for name, value in options.items():
        given = value if isinstance(value, list) else [value]
        if empty and Path() in given:
            raise wrong_use(f"{EMPTY} (.: this folder)", option_of(name))


def _is_lost(number: float) -> bool:
    """Whether 32 bits make infinity of it, or nothing of what is not zero."""
    return number != 0 and not MIN_FLOAT <= abs(number) <= MAX_FLOAT


def _numbers(value: object) -> Iterable[int | float]:
    if isinstance(value, list | tuple):
        return [number for part in value for number in _numbers(part)]
    return [value] if isinstance(value, int | float) else []


Item = TypeVar("Item")
# Where it is set, an error's traceback is shown too.
TRACEBACK = "DRDL_TRACEBACK"

# Tables go to stdout so that they can be piped; bars and errors to stderr.
console = Console()
stderr = Console(stderr=True)


def run(*commands: Callable[..., object], app: typer.Typer | None = None) -> None:
    """Runs a program of one command, or of several by their names.

    Exit codes: 0 done, 1 a check failed or the input is wrong, 2 wrong use;
    128 and the signal's number where one ended it, as 130 for Ctrl-C. app is the
    program where it is more than its commands.
    """
    app = app or typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    for command in commands:
        app.command()(_told(command))
    try:
        with signals.Stoppable(), shown(_complain):
            code = _outcome(app)
    except signals.Stopped as stopped:
        _complain(start.message(stopped.number))
        code = start.exit_code(stopped.number)
    signals.over()
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
        what, where, then = map(
            shortened, (error.what, str(error.where), error.next_step)
        )
        _complain(f"error: {what}\n  where: {where}\n  next: {then}")
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
            refuse_json(options)
            refuse_empty_paths(options, sys.argv[1:])
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
    stderr.lines(text)


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
    """Writes JSON, whole or not at all; "-" is standard output, see json_to_stdout().

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
        write_bytes(path, (text + "\n").encode(errors="backslashreplace"))


def json_to_stdout() -> None:
    """Sends tables to stderr, so that nothing but JSON goes to stdout."""
    console.stderr = True
