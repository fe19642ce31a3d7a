"""Signals that end a tool while it works.

Ctrl-C, SIGTERM and SIGHUP raise Stopped, so that what is half made is cleared away.
Python handles a signal between two of its own instructions. Where one comes just
before a call that waits, the call is not interrupted; where a library has lost its
way, it does not return. None of them would end the process. So the system's own
handlers are set to call again, and to end it a while later, unless Python says that
it has heard:

    signal -> Python's handler in C writes to a pipe (set_wakeup_fd)
           -> the kernel announces that with SIGNAL (O_ASYNC)
           -> its handler is the C library's alarm(), which takes the signal's
              number for seconds
           -> SIGALRM, which interrupts what waits: Python hears the first signal;
              its handler is alarm() too, and it is set for one time
           -> SIGALRM, which ends the process.
"""

import ctypes
import fcntl
import os
import signal
import sys
import time
from contextlib import suppress
from threading import Timer
from types import FrameType

from pydrdl import start

SIGNAL = 16  # SIGSTKFLT, which nobody uses; and as many seconds
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A terminal and `timeout` may send one twice, to a process and to its group.
ONE_WISH = 1.0  # seconds
_open: "list[Deadline]" = []


class Deadline:
    """Ends the process SIGNAL + SIGALRM (14) seconds after a signal not heard."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._library = ctypes.CDLL(None)
        for name in ("signal", "sysv_signal"):
            function = getattr(self._library, name)
            function.argtypes = (ctypes.c_int, ctypes.c_void_p)
            function.restype = ctypes.c_void_p
        self._alarm = ctypes.cast(self._library.alarm, ctypes.c_void_p)
        self._library.signal(SIGNAL, self._alarm)
        self._call_again_once()
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETSIG, SIGNAL)
        flags = fcntl.fcntl(self._read, fcntl.F_GETFL)
        fcntl.fcntl(self._read, fcntl.F_SETFL, flags | os.O_ASYNC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        _open.append(self)

    def heard(self) -> None:
        """Says that Python handles the signal."""
        signal.alarm(0)
        self._call_again_once()
        with suppress(BlockingIOError):
            while os.read(self._read, 1024):
                pass

    def _call_again_once(self) -> None:
        """System V's signal(): no call is restarted, and the handler is for once."""
        self._library.sysv_signal(signal.SIGALRM, self._alarm)

    def close(self) -> None:
        """Leaves later signals to themselves."""
        _open.remove(self)
        signal.set_wakeup_fd(-1)
        self.heard()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.close(self._read)
        os.close(self._write)


def heard() -> None:
    """Says that Python handles a signal of another's, as of parallel.py."""
    for deadline in _open:
        deadline.heard()


class Stopped(BaseException):
    """The user, or the system, ends the command, by a signal of this number.

    No KeyboardInterrupt: typer would swallow that.
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
