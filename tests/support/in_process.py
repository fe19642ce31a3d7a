"""Commands run in the tests' own process, where starting one for each would be long."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydrdl import cli
from pydrdl.commands import drdl
from pydrdl.signals import SIGNALS


class Done(NamedTuple):
    """What a command that has ended leaves behind."""

    returncode: int
    stdout: str
    stderr: str


@contextlib.contextmanager
def restored_signals() -> Iterator[None]:
    """Signals mean afterwards what they meant before: a tool ends by ignoring them."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_here(name: str, *words: object, cwd: Path) -> Done:
    """Runs tools/<name>.py as commands.run_tool does, but for the process."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv, Path.cwd(), os.environ.get("COLUMNS")
    sys.argv = [f"{name}.py", *map(str, words)]
    os.environ["COLUMNS"] = "120"
    os.chdir(cwd)
    code = 0
    try:
        with (
            restored_signals(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            drdl.run_tool((name,))
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before[0]
        os.chdir(before[1])
        os.environ.pop("COLUMNS")
        if before[2] is not None:
            os.environ["COLUMNS"] = before[2]
        cli.console.stderr = False  # as --json - leaves it
    return Done(code, out.getvalue(), err.getvalue())


def told_here(name: str, *words: object, cwd: Path) -> tuple[int, str]:
    """As run_here: the exit code, and all that is said, in one line without boxes."""
    done = run_here(name, *words, cwd=cwd)
    text = " ".join((done.stdout + done.stderr).replace("\u2502", " ").split())
    return done.returncode, text
