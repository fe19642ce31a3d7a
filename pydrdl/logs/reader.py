"""Reads what `caffe train` logged: losses, net outputs, learning rate, times.

The lines that count come in the forms of several Caffes. BVLC's, first today's:

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

Others put something before "Iteration" and behind the loss. A log may hold several
runs (it was appended to, or training went on from a snapshot), and may end in the
middle of a line. Values that are not finite are kept: a run that diverged shows where.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydrdl.errors import InputError
from pydrdl.files import exists, open_bytes
from pydrdl.logs.lines import LineDecoder, Message, PrefixReader, number

Phase = Literal["train", "test"]

# The columns of table.py that are no net output.
COLUMNS = ("NumIters", "Seconds", "LearningRate", "Run", "TestNet", "IterPerSecond",
           "Loss", "NotFinite")  # fmt: skip
PIECE = 1 << 20  # bytes that are read at a time
# A file of more text holds more than what Caffe says of iterations.
MAX_BYTES = 1 << 32
# Of a binary file so much is read, in case that lines follow: a hole, say.
MAX_NOISE = 1 << 24
# Lines without one of these say nothing of an iteration; most are such.
_WORDS = (
    "Iteration ", " net output #", "Test score #", "Test loss: ", "Testing net",
    "Solving ", "Resuming from ", "Restoring previous ", "Optimization ",
)  # fmt: skip


@dataclass
class LogRow:
    """What was shown at one iteration."""

    run: int  # of the log, from 0
    phase: Phase
    net: int  # number of the test net; 0 in training
    iteration: int
    seconds: float | None  # since the run began; None without glog's prefix
    learning_rate: float | None = None  # the one last shown in this run
    speed: float | None = None  # iterations a second since the row before
    loss: float | None = None  # the smoothed total; in tests with test_compute_loss
    # Every net output, by the name of its top; elements of a top with several are
    # called top, top[1], top[2] and so on.
    values: dict[str, float] = field(default_factory=dict)

    @property
    def not_finite(self) -> list[str]:
        """Names of the table's columns that are NaN or infinite (table.py)."""
        named = {"LearningRate": self.learning_rate, "Loss": self.loss}
        named |= {column_of(top): value for top, value in self.values.items()}
        return [n for n, v in named.items() if v is not None and not math.isfinite(v)]


def column_of(top: str) -> str:
    """A top's column in the tables: its name, unless another column has that."""
    return f"{top} (output)" if top in COLUMNS else top


@dataclass
class Run:
    """One `caffe train`."""

    resumed_from: str = ""  # the solver state that it went on from
    done: bool = False  # it reached its end, and was not stopped or killed


@dataclass
class TrainingLog:
    """What a log holds so far."""

    runs: list[Run] = field(default_factory=list)
    rows: list[LogRow] = field(default_factory=list)  # in order, of both phases
    loss_weights: dict[str, float] = field(default_factory=dict)  # of tops
    repeated: int = 0  # rows left out, since another GPU had shown the iteration

    def of(self, phase: Phase, run: int | None = None) -> list[LogRow]:
        """The rows of a phase, of one run or of all."""
        return [r for r in self.rows if r.phase == phase and run in (None, r.run)]

    def tops(self, phase: Phase) -> list[str]:
        """Names of all net outputs of a phase, in the order they were shown."""
        return list(dict.fromkeys(top for row in self.of(phase) for top in row.values))


