"""Work on other processes and machines, which Dask distributed hands out.

A worker is a process that `dask worker ADDRESS` starts where this package is
installed; it reads the files of a folder that all machines have under one path. Results
come in the order of their items. What a worker that ended had in hand is done by
another. Nobody computes before it has shown that it gets the same bits as the machine
that writes them.
"""

import logging
import os
import platform
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from pydrdl import parallel
from pydrdl.errors import InputError

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 3  # items of a worker that are in its hands, or done and not yet used
PATIENCE = 15.0  # seconds until a scheduler or the first worker must be there
START_UP = 120.0  # seconds until workers must be there that this process starts
GONE = 120.0  # seconds that no worker at all may be there
LOOK = 5.0  # seconds between two looks at who is there
START = "start workers with: dask worker {} --nthreads 1"


class Expected(NamedTuple):
    """What the machine that asks computes."""

    digest: str  # of Task.prepare()
    about: str  # by what, in words


class Task(Protocol[In, Out]):
    """What workers do; pickled, so that it holds settings and no open files."""

    @property
    def key(self) -> str:
        """Of this run, in every worker's memory."""

    def prepare(self) -> str:
        """Opens what it needs, once in a process.

        Returns: a digest of what it computes of given numbers.

        Raises:
            InputError: something is missing, or is another than it should be.
        """

    def __call__(self, item: In, /) -> Out:
        """Does one item."""


class Cluster:
    """Workers of a scheduler.

    Args:
        client: of Dask distributed.
        address: of the scheduler.
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client, self.address = client, address

    def in_order(
        self, task: Task[Item, Result], expected: str, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yields what the task makes of items, in their order.

        Args:
            task: what to do.
            expected: what task.prepare() gives here.
            items: taken when a worker will soon be free, not before.

        Raises:
            InputError: a worker computes other bits, ends again and again over one
                item, or none is left; and what the task raises.
        """
        asked = Expected(expected, about())
        self._prepare(task, asked)
        window: deque[Any] = deque()
        for item in items:
            while len(window) >= AHEAD * max(1, len(self._client.nthreads())):
                yield self._result(window.popleft())
            window.append(self._client.submit(_do, task, asked, item, pure=False))
        while window:
            yield self._result(window.popleft())

    def _prepare(self, task: Task[Any, Any], expected: Expected) -> None:
        """Has all workers that are there show what they compute, before any does."""
        done = self._client.run(_prepared, task, expected, on_error="return")
        for address, error in sorted(done.items()):
            if isinstance(error, InputError):
                raise error
            if isinstance(error, BaseException):
                what = f"a worker cannot begin: {type(error).__name__}: {error}"
                advice = "install this version of the project there (tools/setup.sh)"
                raise InputError(what, address, advice) from error

    def _result(self, future: Any) -> Any:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        waited = 0.0
        while True:
            try:
                return future.result(timeout=LOOK)
            except TimeoutError:
                waited = 0.0 if self._client.nthreads() else waited + LOOK
                if waited >= GONE:
                    what = f"no worker was there for {GONE:.0f} seconds"
                    advice = f"{START.format(self.address)}, then repeat the command"
                    raise InputError(what, self.address, advice) from None
            except KilledWorker as error:
                what = "workers ended before their time, one after the other"
                advice = (
                    "look at their logs and memory (dmesg), then repeat the command: "
                    "it goes on"
                )
                raise InputError(what, self.address, advice) from error
            except (FutureCancelledError, CancelledError) as error:
                what = "the scheduler is gone"
                advice = "start it and its workers again, then repeat the command"
                raise InputError(what, self.address, advice) from error


@contextmanager
def connected(workers: int | str | None) -> Iterator[Cluster | None]:
    """Connects to a scheduler, or starts one with workers on this machine.

    Args:
        workers: so many processes here, one thread each; or a scheduler's address,
            such as tcp://10.0.0.1:8786; None for no cluster.

    Raises:
        InputError: Dask distributed is not installed, no scheduler answers there, or
            it has no worker.
    """
    if workers is None:
        yield None
        return
    try:
        import distributed
    except ImportError as error:
        what = f"cannot import Dask distributed: {error}"
        raise InputError(what, sys.executable, "pip install '.[cluster]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        count, patience = 1, PATIENCE
        if isinstance(workers, int):
            count, patience = workers, START_UP
            workers = stack.enter_context(_here(workers))
        try:
            client = distributed.Client(workers, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            what = f"no scheduler answers: {error}"
            advice = "start one with: dask scheduler"
            raise InputError(what, f"--workers {workers}", advice) from error
        stack.enter_context(client)
        try:
            client.wait_for_workers(count, timeout=patience)
        except TimeoutError as error:
            what, advice = "the scheduler has no worker", START.format(workers)
            raise InputError(what, f"--workers {workers}", advice) from error
        yield Cluster(client, workers)


@contextmanager
def _here(count: int) -> Iterator[str]:
    """A scheduler in this process and workers in others; gives its address.

    Signals from the terminal do not reach the workers, which end with this process.
    """
    from distributed import LocalCluster

    with (
        TemporaryDirectory(prefix="drdl_workers_") as folder,
        LocalCluster(
            n_workers=0,
            host="127.0.0.1",
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
        ) as local,
    ):
        address = str(local.scheduler_address)
        words = [sys.executable, "-P", "-m", "distributed.cli.dask_worker", address]
        words += ["--nworkers", f"{count}", "--nthreads", "1", "--no-dashboard"]
        # Dask would end a worker that takes most of the memory.
        words += ["--memory-limit", "0", "--death-timeout", "60"]
        words += ["--local-directory", folder]
        with parallel.starting(sys.executable):
            started = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONSAFEPATH": "1"},
                start_new_session=True,
            )
        try:
            yield address
        finally:
            os.killpg(started.pid, signal.SIGTERM)
            started.wait()


# --- In the workers

_ready: dict[str, str] = {}  # tasks' keys, and the digest that each gave
_one_at_a_time = threading.RLock()  # nets are for one thread


def _prepared(task: Task[Any, Any], expected: Expected) -> None:
    """Refuses to compute other bits than the machine that asks.

    Raises:
        InputError: it would.
    """
    with _one_at_a_time:
        if task.key not in _ready:
            _ready[task.key] = task.prepare()
        if _ready[task.key] != expected.digest:
            raise InputError(
                f"a worker computes other bits than this machine: {about()}; here "
                f"{expected.about}",
                f"worker on {platform.node()}",
                "give it the same version of the project, and the same kernel of "
                "OpenBLAS (OPENBLAS_CORETYPE), or leave it out",
            )


def _do(task: Task[Item, Result], expected: Expected, item: Item) -> Result:
    _prepared(task, expected)
    with _one_at_a_time:
        return task(item)


def drawn_photograph() -> bytes:
    """A JPEG that all must decode alike."""
    import cv2

    noise = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", cv2.GaussianBlur(noise, (0, 0), 3))[1])


def about() -> str:
    """What this process computes with, in words."""
    from threadpoolctl import threadpool_info

    kernels = sorted({f"{one.get('architecture')}" for one in threadpool_info()})
    packages = "pydrdl", "numpy", "opencv-python-headless"
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    loops = os.environ.get("DRDL_KERNELS")
    return ", ".join(
        [
            versions,
            f"BLAS kernels {' '.join(kernels) or 'unknown'}",
            *([f"DRDL_KERNELS={loops}"] if loops else []),
        ]
    )
