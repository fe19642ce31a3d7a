"""Errors that end another thread than the main one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


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
        signal.alarm(0)  # heard, see pydrdl/deadline.py
        if faults:
            raise faults.pop()

    threading.excepthook, hook = ended, threading.excepthook
    handler = signal.signal(signal.SIGUSR1, pass_on)
    try:
        yield
    finally:
        threading.excepthook = hook
        signal.signal(signal.SIGUSR1, handler)
