"""Runs commands in forked processes, each within limits; see Request.

Lines of stdin and stdout are JSON. A Python command runs in a fork of this process,
which has all modules loaded; it ends as an interpreter does, with what libraries do
at their end. Anything else is a program to run.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import threading
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

LOOK = 0.25  # seconds between two looks at a process
STUCK = 120  # seconds after which it does not move any more
ENOUGH = 1.5  # seconds of the processor for what may be endless
# What the tools import only when they need it.
LATER = (
    "caffe", "matplotlib.backends.backend_agg", "matplotlib.figure", "rich.progress",
    "rich.table", "tensorboard.compat.proto.event_pb2", "typer.main",
    "pydrdl.features.extract", "pydrdl.report.build", "pydrdl.nets.initialise",
)  # fmt: skip
MEMORY = 12 << 30  # bytes of address space: LMDB and OpenBLAS reserve without using
FILE = 1 << 30  # bytes of a written file


@dataclass(frozen=True)
class Request:
    """A command to run.

    Attributes:
        argv: a Python file or a program, and its words.
        folder: where it runs.
        output: file for stdout and stderr.
        seconds: of processor time.
        endless: it may run on as long as it likes, but ends soon after SIGINT.
    """

    argv: list[str]
    folder: str
    output: str
    seconds: int = 20
    endless: bool = False


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code; minus the signal's number where one ended it.
        timed_out: it did not end by itself, or not after SIGINT where endless.
        peak: bytes that the process held at most.
    """

    code: int
    timed_out: bool
    peak: int


def run(request: Request) -> Ended:
    """Runs a command and all that it starts."""
    child = os.fork()
    if child == 0:
        _become(request)
    handle = os.pidfd_open(child)
    try:
        asked = not _ends(handle, child, request)
        if asked and request.endless:
            os.kill(child, signal.SIGINT)
        timed_out = asked and not (request.endless and _ends(handle, child))
        # What it started is of its group; it may live on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    finally:
        os.close(handle)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if asked and code in (-signal.SIGINT, 128 + signal.SIGINT):
        code = 0
    return Ended(code, timed_out or code == -signal.SIGXCPU, usage.ru_maxrss << 10)


def _ends(handle: int, child: int, request: Request | None = None) -> bool:
    """Waits for a process; false where it takes too long.

    Too long is a time of the processor for what may be endless, which another
    load on the machine does not change; by the clock it is only what is stuck.
    """
    waited = 0.0
    while waited < STUCK:
        waited += LOOK
        if select.select([handle], [], [], LOOK)[0]:
            return True
        if request is not None and request.endless and _worked(child) > ENOUGH:
            return False
    return False


def _worked(child: int) -> float:
    """Seconds of the processor that a process has had."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _become(request: Request) -> None:
    """In the fork: turns into the command; never returns."""
    os.setpgid(0, 0)
    os.chdir(request.folder)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(request.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(stream, number)
    limits = {
        resource.RLIMIT_CPU: (request.seconds, request.seconds + 5),
        resource.RLIMIT_AS: (MEMORY, MEMORY),
        resource.RLIMIT_FSIZE: (FILE, FILE),
        resource.RLIMIT_CORE: (0, 0),
    }
    for limit, values in limits.items():
        resource.setrlimit(limit, values)
    program = request.argv[0]
    if not program.endswith(".py"):
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.execve(program, request.argv, {**os.environ, "GLOG_minloglevel": "0"})
    code = 1
    try:
        sys.argv = request.argv
        sys.path[0] = str(Path(program).parent)
        runpy.run_path(program, run_name="__main__")
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else bool(error.code)
    except BaseException:
        traceback.print_exc()
    # As an interpreter ends, but for the freeing of what is loaded, which takes long.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    ctypes.CDLL(None).exit(code)


def load() -> None:
    """Imports all that the tools import, which each fork then has."""
    tools = Path(__file__).parents[2] / "tools"
    for tool in sorted(tools.glob("*.py")):
        runpy.run_path(str(tool), run_name="loaded")
    for name in LATER:
        importlib.import_module(name)


if __name__ == "__main__":
    # What is in the background ignores it, and so would all commands.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    load()
    gc.freeze()  # so that forks do not copy what they only look at
    for line in sys.stdin:
        print(json.dumps(asdict(run(Request(**json.loads(line))))), flush=True)
