"""How tests start programs: the tools, caffe, pieces of Python, anything else.

Nothing else in tests starts a process (test_house.py holds it), so that all of them
see the same: this checkout's package, 80 columns, and no warning passes unseen.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired
from typing import IO, Any

__all__ = [
    "CAFFE", "DEVNULL", "PIPE", "ROOT", "STDOUT", "Done", "Job", "Stream",
    "TimeoutExpired", "environment", "python", "run", "run_caffe", "run_tool", "start",
    "succeed", "tool",
]  # fmt: skip

ROOT = Path(__file__).parents[2]
CAFFE = Path(sys.executable).with_name("caffe")
HANGS = 900  # seconds that no command takes, on a busy machine either
Done = subprocess.CompletedProcess[str]
Job = subprocess.Popen[Any]
Stream = int | IO[Any] | None


def environment(**changed: str) -> dict[str, str]:
    """What a program is started with: this process's, and what all tests share."""
    shared = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "COLUMNS": "80"}
    return {**os.environ, **shared, **changed}


def tool(name: str) -> tuple[str, str]:
    """The first words of a command: Python and tools/<name>."""
    return sys.executable, str(ROOT / "tools" / name)


def python(code: str) -> tuple[str, ...]:
    """The first words of a command that is Python code; -P: nothing from here."""
    return sys.executable, "-P", "-c", code


def run(
    *words: object,
    cwd: Path | None = None,
    stdout: Stream = PIPE,
    stderr: Stream = PIPE,
    timeout: float = HANGS,
    session: bool = False,
    before: Callable[[], object] | None = None,
    **changed: str,
) -> Done:
    """Runs a program to its end, well or not.

    Args:
        words: the command.
        cwd: where it stands.
        stdout: where what it prints goes; PIPE: into what is returned.
        stderr: the same of its errors.
        timeout: seconds, after which it counts as hanging.
        session: whether it is given one of its own, so that signals reach it alone.
        before: is called in the new process first.
        changed: variables of its environment.
    """
    return subprocess.run(
        [*map(str, words)], cwd=cwd, stdout=stdout, stderr=stderr, text=True,
        check=False, timeout=timeout, start_new_session=session, preexec_fn=before,
        env=environment(**changed),
    )  # fmt: skip


def start(
    *words: object,
    cwd: Path | None = None,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
    text: bool = True,
    session: bool = False,
    before: Callable[[], object] | None = None,
    **changed: str,
) -> Job:
    """Starts a program and goes on; with a `with`, it is waited for.

    Args:
        words: as run() has them, and so the others.
        cwd: where it stands.
        stdin: PIPE to talk to it.
        stdout: PIPE to hear it.
        stderr: PIPE to hear its errors.
        text: whether it is talked to in text; else in bytes, none held back.
        session: whether it is given one of its own.
        before: is called in the new process first.
        changed: variables of its environment.
    """
    return subprocess.Popen(
        [*map(str, words)], cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr,
        text=text, bufsize=-1 if text else 0, start_new_session=session,
        preexec_fn=before, env=environment(**changed),
    )  # fmt: skip


def run_tool(
    name: str, *arguments: object, cwd: Path | None = None, **changed: str
) -> Done:
    """Runs tools/<name> as a user does."""
    return run(*tool(name), *arguments, cwd=cwd, **changed)


def succeed(
    name: str, *arguments: object, cwd: Path | None = None, **changed: str
) -> str:
    """Runs a tool that must end well; returns what it printed."""
    done = run_tool(name, *arguments, cwd=cwd, **changed)
    assert done.returncode == 0, f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def run_caffe(*arguments: object, cwd: Path | None = None, **changed: str) -> Done:
    """Runs the caffe command with one BLAS thread, so that sums have one order."""
    fixed = {"OPENBLAS_NUM_THREADS": "1", "GLOG_minloglevel": "0"}
    return run(CAFFE, *arguments, cwd=cwd, **fixed | changed)
