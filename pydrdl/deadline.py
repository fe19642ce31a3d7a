"""An end for a process that is asked to end and does not hear it.

Python handles a signal between two of its own instructions. Where a library has
lost its way, and does not return, neither Ctrl-C nor SIGTERM would end the process.
So the system's own handlers are set to end it a while later, unless Python says
that it has heard:

    signal -> Python's handler in C writes to a pipe (set_wakeup_fd)
           -> the kernel announces that with SIGNAL (O_ASYNC)
           -> its handler is the C library's alarm(), which takes the signal's
              number for seconds
           -> SIGALRM, which ends the process.
"""

import ctypes
import fcntl
import os
import signal
from contextlib import suppress

SIGNAL = 40  # a real-time signal that nobody uses, and as many seconds


class Deadline:
    """Ends the process SIGNAL seconds after a signal that is not heard."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        library = ctypes.CDLL(None)
        library.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        library.signal.restype = ctypes.c_void_p
        library.signal(SIGNAL, ctypes.cast(library.alarm, ctypes.c_void_p))
        fcntl.fcntl(self._read, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._read, fcntl.F_SETSIG, SIGNAL)
        flags = fcntl.fcntl(self._read, fcntl.F_GETFL)
        fcntl.fcntl(self._read, fcntl.F_SETFL, flags | os.O_ASYNC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def heard(self) -> None:
        """Says that Python handles the signal."""
        signal.alarm(0)
        with suppress(BlockingIOError):
            while os.read(self._read, 1024):
                pass

    def close(self) -> None:
        """Leaves later signals to themselves."""
        signal.set_wakeup_fd(-1)
        self.heard()
        os.close(self._read)
        os.close(self._write)
