"""How long what is left of a chain will take, from what earlier steps took.

A step is expected to take as long as it took before, to its end, or else as the
steps that are most like it did; where none has run, nothing is said of it.
"""

import heapq
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydrdl.steps.record import Timing
from pydrdl.steps.step import Step


@dataclass(frozen=True)
class Left:
    """What is left of a chain.

    Attributes:
        seconds: that the steps with a known time will take, about.
        timed: how many these are.
        untimed: steps of which no time is known.
    """

    seconds: float
    timed: int
    untimed: int


class Forecast:
    """Watches a chain while its steps run, on several threads maybe.

    Args:
        steps: all of it, in their order.
        timings: of steps that have run before, by name.
        done: names of the steps that need not run.
        jobs: steps that run at a time.
        clock: gives the time, in seconds.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        timings: Mapping[str, Timing],
        done: Iterable[str],
        jobs: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps, self._jobs, self._clock = steps, jobs, clock
        self._timings = dict(timings)
        self._done = set(done)
        self._began: dict[str, float] = {}
        self._lock = threading.Lock()

    def begin(self, step: Step) -> None:
        """Notes that a step begins to run."""
        with self._lock:
            self._began[step.name] = self._clock()

    def end(self, step: Step, timing: Timing | None) -> None:
        """Notes that a step is done.

        Args:
            step: which.
            timing: of it; None where it was only taken up.
        """
        with self._lock:
            self._began.pop(step.name, None)
            self._done.add(step.name)
            if timing is not None:
                self._timings[step.name] = timing

    def expected(self, step: Step) -> float | None:
        """The seconds that a step is expected to take; None where nothing is known."""
        with self._lock:
            return self._expected(step)

    def left(self) -> Left:
        """What is left now."""
        with self._lock:
            waiting = [step for step in self._steps if step.name not in self._done]
            times = {step.name: self._expected(step) for step in waiting}
            known = {name: t for name, t in times.items() if t is not None}
            return Left(
                self._makespan(waiting, known), len(known), len(times) - len(known)
            )

    def _expected(self, step: Step) -> float | None:
        own = self._timings.get(step.name)
        if own is not None:
            return own.seconds * step.amount / own.amount
        for kind in (_without_numbers, _beginning, _first_word):
            like = [
                timing.seconds * step.amount / timing.amount
                for other in self._steps
                if (timing := self._timings.get(other.name)) is not None
                and kind(other) == kind(step)
            ]
            if like:
                return statistics.median(like)
        return None

    def _makespan(self, waiting: Sequence[Step], known: Mapping[str, float]) -> float:
        """Seconds until all have run, in the order of _work_off(); unknown: 0."""
        now = 0.0
        running: list[tuple[float, str]] = []
        queue = list(waiting)
        blocked = {step.name for step in waiting}
        for step in waiting:
            if step.name in self._began:
                spent = self._clock() - self._began[step.name]
                seconds = max(0.0, known.get(step.name, 0.0) - spent)
                heapq.heappush(running, (seconds, step.name))
                queue.remove(step)
        while queue or running:
            free = self._jobs - len(running)
            ready = [step for step in queue if blocked.isdisjoint(step.after)]
            for step in ready[: max(0, free)]:
                queue.remove(step)
                heapq.heappush(running, (now + known.get(step.name, 0.0), step.name))
            now, name = heapq.heappop(running)
            blocked.discard(name)
        return now


def _without_numbers(step: Step) -> tuple[str, bool]:
    """What steps have in common that differ by seed, split or snapshot."""
    return re.sub(r"\d+", "#", step.name), _on_gpu(step)


def _beginning(step: Step) -> tuple[str, bool]:
    """What steps have in common that differ by what was changed in a net too."""
    return "/".join(step.name.split("/")[:2]), _on_gpu(step)


def _first_word(step: Step) -> tuple[str, bool]:
    """What trainings of all nets have in common, for one."""
    return step.name.split("/")[0], _on_gpu(step)


def _on_gpu(step: Step) -> bool:
    return "--gpu" in step.command
