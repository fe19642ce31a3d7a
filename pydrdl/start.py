"""The first line of a tool: Ctrl-C during the imports, and what stands on the screen.

Every tool calls begin() before the imports that take long. Next to nothing is
imported here, so that Ctrl-C shows a traceback at no moment but in the interpreter's
own first hundredth of a second. What follows the imports: pydrdl/stop.py.
"""

# The module signal imports enum, which takes longer than all else here.
import _signal  # type: ignore[import-not-found]
import os
import sys
from types import FrameType, TracebackType

from pydrdl import pixel_limit


def begin(name: str) -> None:
    """Prepares the process, if it is that of a tool.

    Args:
        name: the caller's __name__; where that is no script, nothing is done.
    """
    if name != "__main__":
        return
    # Whoever ignores it, as nohup does, has decided; other signals end a process
    # without a traceback.
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, leave)
    sys.excepthook = _show_import_error
    _open_standard_streams()
    pixel_limit.prepare()


def leave(number: int, frame: FrameType | None) -> None:
    """Handles a signal: ends the process at once, with a line, not a traceback."""
    try:
        os.write(2, f"{message(number)}\n".encode())
    finally:
        os._exit(exit_code(number))


def exit_code(number: int) -> int:
    """What a shell gives for a process that a signal has ended."""
    return 128 + number


def message(number: int) -> str:
    """The line that a stopped tool shows."""
    how = "interrupted" if number == _signal.SIGINT else "stopped"
    return f"{how}; run the same command again to go on"


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
