"""Signals that end a tool while it works.

Ctrl-C, SIGTERM and SIGHUP raise Stopped, so that what is half made is cleared away;
a process that does not hear them a deadline ends.
"""

import os
import signal
import sys
import time
from threading import Timer
from types import FrameType

from pydrdl import start
from pydrdl.deadline import Deadline

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A terminal and `timeout` may send one twice, to a process and to its group.
ONE_WISH = 1.0  # seconds


class Stopped(BaseException):
    """The user, or the system, ends the command.

    No KeyboardInterrupt: typer would swallow that.

    Args:
        number: the signal's.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


class Stoppable:
    """While its block runs, signals raise Stopped; afterwards they end the process.

    A second one, later than the first, ends the process at once.
    """

    def __init__(self) -> None:
        self.first: float | None = None
        self.deadline = Deadline()
        self.ours = _ours()
        self.hook = sys.unraisablehook

    def __enter__(self) -> None:
        sys.unraisablehook = self.unraisable
        for number in self.ours:
            signal.signal(number, self.stop)

    def __exit__(self, *_: object) -> None:
        for number in self.ours:
            signal.signal(number, start.leave)
        sys.unraisablehook = self.hook
        self.deadline.close()

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Handles a signal."""
        self.deadline.heard()
        now = time.monotonic()
        if self.first is None:
            self.first = now
            raise Stopped(number)
        if now - self.first > ONE_WISH:
            start.leave(number, frame)

    def unraisable(self, report: "sys.UnraisableHookArgs") -> None:
        """Sends a signal again that came where no exception can be raised.

        In a finalizer, say; Python would show a traceback and go on.
        """
        stopped = report.exc_value
        if not isinstance(stopped, Stopped):
            self.hook(report)
            return

        def again() -> None:
            self.first = None
            os.kill(os.getpid(), stopped.number)

        Timer(0.01, again).start()


def over() -> None:
    """From here on Ctrl-C changes nothing: all is done."""
    for number in _ours():
        ignored = number == signal.SIGINT
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)


def _ours() -> list[int]:
    """The signals that nobody has decided on: nohup, say, ignores SIGHUP."""
    free = (signal.SIG_DFL, signal.default_int_handler, start.leave)
    return [number for number in SIGNALS if signal.getsignal(number) in free]
