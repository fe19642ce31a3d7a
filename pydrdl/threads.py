"""Work on several threads whose results come in order and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import cv2

In = TypeVar("In")
Out = TypeVar("Out")
T = TypeVar("T")

AHEAD = 8  # results a thread may be ahead of their use


def in_order(
    function: Callable[[In], Out],
    items: Iterable[In],
    workers: int | None,
    ahead: int | None = None,
) -> Iterator[Out]:
    """Maps on threads; OpenCV itself takes one thread an item meanwhile.

    Args:
        function: runs without the interpreter lock for the most part.
        items: taken when a thread will soon be free, not before.
        workers: threads; None takes one a processor.
        ahead: results at most that wait or are being made; None takes AHEAD a
            thread. More where many results are used at once.
    """
    count = workers or os.cpu_count() or 1
    most = ahead or AHEAD * count
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    window: deque[Future[Out]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for item in items:
            if len(window) == most:
                yield window.popleft().result()
            window.append(pool.submit(function, item))
        while window:
            yield window.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)


def behind(function: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
    """Maps on one thread while the next item is got ready; results in order."""
    pool = ThreadPoolExecutor(1)
    running: Future[Out] | None = None
    try:
        for item in items:
            if running is not None:
                yield running.result()
            running = pool.submit(function, item)
        if running is not None:
            yield running.result()
    finally:
        pool.shutdown()
