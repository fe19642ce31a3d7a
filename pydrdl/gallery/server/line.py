"""One net for all who ask: a line of bounded length before it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
MOST_WAITING = 16
ASKED_EVERY = 0.1  # seconds between looks whether who asked is still there


class FullError(Exception):
    """The line is full: come again later."""


class GoneError(Exception):
    """Who asked has gone."""


class Line:
    """Runs work one after another on one thread, which all of it shares."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._thread = ThreadPoolExecutor(1, "net")
        self._most, self._lock = most, threading.Lock()
        self.waiting = 0  # with what is being done
        self.done = 0

    def at_once(self, work: Callable[[], Result]) -> Result:
        """Runs work and waits for it; not of a request."""
        return self._thread.submit(work).result()

    async def run(
        self, work: Callable[[], Result], gone: Callable[[], Awaitable[bool]]
    ) -> Result:
        """Runs work when its turn comes.

        Args:
            work: what to do.
            gone: whether who asked has gone; what has not begun by then is not done.

        Raises:
            FullError: too many wait.
            GoneError: who asked has gone.
        """
        with self._lock:
            if self.waiting >= self._most:
                raise FullError
            self.waiting += 1

        def counted() -> Result:
            result = work()
            self.done += 1
            return result

        try:
            future = self._thread.submit(counted)
            waited = asyncio.wrap_future(future)
            try:
                while not (await asyncio.wait({waited}, timeout=ASKED_EVERY))[0]:
                    if await gone() and future.cancel():
                        raise GoneError
                return waited.result()
            except (asyncio.CancelledError, CancelledError) as error:
                future.cancel()
                raise GoneError from error
        finally:
            with self._lock:
                self.waiting -= 1

    def close(self) -> None:
        """Waits for what is being done, and does no more."""
        self._thread.shutdown(cancel_futures=True)