class LogParser:
    """Takes a log line by line; `log` holds what was read so far."""

    def __init__(self) -> None:
        self.log = TrainingLog()
        self._prefixes = PrefixReader()
        self._began: float | None = None
        self._solver = ""  # the thread that began the run
        self._rate: float | None = None
        self._rate_is_ahead = False  # 2014's Caffe shows it before the loss
        self._stopped = self._shown = False
        self._resuming = ""
        # Threads write whole lines, but in any order: GPUs were one thread each.
        self._open: dict[str, LogRow] = {}

    def feed(self, line: str) -> None:
        """Takes one whole line, with or without its end."""
        if not any(word in line for word in _WORDS):
            return
        message = self._prefixes.take(line)
        for form, take in _FORMS:
            if found := form.search(message.text):
                take(self, found, message)
                return

    def _take_output(self, found: re.Match[str], message: Message) -> None:
        phase: Phase = "train" if found[1] == "Train" else "test"
        top = self._add(message, phase, found[2], number(found[3]))
        if top and found[4] is not None:
            self.log.loss_weights[top] = number(found[4])

    def _take_score(self, found: re.Match[str], message: Message) -> None:
        """An output of a test net, before they had names."""
        self._add(message, "test", f"score_{int(found[1])}", number(found[2]))

    def _add(self, message: Message, phase: Phase, top: str, value: float) -> str:
        """Adds to the row that the thread has begun; the name that it has there."""
        row = self._open.get(message.thread)
        if row is None or row.phase != phase:
            return ""
        name, taken = top, 0
        while name in row.values:
            taken += 1
            name = f"{top}[{taken}]"
        row.values[name] = value
        return name

    def _take_loss(self, found: re.Match[str], message: Message) -> None:
        row = self._begin_row("train", 0, int(found[1]), message)
        row.loss = number(found[3])
        speed = re.match(r"(\S+?)(?: iter)?/s(?:,|$)", found[2] or "")
        # Before a run's first row Caffe has not set what it counts from.
        if speed and self._shown:
            row.speed = number(speed[1])
        self._shown = True

    def _take_rate(self, found: re.Match[str], message: Message) -> None:
        """The learning rate: of the row above it, or of the one to come."""
        row = self._open.get(message.thread)
        self._rate = number(found[3])
        self._rate_is_ahead = True
        if row and (row.phase, row.iteration) == ("train", int(found[1])):
            self._rate_is_ahead = False
            row.learning_rate = self._rate

    def _take_testing(self, found: re.Match[str], message: Message) -> None:
        """A test net's outputs follow, of the last iteration where none is named."""
        last = (self._latest("train", 0) or 0) if found[1] is None else int(found[1])
        self._begin_row("test", int(found[2] or 0), last, message)

    def _take_test_loss(self, found: re.Match[str], message: Message) -> None:
        row = self._open.get(message.thread)
        if row is not None and row.phase == "test":
            row.loss = number(found[1])

    def _take_resuming(self, found: re.Match[str], message: Message) -> None:
        """A solver state is read: the command says it first, the solver later."""
        if found[1] == "Resuming":
            self._resuming = found[2]
        elif self.log.runs:
            self.log.runs[-1].resumed_from = found[2]

    def _take_end(self, found: re.Match[str], message: Message) -> None:
        """Training came to its end, or was stopped early."""
        self._stopped = self._stopped or found[1] != "Done"
        if found[1] == "Done" and self.log.runs:
            self.log.runs[-1].done = not self._stopped

    def _take_solving(self, found: re.Match[str], message: Message) -> None:
        """A run begins, unless a rank of mpirun joins the one that another began."""
        runs = self.log.runs
        if runs and not self._resuming and not runs[-1].done:
            # Iterations come in order: the last rows tell how far the run is.
            is_far = any(r.iteration for r in self.log.rows[-2:] if r.run == self._run)
            if message.thread not in ("", self._solver) and not is_far:
                return
        self._begin_run(message)
        self._rate = None

    @property
    def _run(self) -> int:
        return len(self.log.runs) - 1

    def _begin_run(self, message: Message) -> None:
        self.log.runs.append(Run(self._resuming))
        self._resuming = ""
        self._open.clear()
        self._began, self._solver = message.time, message.thread
        self._stopped = self._shown = False

    def _begin_row(
        self, phase: Phase, net: int, iteration: int, message: Message
    ) -> LogRow:
        """The row that the thread's next lines belong to."""
        last = self._latest(phase, net)
        if not self.log.runs or (last is not None and iteration < last):
            self._begin_run(message)  # its first lines are missing
            last = None
            if not self._rate_is_ahead:
                self._rate = None
        if self._began is None:
            self._began = message.time
        seconds = None
        if message.time is not None and self._began is not None:
            seconds = message.time - self._began
        row = LogRow(self._run, phase, net, iteration, seconds, self._rate)
        self._open[message.thread] = row
        if iteration == last:
            self.log.repeated += 1  # kept open, so that its lines go nowhere else
        else:
            self.log.rows.append(row)
        return row

    def _latest(self, phase: Phase, net: int) -> int | None:
        """The last iteration shown in this run."""
        for row in reversed(self.log.rows):
            if row.run != self._run:
                return None
            if (row.phase, row.net) == (phase, net):
                return row.iteration
        return None


