"""The first line of a tool: signals during the imports, and what stands on the screen.

Every tool calls begin() before the imports that take long. Next to nothing is
imported here, so that a signal shows a traceback at no moment but in the
interpreter's own first hundredths of a second. What follows the imports: signals.py.
"""

# The module signal imports enum, which takes longer than all else here.
import _signal  # type: ignore[import-not-found]
import os
import sys
from types import FrameType, TracebackType

SIGNALS = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)
# How many pixels of an image are decoded at most. A file of a few kilobytes may
# claim any number, and decoding it would fill the memory. The bound is that of
# OpenCV's own variable, so that one setting holds for our reader, for OpenCV in
# Python and for Caffe's.
VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
# 11,585 x 11,585: what the largest sensors of telephones take; 400 MB decoded.
DEFAULT = 2**27


def begin(name: str) -> None:
    """Prepares the process, if it is that of a tool, whose __name__ is "__main__"."""
    if name != "__main__":
        return
    for number in SIGNALS:
        # Whoever ignores one, as nohup does, has decided.
        if _signal.getsignal(number) in (_signal.SIG_DFL, _signal.default_int_handler):
            _signal.signal(number, leave)
    sys.excepthook = _show_import_error
    _open_standard_streams()
    bound_pixels()


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
    # The loader says so where there is no room for a library.
    if not issubclass(kind, ImportError) or "failed to map segment" in what:
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


def most_pixels() -> int:
    """The bound that holds now; ValueError where the variable is no whole number."""
    text = os.environ.get(VARIABLE, str(DEFAULT))
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{VARIABLE} is {text!r}; expected a whole number of pixels")
    return int(text)


def bound_pixels() -> None:
    """Sets the bound for OpenCV too, which reads it when it is loaded.

    OpenCV's own lines about images that it cannot decode name no file: our errors
    do, and those lines are left out.

    Raises:
        SystemExit: the variable holds no whole number, with which OpenCV would abort.
    """
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        os.environ[VARIABLE] = str(most_pixels())
    except ValueError as error:
        raise SystemExit(
            f"error: {error}\n  where: {VARIABLE}\n  next: unset it, or give a number"
            f" such as {DEFAULT}"
        ) from None
