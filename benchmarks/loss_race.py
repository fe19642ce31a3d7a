"""Contestants that compute one loss, timed in turns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import measured
from loss_work import Work

from pydrdl.errors import InputError

SECONDS = 0.1  # of every contestant in a round, about
# Of the largest value. Float rounds at 6e-8 of it, and a thousand terms are
# summed; a wrong sign or factor is off by 0.1 and more.
TOLERANCE = 1e-5


@dataclass
class Contestant:
    """Something that is timed.

    Attributes:
        name: who.
        run: one pass, or one copy; on a GPU it need not wait for its end.
        result: loss and gradient of the last pass; None for a copy.
        passes: in a round.
        seconds: a pass, of every round.
    """

    name: str
    run: Callable[[], object]
    result: Callable[[], tuple[float, Any]] | None = None
    passes: int = 1
    seconds: list[float] = field(default_factory=list)

    def measure(self, wait: Callable[[], object]) -> float:
        """Seconds a pass, in one round; wait returns when all is computed."""
        self.run()
        wait()
        start = time.perf_counter()
        for _ in range(self.passes):
            self.run()
        wait()
        return (time.perf_counter() - start) / self.passes


@dataclass(frozen=True)
class Outcome:
    """What came of one loss over one batch.

    Attributes:
        layer, way, sets: of the Work.
        bytes: Work.least_bytes.
        seconds: a pass, of every round, by contestant.
        failed: who could not take part, and why.
    """

    layer: str
    way: str
    sets: int
    bytes: int
    seconds: dict[str, list[float]]
    failed: dict[str, str]

    def ratios(self, one: str, other: str) -> list[float]:
        """Seconds of one over seconds of the other, in every round."""
        return measured.ratios(self.seconds[one], self.seconds[other])


def validate(contestant: Contestant, work: Work) -> None:
    """Refuses to time what computes something else.

    Raises:
        InputError: its loss or gradient is not the reference's.
    """
    if contestant.result is None:
        return
    contestant.run()
    loss, gradient = contestant.result()
    largest = abs(work.gradient).max()
    errors = {
        "loss": abs(loss - work.loss) / work.loss,
        "gradient": abs(gradient - work.gradient).max() / largest,
    }
    for what, error in errors.items():
        if not error <= TOLERANCE:
            raise InputError(
                f"{contestant.name}: the {what} is off by {error:.1e} of the "
                f"reference's, more than {TOLERANCE:.0e}",
                f"{work.layer} {work.way}, {work.sets} sets",
                "run tools/gradcheck.py, which says more about Caffe's layers",
            )


def race(
    contestants: Sequence[Contestant], rounds: int, wait: Callable[[], object]
) -> None:
    """Each once in every round, another one first."""
    for contestant in contestants:
        contestant.passes = max(3, int(SECONDS / contestant.measure(wait)))
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            contestant.seconds.append(contestant.measure(wait))
