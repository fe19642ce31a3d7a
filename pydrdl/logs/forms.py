"""The lines that count, in the forms that the several Caffes give them.

BVLC's of all years, first today's:

    Iteration 20 (1.5 iter/s, 13.3s/20 iters), loss = 0.93
        Train net output #0: ccl_loss = 0.4 (* 0.5 = 0.2 loss)
    Iteration 20, lr = 0.01
    Iteration 20, Testing net (#0)
    Test loss: 1.2
        Test net output #0: accuracy = 0.7

    Iteration 20, loss = 0.93                 (2014 and 2015, and a run's last line)
    Iteration 20, Testing net                 (2014; 2013: "Testing net")
    Test score #0: 0.7                        (2014)

NVIDIA's, first of 2015, then of 0.14 to 0.17:

    Iteration 20 (1.5/s), loss = 0.93
    Iteration 20 (1.5/s), lr = 0.01
    Iteration 0 (0.04 s), loss = 0.93
    Iteration 20 (1.5 iter/s, 13.3s/20 iter), 1.2/100ep, loss = 0.93
    Iteration 20, lr = 0.01, m = 0.9, wd = 0.0005, gs = 1

Others put something before "Iteration" and behind the loss.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

Phase = Literal["train", "test"]

_N = r"\bIteration (\d{1,18})"
_SPEED = r"(?: \(([^()]*)\))?"
_END = r"(?=[,\s]|$)"
_LOSS = re.compile(rf"{_N}{_SPEED},(?: [^=,]*,)? loss = ([^\s,]+){_END}")
_RATE = re.compile(rf"{_N}{_SPEED}, lr = ([^\s,]+){_END}")
_TEST = re.compile(rf"(?:{_N}, |^|\] )Testing net(?: \(#(\d{{1,9}})\))?$")
_OUTPUT = re.compile(
    r"\b(Train|Test) net output #\d+: ([^\s=][^=]*?) = (\S+)"
    r"(?: \(\* (\S+) = \S+ loss\))?$"
)
_SCORE = re.compile(r"\bTest score #(\d{1,9}): (\S+)$")
_TEST_LOSS = re.compile(r"\bTest loss: (\S+)$")
_RESUMED = re.compile(r"\b(Resuming|Restoring previous solver status) from (.+)")
_PER_SECOND = re.compile(r"(\S+?)(?: iter)?/s(?:,|$)")
_NUMBER = re.compile(
    r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?)",
    re.ASCII | re.IGNORECASE,
)
# Lines without one of these say nothing of an iteration.
_WORDS = (
    "Iteration ", " net output #", "Test score #", "Test loss: ", "Testing net",
    "Solving ", "Resuming from ", "Restoring previous ", "Optimization ",
)  # fmt: skip


@dataclass(frozen=True)
class TrainLoss:
    """The smoothed total loss; speed in iterations a second, None where unknown."""

    iteration: int
    loss: float
    speed: float | None


@dataclass(frozen=True)
class Rate:
    """The learning rate."""

    iteration: int
    rate: float


@dataclass(frozen=True)
class TestBegins:
    """A test net's outputs follow; iteration None: the one that was shown last."""

    iteration: int | None
    net: int


@dataclass(frozen=True)
class Output:
    """A net output; weight None: it is no loss."""

    phase: Phase
    top: str
    value: float
    weight: float | None


@dataclass(frozen=True)
class TestLoss:
    """A test net's total loss."""

    loss: float


@dataclass(frozen=True)
class RunBegins:
    """`Solving NAME`."""


@dataclass(frozen=True)
class Resumes:
    """A solver state is read: the command says it first, the solver later."""

    state: str
    begun: bool


@dataclass(frozen=True)
class RunEnds:
    """Training came to its end, or was stopped early."""

    done: bool


Line = TrainLoss | Rate | TestBegins | Output | TestLoss | RunBegins | Resumes | RunEnds


def may_count(line: str) -> bool:
    """Whether a line may be one that counts; most are not, and take no time then."""
    return any(word in line for word in _WORDS)


def understand(text: str) -> Line | None:
    """What a line says; None where it does not count.

    Args:
        text: without glog's prefix, and without white space around it.
    """
    if found := _OUTPUT.search(text):
        phase: Phase = "train" if found[1] == "Train" else "test"
        weight = None if found[4] is None else number(found[4])
        return Output(phase, found[2], number(found[3]), weight)
    if found := _LOSS.search(text):
        return TrainLoss(int(found[1]), number(found[3]), _speed(found[2]))
    if found := _RATE.search(text):
        return Rate(int(found[1]), number(found[3]))
    if found := _TEST.search(text):
        iteration = None if found[1] is None else int(found[1])
        return TestBegins(iteration, int(found[2] or 0))
    if found := _SCORE.search(text):
        return Output("test", f"score_{int(found[1])}", number(found[2]), None)
    if found := _TEST_LOSS.search(text):
        return TestLoss(number(found[1]))
    return _of_a_run(text)


def _of_a_run(text: str) -> Line | None:
    if found := _RESUMED.search(text):
        return Resumes(found[2], begun=found[1] != "Resuming")
    if re.search(r"\bOptimization stopped early", text):
        return RunEnds(done=False)
    if re.search(r"\bOptimization Done", text):
        return RunEnds(done=True)
    return RunBegins() if re.search(r"(?:^|\s)Solving \S", text) else None


def _speed(said: str | None) -> float | None:
    found = _PER_SECOND.match(said) if said else None
    return number(found[1]) if found else None


def number(text: str) -> float:
    """What C++ printed; whatever is no number is NaN, as old MSVC's 1.#IND."""
    if text.startswith(("1.#INF", "-1.#INF")):
        return math.copysign(math.inf, float(text.split("#")[0]))
    return float(text) if _NUMBER.fullmatch(text) else math.nan
