"""Runs the steps of a chain that are not done."""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from pydrdl import children
from pydrdl.errors import InputError
from pydrdl.steps.alone import alone
from pydrdl.steps.forecast import Forecast, Left
from pydrdl.steps.record import Record, recipes
from pydrdl.steps.step import Step, end_of, log_of


@dataclass(frozen=True)
class Event:
    """What happened to a step.

    Attributes:
        step: which.
        number, total: its place in the chain, from 1.
        seconds: how long its last attempt ran; None where it only begins.
        ran: whether it ran now.
        expected: the seconds that it is expected to take; None where unknown.
        left: of the chain, this step included where it only begins.
    """

    step: Step
    number: int
    total: int
    seconds: float | None
    ran: bool
    expected: float | None
    left: Left


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
        records = {step.name: Record(work, step, recipe[step.name]) for step in steps}
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
                _clear_partial(step.output)
                tell(False, record.seconds)
                return
            record.begin()
            forecast.begin(step)
            tell(True, None)
            started = time.monotonic()
            _run(step, work)
            record.finish(time.monotonic() - started)
            forecast.end(step, None if record.taken_up else record.timing)
            tell(True, record.seconds)

        _work_off(steps, run, jobs)


def _clear_partial(output: Path) -> None:
    """Deletes what a kill just after a file had its name has left of its making."""
    partial = output.with_name(f"{output.name}.partial")
    if partial.is_file():
        partial.unlink()


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
                children.stop_all()
                for future in wait(running, timeout=0.1).done:
                    del running[future]
            raise


def _run(step: Step, work: Path) -> None:
    log = log_of(step, work)
    if step.action is not None:
        step.action(log)
        return
    code = children.run(_resolved(step.command), log)
    if code:
        raise failure(step.name, code, log)


def failure(what: str, code: int, log: Path) -> InputError:
    """The error of a command that failed, with the end of its log."""
    return InputError(
        f"{what} failed with exit code {code}{end_of(log)}",
        log,
        "mend what it names, then give the same command again",
    )


def _resolved(command: Sequence[str]) -> list[str]:
    """The command with this interpreter for "python"."""
    first = sys.executable if command[0] == "python" else command[0]
    return [first, *command[1:]]