_ITERATION = r"\bIteration (\d{1,18})"
_SPEED = r"(?: \(([^()]*)\))?"
_END = r"(?=[,\s]|$)"
_FORMS: tuple[
    tuple[re.Pattern[str], Callable[[LogParser, re.Match[str], Message], None]], ...
] = tuple(
    (re.compile(form), take)
    for form, take in (
        (r"\b(Train|Test) net output #\d+: ([^\s=][^=]*?) = (\S+)"
         r"(?: \(\* (\S+) = \S+ loss\))?$", LogParser._take_output),
        (rf"{_ITERATION}{_SPEED},(?: [^=,]*,)? loss = ([^\s,]+){_END}",
         LogParser._take_loss),
        (rf"{_ITERATION}{_SPEED}, lr = ([^\s,]+){_END}", LogParser._take_rate),
        (rf"(?:{_ITERATION}, |^|\] )Testing net(?: \(#(\d{{1,9}})\))?$",
         LogParser._take_testing),
        (r"\bTest score #(\d{1,9}): (\S+)$", LogParser._take_score),
        (r"\bTest loss: (\S+)$", LogParser._take_test_loss),
        (r"\b(Resuming|Restoring previous solver status) from (.+)",
         LogParser._take_resuming),
        (r"\bOptimization (stopped early|Done)", LogParser._take_end),
        (r"(?:^|\s)Solving \S", LogParser._take_solving),
    )
)  # fmt: skip


class GrowingLog:
    """A log file, which need not be there yet, read as far as it has been written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._restart(0)

    def _restart(self, file: int) -> None:
        self._file = file
        self._parser, self._lines = LogParser(), LineDecoder()

    def poll(self) -> TrainingLog:
        """What the log holds by now.

        A file that became shorter, or was put in the other's place, is read anew.

        Raises:
            InputError: it is there and cannot be read, or is huge or binary.
        """
        return self.read() if exists(self.path) else self._parser.log

    def read(self) -> TrainingLog:
        """As poll(), of a log that must be there."""
        with open_bytes(self.path, "the log", "name a log of caffe train") as file:
            found = os.fstat(file.fileno())
            if found.st_size > MAX_BYTES:
                raise InputError(
                    f"a log of {found.st_size:,} bytes; more than {MAX_BYTES:,} are "
                    "not read",
                    self.path,
                    "keep the lines that count: grep -aE 'Iteration|net output|Test "
                    "(loss|score)|Solving|Resuming|Restoring|Optimization' LOG > "
                    "SMALLER",
                )
            if found.st_ino != self._file or found.st_size < self._lines.read:
                self._restart(found.st_ino)
            file.seek(self._lines.read)
            while piece := file.read(PIECE):
                for line in self._lines.feed(piece):
                    self._parser.feed(line)
                is_noise = self._lines.is_binary and self._lines.read > MAX_NOISE
                if is_noise and not self._parser.log.rows:
                    raise self.no_log()
        return self._parser.log

    def no_log(self) -> InputError:
        """The error for a file that shows no iteration."""
        what = 'no iteration is shown: no line says "Iteration N, loss = ..."'
        if self._lines.is_binary:
            what = "a binary file, no log of caffe train"
        give = "give what `caffe train` wrote to stderr, of a solver with display"
        return InputError(what, self.path, give)

    @property
    def done(self) -> bool:
        """Whether the last run that it shows reached its end."""
        runs = self._parser.log.runs
        return bool(runs) and runs[-1].done


def read_log(path: Path) -> TrainingLog:
    """Reads a log.

    Raises:
        InputError: it cannot be read, is huge or binary, or shows no iteration.
    """
    growing = GrowingLog(path)
    log = growing.read()
    if not log.rows:
        raise growing.no_log()
    return log
