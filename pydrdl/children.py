"""Other processes that a command starts.

A Python that is started with -c looks for modules in the current folder first; a
file there named like a module would run. So every interpreter is started here,
where it does not look. And no child goes on when the command is ended.
"""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context, resource_tracker
from pathlib import Path
from typing import Any

from pydrdl.errors import InputError
from pydrdl.stop import SIGNALS
from pydrdl.system_errors import reason, writing

# Those that are to be told to end, and by which signal.
_running: dict["subprocess.Popen[bytes]", signal.Signals] = {}
_guard = threading.Lock()


def python(code: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """Runs code in another interpreter; nothing comes from the current folder.

    Args:
        code: what to run.
        words: its sys.argv[1:].

    Raises:
        InputError: the interpreter cannot be started.
    """
    command = [sys.executable, "-P", "-c", code, *words]
    with starting(sys.executable):
        return subprocess.run(command, capture_output=True, check=False)


def run(
    words: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> int:
    """Runs a command to its end, on any thread; stop_all() ends it before.

    Args:
        words: the command.
        log: what it prints is added here; its folder is made.
        env: its environment; None takes this process's.
        stop: the signal by which it ends in good order.

    Returns:
        Its exit code.

    Raises:
        InputError: it cannot be started, or the log not be written.
    """
    with writing("a log", log):
        log.parent.mkdir(parents=True, exist_ok=True)
        output = log.open("ab")
    with output, _guard, starting(words[0]):
        child = subprocess.Popen(
            words,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            close_fds=False,  # hands on the lock of a chain, see pydrdl/steps/alone.py
        )
        _running[child] = stop
    try:
        return child.wait()
    except BaseException:
        child.send_signal(stop)
        child.wait()
        raise
    finally:
        with _guard:
            _running.pop(child, None)


def stop_all() -> None:
    """Asks every command that run() waits for to end, each once."""
    with _guard:
        while _running:
            child, stop = _running.popitem()
            with suppress(ProcessLookupError):
                child.send_signal(stop)


@contextmanager
def starting(command: str) -> Iterator[None]:
    """Turns the reasons for which a process cannot be started into InputError."""
    try:
        yield
    except OSError as error:
        helps = {
            errno.EAGAIN: "raise the limit (ulimit -u), or end other processes",
            errno.ENOMEM: "end other processes: there is no memory for one more",
            errno.EMFILE: "raise the limit of open files (ulimit -n)",
            errno.E2BIG: "give fewer or shorter arguments",
        }
        raise InputError(
            f"cannot start another process: {reason(error)}",
            command,
            helps.get(
                error.errno or 0, "run tools/setup.sh and source .venv/bin/activate"
            ),
        ) from error


class Pool(ProcessPoolExecutor):
    """Processes that inherit nothing, as forked ones would, from this one.

    They look for no module in the current folder, and signals that end a command
    reach this process alone, which then ends them.

    Args:
        count: how many.
        initializer: runs in each first.
    """

    def __init__(
        self, count: int, initializer: Callable[[], object] | None = None
    ) -> None:
        with _apart():
            resource_tracker.ensure_running()
        super().__init__(count, get_context("spawn"), initializer)

    def submit(self, *task: Any, **options: Any) -> Future[Any]:
        """As its base does; a process is started here where one is needed."""
        with _apart(), starting(sys.executable):
            return super().submit(*task, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As its base does; where that fails, no process is left waiting."""
        # The thread that looks after them may not have started, for want of room.
        with suppress(RuntimeError):
            super().shutdown(wait, cancel_futures=cancel_futures)
        for child in active_children() if wait else ():
            child.kill()
            child.join()


@contextmanager
def _apart() -> Iterator[None]:
    """While its block runs, processes start without signals and the current folder."""
    before = os.environ.get("PYTHONSAFEPATH")
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
