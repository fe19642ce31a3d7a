"""Reads what `caffe train` logged: losses, net outputs, learning rate, times.

Which lines count is told in forms.py. A log may hold several runs (it was appended
to, or training went on from a snapshot), and may end in the middle of a line. Values
that are not finite are kept: a run that diverged shows where.
"""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path

from pydrdl.files import exists, open_bytes
from pydrdl.logs import lines
from pydrdl.logs.lines import LineDecoder, Message, Phase, PrefixReader, refuse_huge

# The columns of table.py that are no net output.
COLUMNS = ("NumIters", "Seconds", "LearningRate", "Run", "TestNet", "IterPerSecond",
           "Loss", "NotFinite")  # fmt: skip
PIECE = 1 << 20  # bytes


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
        named = {"LearningRate": self.learning_rate, "Loss": self.loss}
        named |= {column_of(top): value for top, value in self.values.items()}
        return [n for n, v in named.items() if v is not None and not math.isfinite(v)]


def column_of(top: str) -> str:
    """A top's column in the tables: its name, unless another column has that."""
    return f"{top} (output)" if top in COLUMNS else top


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
        self._prefixes = PrefixReader()
        self._began: float | None = None
        self._solver = ""  # the thread that began the run
        self._rate: lines.Rate | None = None
        self._rate_is_ahead = False  # 2014's Caffe shows it before the loss
        self._stopped = self._shown = False
        self._resuming = ""
        # Threads write whole lines, but in any order: GPUs were one thread each.
        self._open: dict[str, Row] = {}

    def feed(self, line: str) -> None:
        """Takes one whole line, with or without its end."""
        if not lines.may_count(line):
            return
        message = self._prefixes.take(line)
        said = lines.understand(message.text)
        row = self._open.get(message.thread)
        if isinstance(said, lines.Output):
            self._add_output(row, said)
        elif isinstance(said, lines.TrainLoss):
            row = self._start("train", 0, said.iteration, message)
            row.loss = said.loss
            # Before a run's first row Caffe has not set what it counts from.
            row.speed = said.speed if self._shown else None
            self._shown = True
        elif isinstance(said, lines.TestBegins):
            iteration = said.iteration
            if iteration is None:
                iteration = self._latest("train", 0) or 0
            self._start("test", said.net, iteration, message)
        elif isinstance(said, lines.Rate):
            self._set_rate(row, said)
        elif isinstance(said, lines.TestLoss):
            if row is not None and row.phase == "test":
                row.loss = said.loss
        elif said is not None:
            self._mark(said, message)

    def _mark(self, said: lines.Line, message: Message) -> None:
        """Lines about a whole run."""
        if isinstance(said, lines.RunBegins):
            if not self._is_another_rank(message):
                self._new_run(message)
                self._rate = None
        elif isinstance(said, lines.Resumes):
            # The command says it before "Solving", Solver::Solve after it.
            if not said.begun:
                self._resuming = said.state
            elif self.log.runs:
                self.log.runs[-1].resumed_from = said.state
        elif isinstance(said, lines.RunEnds):
            self._stopped = self._stopped or not said.done
            if said.done and self.log.runs:
                self.log.runs[-1].done = not self._stopped

    def _is_another_rank(self, message: Message) -> bool:
        """Whether a rank of mpirun begins the run that another has begun."""
        if not self.log.runs or self._resuming or self.log.runs[-1].done:
            return False
        # Iterations come in order: the last rows tell how far the run is.
        is_far = any(r.iteration for r in self.log.rows[-2:] if r.run == self._run)
        return message.thread not in ("", self._solver) and not is_far

    @property
    def _run(self) -> int:
        return len(self.log.runs) - 1

    def _new_run(self, message: Message) -> None:
        self.log.runs.append(Run(self._resuming))
        self._resuming = ""
        self._open.clear()
        self._began, self._solver = message.time, message.thread
        self._stopped = self._shown = False

    def _start(self, phase: Phase, net: int, iteration: int, message: Message) -> Row:
        """The row that the thread's next lines belong to."""
        last = self._latest(phase, net)
        if not self.log.runs or (last is not None and iteration < last):
            self._new_run(message)  # its first lines are missing
            last = None
            if not self._rate_is_ahead:
                self._rate = None
        if self._began is None:
            self._began = message.time
        seconds = None
        if message.time is not None and self._began is not None:
            seconds = message.time - self._began
        rate = None if self._rate is None else self._rate.rate
        row = Row(self._run, phase, net, iteration, seconds, rate)
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

    def _add_output(self, row: Row | None, output: lines.Output) -> None:
        if row is None or row.phase != output.phase:
            return
        name, taken = output.top, 0
        while name in row.values:
            taken += 1
            name = f"{output.top}[{taken}]"
        row.values[name] = output.value
        if output.weight is not None:
            self.log.loss_weights[name] = output.weight

    def _set_rate(self, row: Row | None, rate: lines.Rate) -> None:
        self._rate = rate
        self._rate_is_ahead = True
        if row and (row.phase, row.iteration) == ("train", rate.iteration):
            self._rate_is_ahead = False
            row.learning_rate = rate.rate


def read_log(path: Path) -> TrainingLog:
    """Reads a log.

    Raises:
        InputError: it cannot be read, is huge or binary, or shows no iteration.
    """
    parser, decoder = LogParser(), lines.LineDecoder()
    with open_bytes(path, "the log", "name a log of caffe train") as file:
        lines.refuse_huge(os.fstat(file.fileno()).st_size, path)
        while piece := file.read(PIECE):
            for line in decoder.feed(piece):
                parser.feed(line)
            if not parser.log.rows:
                decoder.refuse_noise(path)
    if not parser.log.rows:
        raise lines.no_log(path, is_binary=decoder.is_binary)
    return parser.log


# Reads a log that is still being written.


class GrowingLog:
    """A log file read as far as it has been written.

    Args:
        path: of the log; it need not be there yet.
    """

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
        if not exists(self.path):
            return self._parser.log
        with open_bytes(self.path, "the log", "name a log of caffe train") as file:
            found = os.fstat(file.fileno())
            refuse_huge(found.st_size, self.path)
            if found.st_ino != self._file or found.st_size < self._lines.read:
                self._restart(found.st_ino)
            file.seek(self._lines.read)
            while piece := file.read(PIECE):
                for line in self._lines.feed(piece):
                    self._parser.feed(line)
                if not self._parser.log.rows:
                    self._lines.refuse_noise(self.path)
        return self._parser.log

    @property
    def done(self) -> bool:
        """Whether the last run that it shows reached its end."""
        runs = self._parser.log.runs
        return bool(runs) and runs[-1].done
