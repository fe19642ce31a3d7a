"""What a chain shows while it runs: times of steps, and how long is left."""

import threading
from collections.abc import Callable

from pydrdl.durations import about, exactly
from pydrdl.steps import Event, Left


class Progress:
    """Shows a line where a step begins and one where it ends.

    Args:
        show: shows a line.
    """

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._ran = self._done_before = 0
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Takes what happened to a step; from any thread."""
        with self._lock:
            place = f"[{event.number}/{event.total}] {event.step.name}"
            if not event.ran:
                self._done_before += 1
            elif event.seconds is None:
                if not self._ran:
                    self._show(left_text(event.left))
                self._ran += 1
                self._show(f"{place}{_expected(event)}")
            else:
                took = f"{place}: done in {exactly(event.seconds)}"
                self._show("; ".join(filter(None, (took, left_text(event.left)))))

    def summary(self, seconds: float) -> str:
        """What was done in all.

        Args:
            seconds: that it took.
        """
        if not self._ran:
            return f"all {self._done_before} steps were done before"
        before = f"; {self._done_before} were done before" if self._done_before else ""
        return f"{_steps(self._ran)} done in {exactly(seconds)}{before}"


def left_text(left: Left) -> str:
    """How long is left, as far as it is known; "" where nothing is left."""
    parts = []
    if left.timed:
        parts.append(f"about {about(left.seconds)}")
    if left.untimed:
        parts.append(f"{_steps(left.untimed)} not timed yet")
    return f"left: {' and '.join(parts)}" if parts else ""


def _expected(event: Event) -> str:
    return "" if event.expected is None else f" (about {about(event.expected)})"


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"
