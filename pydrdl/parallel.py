"""Work on threads and processes: results in order, memory bounded, no child left."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice
from multiprocessing import (
    active_children,
    connection,
    get_context,
    parent_process,
    resource_tracker,
)
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydrdl import signals
from pydrdl.errors import InputError, reason, writing
from pydrdl.signals import SIGNALS

In = TypeVar("In")
Out = TypeVar("Out")

AHEAD = 8  # results that a worker may be ahead of their use


class Progress(Protocol):
    """Passes items on and shows how many have passed; cli.progress is one."""

    def __call__(self, items: Iterable[In], what: str, total: int) -> Iterable[In]:
        """Yields items unchanged."""


def unseen(items: Iterable[In], what: str, total: int) -> Iterable[In]:
    """A Progress that shows nothing."""
    return items


def in_batches(items: Iterable[In], size: int) -> Iterator[list[In]]:
    """Yields lists of size items; the last may be shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def in_order(
    function: Callable[[In], Out],
    items: Iterable[In],
    workers: int | None,
    ahead: int | None = None,
) -> Iterator[Out]:
    """Maps on threads; OpenCV itself takes one thread an item meanwhile.

    Args:
        function: runs without the interpreter lock for the most part.
        items: taken when a thread will soon be free, not before.
        workers: threads; None takes one a processor.
        ahead: results at most that wait or are being made; None takes AHEAD a
            thread. More where many results are used at once.
    """
    import cv2  # only here: every command imports this module

    count = workers or os.cpu_count() or 1
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield from _on_threads(function, items, count, ahead or AHEAD * count, True)
    finally:
        cv2.setNumThreads(threads)


def behind(function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Maps on one thread while the next item is got ready; results in order.

    What was got ready is done even where the next item cannot be had.
    """
    return _on_threads(function, items, 1, 1, False)


def spread(
    task: Callable[[In], int], items: Iterable[In], workers: int | None
) -> Iterator[int]:
    """Maps on processes; results in the items' order, which are taken as needed.

    Task and items can be pickled. None takes a process for each processor, 1 stays
    in this one.

    Raises:
        InputError: a process was killed.
    """
    count = workers or len(os.sched_getaffinity(0))
    if count == 1:
        yield from map(task, items)
        return
    # Forked processes would inherit OpenCV's threads in an unknown state.
    pool = Pool(count, _begin)
    try:
        submit = partial(pool.submit, task)
        yield from _handed_out(submit, items, AHEAD * count)
    except BrokenProcessPool as error:
        what = "a process ended before its time, perhaps for want of memory"
        advice = "repeat the command to go on, with fewer processes"
        raise InputError(what, f"--workers {count}", advice) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _on_threads(
    function: Callable[[In], Out],
    items: Iterable[In],
    workers: int,
    most: int,
    cancel: bool,
) -> Iterator[Out]:
    pool = ThreadPoolExecutor(workers)
    try:
        yield from _handed_out(lambda item: pool.submit(function, item), items, most)
    finally:
        pool.shutdown(cancel_futures=cancel)


def _handed_out(
    submit: Callable[[In], Future[Out]], items: Iterable[In], most: int
) -> Iterator[Out]:
    """Yields results in order, while at most so many wait or are being made."""
    window: deque[Future[Out]] = deque()
    for item in items:
        if len(window) == most:
            yield window.popleft().result()
        window.append(submit(item))
    while window:
        yield window.popleft().result()


@contextmanager
def faults_passed_on() -> Iterator[None]:
    """Raises in the main thread, while its block runs, what ends another thread.

    The main thread may wait for the other, and then for ever.
    """
    faults: list[BaseException] = []

    def ended(report: threading.ExceptHookArgs) -> None:
        if report.exc_value is not None:
            faults.append(report.exc_value)
            os.kill(os.getpid(), signal.SIGUSR1)

    def pass_on(*_: object) -> None:
        signals.heard()
        if faults:
            raise faults.pop()

    threading.excepthook, hook = ended, threading.excepthook
    handler = signal.signal(signal.SIGUSR1, pass_on)
    try:
        yield
    finally:
        threading.excepthook = hook
        signal.signal(signal.SIGUSR1, handler)


# Commands that run() waits for, and the signal by which each is told to end.
_running: dict["subprocess.Popen[bytes]", signal.Signals] = {}
_guard = threading.Lock()


def python(code: str, *words: str) -> "subprocess.CompletedProcess[bytes]":
    """Runs code in another interpreter, with these words as its sys.argv[1:].

    With -c alone a module's namesake in the current folder would run: -P looks for
    nothing there.

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

    What it prints is added to the log, whose folder is made. env is None for this
    process's; stop is the signal by which it ends in good order.

    Returns: its exit code.

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
            close_fds=False,  # hands on the lock of a chain, see reproduce/steps.py
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
        otherwise = "run tools/setup.sh and source .venv/bin/activate"
        what = f"cannot start another process: {reason(error)}"
        advice = helps.get(error.errno or 0, otherwise)
        raise InputError(what, command, advice) from error


class Pool(ProcessPoolExecutor):
    """Processes that inherit nothing, as forked ones would, from this one.

    They look for no module in the current folder, and signals that end a command
    reach this process alone, which then ends them. initializer runs in each first.
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


def _begin() -> None:
    """Prepares a process: one thread, and no life after its parent's."""
    import cv2

    cv2.setNumThreads(0)
    if (parent := parent_process()) is not None:
        watch = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        try:
            watch.start()
        except RuntimeError:  # no room for it, which spread() tells
            os._exit(1)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
