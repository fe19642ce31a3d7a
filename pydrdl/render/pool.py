"""Many small tasks on several processes, with few of them in memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, parent_process
from typing import TypeVar

import cv2

from pydrdl.children import Pool
from pydrdl.errors import InputError

Item = TypeVar("Item")
WAITING = 8  # tasks for each process that are handed out ahead


def spread(
    task: Callable[[Item], int], items: Iterable[Item], workers: int | None
) -> Iterator[int]:
    """Runs a task on every item; results in the items' order.

    Args:
        task: can be pickled, as its items can.
        items: taken as they are needed.
        workers: processes; None takes one a processor, 1 stays in this one.

    Raises:
        InputError: a process was killed.
    """
    count = workers or len(os.sched_getaffinity(0))
    if count == 1:
        yield from map(task, items)
        return
    # Forked processes would inherit OpenCV's threads in an unknown state.
    pool = Pool(count, _begin)
    window: deque[Future[int]] = deque()
    try:
        for item in items:
            if len(window) == WAITING * count:
                yield window.popleft().result()
            window.append(pool.submit(task, item))
        while window:
            yield window.popleft().result()
    except BrokenProcessPool as error:
        raise InputError(
            "a process ended before its time, perhaps for want of memory",
            f"--workers {count}",
            "repeat the command to go on, with fewer processes",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """Prepares a process: one thread, and no life after its parent's."""
    cv2.setNumThreads(0)
    parent = parent_process()
    if parent is not None:
        watch = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
        try:
            watch.start()
        except RuntimeError:  # no room for it, which spread() tells
            os._exit(1)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
