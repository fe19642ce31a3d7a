"""Runs the steps of a chain that are not done, and tells how long is left."""

import heapq
import re
import statistics
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from pydrdl import parallel
from pydrdl.reproduce.steps import (
    Step,
    StepRecord,
    Timing,
    alone,
    failure,
    log_of,
    recipes,
)


@dataclass(frozen=True)
class Left:
    """What is left of a chain."""

    seconds: float  # that the steps with a known time will take, about
    timed: int  # how many these are
    untimed: int  # steps of which no time is known


@dataclass(frozen=True)
class Event:
    """What happened to a step."""

    step: Step
    number: int  # its place in the chain, from 1
    total: int
    seconds: float | None  # that its last attempt ran; None where it only begins
    ran: bool  # now
    expected: float | None  # seconds that it is expected to take
    left: Left  # of the chain, this step included where it only begins


def run_steps(
    steps: Sequence[Step],
    work: Path,
    report: Callable[[Event], object] = lambda event: None,
    *,
    jobs: int = 1,
) -> None:
    """Runs the steps that are not done, each when those it reads from are.

    Args:
        steps: each after those it reads from; all outputs lie in work.
        work: the folder of the chain, of nothing else: what a changed recipe
            made is deleted there.
        report: told when a step begins, ends, or is found done; with several
            jobs, from several threads.
        jobs: steps that run at a time; one keeps their order.

    Raises:
        InputError: a step failed, an output has not been made by its step, or
            another command works in the folder. Steps that run beside a failed
            one are let end, and none begins.
    """
    with alone(work):
        recipe = recipes(steps)
        records = {s.name: StepRecord(work, s, recipe[s.name]) for s in steps}
        places = {step.name: place for place, step in enumerate(steps, 1)}
        forecast = Forecast(
            steps,
            {n: r.timing for n, r in records.items() if r.timing is not None},
            {n for n, r in records.items() if r.is_done()},
            jobs,
        )

        def run(step: Step) -> None:
            def tell(ran: bool, seconds: float | None) -> None:
                place, expected = places[step.name], forecast.expected(step)
                left = forecast.left()
                report(Event(step, place, len(steps), seconds, ran, expected, left))

            record = records[step.name]
            if record.is_done():
                # What a kill just after a file had its name has left of its making.
                partial = step.output.with_name(f"{step.output.name}.partial")
                if partial.is_file():
                    partial.unlink()
                tell(False, record.seconds)
                return
            record.begin()
            forecast.begin(step)
            tell(True, None)
            started = time.monotonic()
            program, *words = step.command
            program = sys.executable if program == "python" else program
            if code := parallel.run([program, *words], log_of(step, work)):
                raise failure(step.name, code, log_of(step, work))
            record.finish(time.monotonic() - started)
            forecast.end(step, None if record.taken_up else record.timing)
            tell(True, record.seconds)

        _work_off(steps, run, jobs)


def _work_off(steps: Sequence[Step], run: Callable[[Step], object], jobs: int) -> None:
    """Runs steps on threads, in their order where several could begin."""
    waiting = list(steps)
    running: dict[Future[object], Step] = {}
    over: set[str] = set()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while waiting or running:
                ready = [step for step in waiting if over.issuperset(step.after)]
                for step in ready[: jobs - len(running)]:
                    waiting.remove(step)
                    running[pool.submit(run, step)] = step
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    future.result()
                    over.add(running.pop(future).name)
        except Exception:  # of a step
            raise
        except BaseException:  # a signal: the steps' commands are to end too
            while running:  # one may just be starting its command
                parallel.stop_all()
                for future in wait(running, timeout=0.1).done:
                    del running[future]
            raise


class Forecast:
    """How long what is left of a chain will take; watches it, on several threads maybe.

    A step is expected to take as long as it took before, to its end, or else as the
    steps that are most like it did; where none has run, nothing is said of it.
    Timings of before, and what is done already, are by the steps' names; clock gives
    the time in seconds.
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
        self._lock = threading.RLock()

    def begin(self, step: Step) -> None:
        """Notes that a step begins to run."""
        with self._lock:
            self._began[step.name] = self._clock()

    def end(self, step: Step, timing: Timing | None) -> None:
        """Notes that a step is done; no timing where it was only taken up."""
        with self._lock:
            self._began.pop(step.name, None)
            self._done.add(step.name)
            if timing is not None:
                self._timings[step.name] = timing

    def left(self) -> Left:
        """What is left now."""
        with self._lock:
            waiting = [step for step in self._steps if step.name not in self._done]
            times = {step.name: self.expected(step) for step in waiting}
            known = {name: t for name, t in times.items() if t is not None}
            untimed = len(times) - len(known)
            return Left(self._makespan(waiting, known), len(known), untimed)

    def expected(self, step: Step) -> float | None:
        """The seconds that a step is expected to take; None where nothing is known."""
        with self._lock:
            known = self._timings.items()
            each = {n: t.seconds * step.amount / t.amount for n, t in known}
            if step.name in each:
                return each[step.name]
            ran = [other for other in self._steps if other.name in each]
            for grade, kind in enumerate(_kinds(step)):
                like = [o.name for o in ran if _kinds(o)[grade] == kind]
                if like:
                    return statistics.median(each[name] for name in like)
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


def _kinds(step: Step) -> tuple[Hashable, Hashable, Hashable]:
    """What steps have in common, those most alike first.

    All but seed, split or snapshot; not what was changed in a net; not the net.
    """
    words, gpu = step.name.split("/"), "--gpu" in step.command
    like = re.sub(r"\d+", "#", step.name)
    return (like, gpu), ("/".join(words[:2]), gpu), (words[0], gpu)


class ChainProgress:
    """Shows a line where a step begins and one where it ends."""

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
                if event.expected is not None:
                    place += f" (about {about(event.expected)})"
                self._show(place)
            else:
                took = f"{place}: done in {exactly(event.seconds)}"
                self._show("; ".join(filter(None, (took, left_text(event.left)))))

    def summary(self, seconds: float) -> str:
        """What was done in all, in so many seconds."""
        if not self._ran:
            return f"all {self._done_before} steps were done before"
        before = f"; {self._done_before} were done before" if self._done_before else ""
        return f"{_steps(self._ran)} done in {exactly(seconds)}{before}"


def left_text(left: Left) -> str:
    """How long is left, as far as it is known; "" where nothing is left."""
    timed = f"about {about(left.seconds)}" if left.timed else ""
    untimed = f"{_steps(left.untimed)} not timed yet" if left.untimed else ""
    parts = " and ".join(filter(None, (timed, untimed)))
    return f"left: {parts}" if parts else ""


def _steps(number: int) -> str:
    return f"{number} step{'' if number == 1 else 's'}"


def exactly(seconds: float) -> str:
    """A span of time to the second, from an hour on to the minute."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def about(seconds: float) -> str:
    """As an estimate is worth saying: to ten seconds, minutes, or tens of them."""
    if seconds < 55:
        return f"{max(1, round(seconds / 10)) * 10} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    tens = round(seconds / 600)
    return f"{tens // 6:,} h {tens % 6 * 10} min" if tens % 6 else f"{tens // 6:,} h"
