"""A tool from its first line on: signals that end it, and what stands on the screen.

The first line of every tool calls begin(), before the imports that take long;
cli.run() does the rest. Only the standard library's smallest parts are imported
here, so that Ctrl-C shows a traceback at no moment but in the interpreter's own
first hundredth of a second.

Ctrl-C, SIGTERM and SIGHUP end a tool in one way: while it works, they raise
Stopped, so that what it has half made is cleared away, and where it does not hear
them a deadline ends it. Before and after, nothing is half made, and it ends at once.
"""

import os
import signal
import sys
import time
from types import FrameType, TracebackType

from pydrdl import pixel_limit

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


def begin(name: str) -> None:
    """Prepares the process, if it is that of a tool.

    Args:
        name: the caller's __name__; where that is no script, nothing is done.
    """
    if name != "__main__":
        return
    _open_standard_streams()
    pixel_limit.prepare()
    sys.excepthook = _show_import_error
    if signal.SIGINT in _ours():  # the others end it without a traceback
        signal.signal(signal.SIGINT, _leave)


class Stoppable:
    """While its block runs, signals raise Stopped; afterwards they end the process.

    A second one, later than the first, ends the process at once.
    """

    def __init__(self) -> None:
        self.first: float | None = None
        self.ours: list[int] = []
        self.hook = sys.unraisablehook

    def __enter__(self) -> None:
        from pydrdl.deadline import Deadline

        self.deadline = Deadline()
        sys.unraisablehook = self.unraisable
        self.ours = _ours()
        for number in self.ours:
            signal.signal(number, self.stop)

    def __exit__(self, *_: object) -> None:
        for number in self.ours:
            signal.signal(number, _leave)
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
            _leave(number, frame)

    def unraisable(self, report: "sys.UnraisableHookArgs") -> None:
        """Sends a signal again that came where no exception can be raised.

        In a finalizer, say; Python would show a traceback and go on.
        """
        stopped = report.exc_value
        if not isinstance(stopped, Stopped):
            self.hook(report)
            return
        from threading import Timer

        def again() -> None:
            self.first = None
            os.kill(os.getpid(), stopped.number)

        Timer(0.01, again).start()


def over() -> None:
    """From here on Ctrl-C changes nothing: all is done."""
    for number in _ours():
        ignored = number == signal.SIGINT
        signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)


def exit_code(number: int) -> int:
    """What a shell gives for a process that a signal has ended."""
    return 128 + number


def message(number: int) -> str:
    """The line that a stopped tool shows."""
    how = "interrupted" if number == signal.SIGINT else "stopped"
    return f"{how}; run the same command again to go on"


def _leave(number: int, frame: FrameType | None) -> None:
    """Ends the process at once, with a line instead of a traceback."""
    try:
        os.write(2, f"{message(number)}\n".encode())
    finally:
        os._exit(exit_code(number))


def _show_import_error(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Tells in three parts why a module that a tool needs cannot be imported."""
    if not issubclass(kind, ImportError | OSError | MemoryError):
        sys.__excepthook__(kind, error, trace)
        return
    if "\n  next: " in str(error):
        sys.stderr.write(f"error: {error}\n")
        return
    what = " ".join(str(error).split()) or kind.__name__
    helps = "run tools/setup.sh and source .venv/bin/activate"
    if not issubclass(kind, ImportError):
        helps = "raise this shell's limits (ulimit -a), or end other processes"
    text = f"error: cannot import what the tool needs: {what}"
    sys.stderr.write(f"{text}\n  where: {sys.executable}\n  next: {helps}\n")


def _ours() -> list[int]:
    """The signals that nobody has decided on: nohup, say, ignores SIGHUP."""
    free = (signal.SIG_DFL, signal.default_int_handler, _leave)
    return [number for number in SIGNALS if signal.getsignal(number) in free]


def _open_standard_streams() -> None:
    """Gives streams that were closed to /dev/null.

    Else the next file that is opened would take their number, and what a library
    prints would go into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
