"""Bytes of a log to its lines, whole or as far as they have been written."""

import codecs
import math
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydrdl.errors import InputError

MAX_LINE = 1 << 16  # characters; Caffe's own lines have a few hundred
# A file of more text holds more than what Caffe says of iterations.
MAX_BYTES = 1 << 32
# Of a binary file so much is read, in case that lines follow: a hole, say.
MAX_NOISE = 1 << 24
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNFIT = ("\0", "\N{REPLACEMENT CHARACTER}")


class LineDecoder:
    """Takes a log in pieces of any size, and gives its whole lines.

    UTF-8, or UTF-16 as PowerShell writes it. Null characters are left out: they
    stand in UTF-16 without its mark, and in holes that a crash leaves. A line of
    more than MAX_LINE characters is no line of Caffe's, and is left out too.

    Attributes:
        read: how many bytes were taken.
    """

    def __init__(self) -> None:
        self.read = self._characters = self._unfit = 0
        self._start = b""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._rest = ""
        self._skips = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that end in these bytes."""
        self.read += len(data)
        if self._decoder is None:
            data = self._start + data
            if len(data) < 2:
                self._start = data
                return []
            encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        text = self._decoder.decode(data)
        self._characters += len(text)
        self._unfit += sum(map(text.count, _UNFIT))
        text = text.replace("\0", "")
        first, *others = text.replace("\r", "\n").split("\n")
        lines = [self._rest + first, *others]
        if self._skips:
            lines[0] = ""
        self._rest = lines.pop()
        self._skips = len(self._rest) > MAX_LINE or (self._skips and not others)
        if self._skips:
            self._rest = ""
        return [line for line in lines if len(line) <= MAX_LINE]

    @property
    def is_binary(self) -> bool:
        """Whether what was read is hardly text."""
        return 10 * self._unfit > self._characters

    def refuse_noise(self, where: object) -> None:
        """Ends the search for lines in what is no log.

        Raises:
            InputError: many bytes were read, and they are no text.
        """
        if self.is_binary and self.read > MAX_NOISE:
            raise no_log(where, is_binary=True)


def refuse_huge(size: int, where: object) -> None:
    """Refuses a log that would be read for very long.

    Args:
        size: in bytes.
        where: the log.

    Raises:
        InputError: it is larger than MAX_BYTES.
    """
    if size > MAX_BYTES:
        raise InputError(
            f"a log of {size:,} bytes; more than {MAX_BYTES:,} are not read",
            where,
            "keep the lines that count: grep -aE 'Iteration|net output|Test (loss|"
            "score)|Solving|Resuming|Restoring|Optimization' LOG > SMALLER",
        )


def no_log(where: object, *, is_binary: bool) -> InputError:
    """The error for a file that shows no iteration."""
    give = "give what `caffe train` wrote to stderr, of a solver with display"
    if is_binary:
        return InputError("a binary file, no log of caffe train", where, give)
    what = 'no iteration is shown: no line says "Iteration N, loss = ..."'
    return InputError(what, where, give)


# What stands in front of a logged line: glog's prefix, and whatever is before it.


# Severity, [year], month, day, time, thread, file; the year since glog 0.6.
_PREFIX = re.compile(
    r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9})\s+"
    r"(\d{1,20}) [^\]]*\] ?"
)
# Colours, as docker-compose gives each container's name one.
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_DAY = 86400.0


@dataclass(frozen=True)
class Message:
    """A line taken apart.

    Attributes:
        text: what was logged, without what stands in front of it.
        thread: that logged it; "" without glog's prefix.
        time: seconds since some fixed moment; None without glog's prefix, or
            where that names no possible moment.
    """

    text: str
    thread: str = ""
    time: float | None = None


class PrefixReader:
    """Takes lines in order."""

    def __init__(self) -> None:
        self._turns = 0.0
        self._last = -math.inf

    def take(self, line: str) -> Message:
        """Takes a line apart.

        In front of glog's prefix may stand what mpirun, docker-compose and others
        put there. Of two prefixes the last counts: a line that was cut off has no
        end, and the next begins behind it.
        """
        if "\x1b" in line:
            line = _ESCAPE.sub("", line)
        prefixes = list(_PREFIX.finditer(line))
        if not prefixes:
            return Message(line.strip())
        prefix = prefixes[-1]
        return Message(line[prefix.end() :].strip(), prefix[8], self._seconds(prefix))

    def _seconds(self, prefix: re.Match[str]) -> float | None:
        year, *parts, fraction = prefix.group(1, 2, 3, 4, 5, 6, 7)
        month, day, hour, minute, second = map(int, parts)
        try:
            # Old prefixes lack the year; a leap year has every day.
            moment = datetime(int(year or 2000), month, day, hour, minute, second)
        except ValueError:
            return None
        now = (moment - datetime(2000, 1, 1)).total_seconds() + float(f"0.{fraction}")
        if not year:
            if now + self._turns < self._last - 180 * _DAY:
                self._turns += 366 * _DAY  # New Year's Eve
            now += self._turns
        self._last = now
        return now


# The lines that count, in the forms that the several Caffes give them.
#
# BVLC's of all years, first today's:
#
#     Iteration 20 (1.5 iter/s, 13.3s/20 iters), loss = 0.93
#         Train net output #0: ccl_loss = 0.4 (* 0.5 = 0.2 loss)
#     Iteration 20, lr = 0.01
#     Iteration 20, Testing net (#0)
#     Test loss: 1.2
#         Test net output #0: accuracy = 0.7
#
#     Iteration 20, loss = 0.93                 (2014 and 2015, and a run's last line)
#     Iteration 20, Testing net                 (2014; 2013: "Testing net")
#     Test score #0: 0.7                        (2014)
#
# NVIDIA's, first of 2015, then of 0.14 to 0.17:
#
#     Iteration 20 (1.5/s), loss = 0.93
#     Iteration 20 (1.5/s), lr = 0.01
#     Iteration 0 (0.04 s), loss = 0.93
#     Iteration 20 (1.5 iter/s, 13.3s/20 iter), 1.2/100ep, loss = 0.93
#     Iteration 20, lr = 0.01, m = 0.9, wd = 0.0005, gs = 1
#
# Others put something before "Iteration" and behind the loss.


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
