"""Runs a tool again and again in forked processes that kill themselves.

A line of stdin is JSON: {"argv": [tool, argument, ...], "step": k, "limits":
{"FSIZE": bytes, ...}}. The tool runs in a fork, under the system's limits, that
sends itself SIGKILL just before its k-th step; 0: it runs to its end. Steps are
what changes files: opening to write, renaming, deleting, making a folder, and each
side of an LMDB transaction and of a write to HDF5. The answer, a line of stdout,
is {"code": exit code, or -9 where it was killed, "output": ...}.
"""

import contextlib
import json
import os
import resource
import runpy
import signal
import sys
from collections.abc import Callable
from typing import Any

import h5py
import rich.progress
import rich.table
import typer.main

from pydrdl import cli, datasets
from pydrdl.features import extract, partial
from pydrdl.lmdb import build
from pydrdl.pycaffe import import_caffe

# Imported before the forks, so that each does not have to.
PRELOADED = (rich.progress, rich.table, typer.main, cli, datasets, extract)

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}


class Steps:
    """Counts steps and ends the process at one of them."""

    def __init__(self, last: int) -> None:
        self.left = last

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in CHANGES:
            self.step()

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*arguments: Any, **options: Any) -> Any:
            self.step()
            result = function(*arguments, **options)
            self.step()
            return result

        return stepped


def run(argv: list[str], last: int) -> int:
    """In the fork: runs the tool; returns its exit code."""
    steps = Steps(last)
    sys.addaudithook(steps.audit)
    build._commit = steps.around(build._commit)
    h5py.Group.__setitem__ = steps.around(h5py.Group.__setitem__)
    append = partial.PartialFeatures.append
    partial.PartialFeatures.append = steps.around(append)
    sys.argv = argv
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as error:
        return int(error.code or 0)
    return 0


def answer(request: dict[str, Any]) -> dict[str, object]:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        code = 70
        with contextlib.suppress(BaseException):
            for name, limit in request["limits"].items():
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
            code = run(request["argv"], request["step"])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader, errors="replace") as stream:
        output = stream.read()
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "output": output}


if __name__ == "__main__":
    build.COMMIT = 8
    import_caffe()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
