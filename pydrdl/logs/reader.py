"""Reads what `caffe train` logged: losses, net outputs, learning rate, times.

The lines that count, behind glog's prefix or without one:

    Iteration 20 (1.5 iter/s, 13.3s/20 iters), loss = 0.93
        Train net output #0: ccl_loss = 0.4 (* 0.5 = 0.2 loss)
    Iteration 20, lr = 0.01
    Iteration 20, Testing net (#0)
        Test net output #0: accuracy = 0.7

A log may hold several runs (it was appended to, or training went on from a
snapshot), and may end in the middle of a line. Values that are not finite are
kept: a run that diverged shows where.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydrdl.errors import InputError

Phase = Literal["train", "test"]

# Severity, [year], month, day, time, thread, file; the year since glog 0.6.
_PREFIX = re.compile(
    r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d+)\s+(\d+) [^\]]*\] ?"
)
# NVIDIA's fork puts more between the parentheses and the loss.
_LOSS = re.compile(
    r"Iteration (\d+)(?: \((\S+) iter/s[^)]*\))?,(?:.*,)? loss = ([^\s,]+)"
)
_RATE = re.compile(r"Iteration (\d+), lr = (\S+)$")
_TEST = re.compile(r"Iteration (\d+), Testing net \(#(\d+)\)$")
_OUTPUT = re.compile(
    r"(Train|Test) net output #\d+: (\S+) = (\S+)(?: \(\* (\S+) = \S+ loss\))?$"
)
_TEST_LOSS = re.compile(r"Test loss: (\S+)$")
_RESUMED = re.compile(r"(Resuming|Restoring previous solver status) from (.+)")
_DAY = 86400.0


@dataclass
class Row:
    """What was shown at one iteration.

    Attributes:
        run: which run of the log, from 0.
        phase: "train", or "test" for a test net.
        net: number of the test net; 0 in training.
        iteration: as logged.
        seconds: since the run began; None without glog's prefix.
        learning_rate: the one last shown in this run; None before the first.
        speed: iterations a second since the row before; None for a run's first.
        loss: the smoothed total loss; of a test net only with test_compute_loss.
        values: every net output, by the name of its top; elements of a top
            with several are called top, top[1], top[2] and so on.
    """

    run: int
    phase: Phase
    net: int
    iteration: int
    seconds: float | None
    learning_rate: float | None = None
    speed: float | None = None
    loss: float | None = None
    values: dict[str, float] = field(default_factory=dict)

    @property
    def not_finite(self) -> list[str]:
        """Names of the table's columns that are NaN or infinite (table.py)."""
        named = {"LearningRate": self.learning_rate, "Loss": self.loss} | self.values
        return [n for n, v in named.items() if v is not None and not math.isfinite(v)]


@dataclass
class Run:
    """One `caffe train`.

    Attributes:
        resumed_from: the solver state that it went on from; "" for none.
        done: it reached its end, and was not stopped or killed.
    """

    resumed_from: str = ""
    done: bool = False


@dataclass
class TrainingLog:
    """What a log holds so far.

    Attributes:
        runs: in order; a Row's run is an index into it.
        rows: in order, of both phases.
        loss_weights: of the tops that are losses.
        repeated: rows left out, since another GPU had shown the iteration.
    """

    runs: list[Run] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    loss_weights: dict[str, float] = field(default_factory=dict)
    repeated: int = 0

    def of(self, phase: Phase, run: int | None = None) -> list[Row]:
        """The rows of a phase, of one run or of all."""
        return [r for r in self.rows if r.phase == phase and run in (None, r.run)]

    def tops(self, phase: Phase) -> list[str]:
        """Names of all net outputs of a phase, in the order they were shown."""
        return list(
            dict.fromkeys(name for row in self.of(phase) for name in row.values)
        )


class LogParser:
    """Takes a log line by line; `log` holds what was read so far."""

    def __init__(self) -> None:
        self.log = TrainingLog()
        self._clock = _Clock()
        self._began: float | None = None
        self._rate: float | None = None
        self._stopped = self._shown = False
        self._resuming = ""
        # Threads write whole lines, but in any order: GPUs were one thread each.
        self._open: dict[str, Row] = {}

    def feed(self, line: str) -> None:
        """Takes one whole line, with or without its end."""
        line = line.rstrip()
        prefix = _PREFIX.match(line)
        thread, now = "", None
        if prefix:
            thread, now = prefix[8], self._clock.seconds(prefix)
            line = line[prefix.end() :]
        text = line.strip()
        if output := _OUTPUT.match(text):
            self._add_output(self._open.get(thread), output)
        elif loss := _LOSS.match(text):
            row = self._start("train", 0, int(loss[1]), thread, now)
            row.loss = number(loss[3])
            # Before a run's first row Caffe has not set what it counts from.
            if loss[2] and self._shown:
                row.speed = number(loss[2])
            self._shown = True
        elif test := _TEST.match(text):
            self._start("test", int(test[2]), int(test[1]), thread, now)
        elif rate := _RATE.match(text):
            self._set_rate(self._open.get(thread), int(rate[1]), number(rate[2]))
        elif loss := _TEST_LOSS.match(text):
            shown = self._open.get(thread)
            if shown is not None and shown.phase == "test":
                shown.loss = number(loss[1])
        else:
            self._mark(text, now)

    def _mark(self, text: str, now: float | None) -> None:
        """Lines about a whole run."""
        if text.startswith("Solving "):
            self._new_run(now)
        elif resumed := _RESUMED.match(text):
            # The command says it before "Solving", Solver::Solve after it.
            if resumed[1] == "Resuming":
                self._resuming = resumed[2]
            elif self.log.runs:
                self.log.runs[-1].resumed_from = resumed[2]
        elif text.startswith("Optimization Done") and self.log.runs:
            self.log.runs[-1].done = not self._stopped
        elif text.startswith("Optimization stopped early"):
            self._stopped = True

    def _new_run(self, now: float | None) -> None:
        self.log.runs.append(Run(self._resuming))
        self._resuming = ""
        self._open.clear()
        self._began, self._rate = now, None
        self._stopped = self._shown = False

    def _start(
        self, phase: Phase, net: int, iteration: int, thread: str, now: float | None
    ) -> Row:
        """The row that the thread's next lines belong to."""
        last = self._latest(phase, net)
        if not self.log.runs or (last is not None and iteration < last):
            self._new_run(now)  # its first lines are missing
            last = None
        if self._began is None:
            self._began = now
        seconds = None if now is None or self._began is None else now - self._began
        row = Row(len(self.log.runs) - 1, phase, net, iteration, seconds, self._rate)
        self._open[thread] = row
        if iteration == last:
            self.log.repeated += 1  # kept open, so that its lines go nowhere else
        else:
            self.log.rows.append(row)
        return row

    def _latest(self, phase: Phase, net: int) -> int | None:
        """The last iteration shown in this run."""
        for row in reversed(self.log.rows):
            if row.run != len(self.log.runs) - 1:
                return None
            if (row.phase, row.net) == (phase, net):
                return row.iteration
        return None

    def _add_output(self, row: Row | None, output: re.Match[str]) -> None:
        if row is None or row.phase != output[1].lower():
            return
        name, taken = output[2], 0
        while name in row.values:
            taken += 1
            name = f"{output[2]}[{taken}]"
        row.values[name] = number(output[3])
        if output[4]:
            self.log.loss_weights[name] = number(output[4])

    def _set_rate(self, row: Row | None, iteration: int, rate: float) -> None:
        self._rate = rate
        if row is not None and row.phase == "train" and row.iteration == iteration:
            row.learning_rate = rate


class _Clock:
    """Seconds since some fixed moment, from glog's prefixes."""

    def __init__(self) -> None:
        self._turns = 0.0
        self._last = -math.inf

    def seconds(self, prefix: re.Match[str]) -> float:
        year, *parts, fraction = prefix.group(1, 2, 3, 4, 5, 6, 7)
        # Old prefixes lack the year; a leap year has every day.
        month, day, hour, minute, second = map(int, parts)
        moment = datetime(int(year or 2000), month, day, hour, minute, second)
        now = (moment - datetime(2000, 1, 1)).total_seconds() + float(f"0.{fraction}")
        if not year:
            if now + self._turns < self._last - 180 * _DAY:
                self._turns += 366 * _DAY  # New Year's Eve
            now += self._turns
        self._last = now
        return now


def number(text: str) -> float:
    """What C++ printed; whatever is no number is NaN, as old MSVC's 1.#IND."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def whole_lines(chunks: Iterable[str]) -> Iterator[str]:
    """Yields the lines that have ended; the rest may still be being written."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        yield from lines


def read_log(path: Path) -> TrainingLog:
    """Reads a log.

    Raises:
        InputError: it cannot be read, or shows no iteration.
    """
    parser = LogParser()
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in whole_lines(file):
                parser.feed(line)
    except OSError as error:
        raise InputError(
            f"cannot read the log: {error.strerror}", path, "name a log of caffe train"
        ) from error
    if not parser.log.rows:
        raise InputError(
            'no iteration is shown: no line says "Iteration N, loss = ..."',
            path,
            "give what `caffe train` wrote to stderr, of a solver with display",
        )
    return parser.log
