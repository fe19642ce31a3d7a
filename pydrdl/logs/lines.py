"""Bytes of a log to what was logged: whole lines, without what stands in front."""

import codecs
import math
import re
from datetime import datetime
from typing import NamedTuple

MAX_LINE = 1 << 16  # characters; Caffe's own lines have a few hundred
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNFIT = ("\0", "\N{REPLACEMENT CHARACTER}")
# Severity, [year], month, day, time, thread, file; the year since glog 0.6.
_PREFIX = re.compile(
    r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{1,9})\s+"
    r"(\d{1,20}) [^\]]*\] ?"
)
# Colours, as docker-compose gives each container's name one.
_ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_DAY = 86400.0
_NUMBER = re.compile(
    r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|inf(?:inity)?)",
    re.ASCII | re.IGNORECASE,
)


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


class Message(NamedTuple):
    """What was logged."""

    text: str  # without what stands in front of it
    thread: str = ""  # that logged it; "" without glog's prefix
    # Seconds since some fixed moment; None without glog's prefix, or where that
    # names no possible moment.
    time: float | None = None


class PrefixReader:
    """Takes lines in order: glog's old prefix has no year, which they tell."""

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
        try:  # a leap year, where none is said, has every day
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


def number(text: str) -> float:
    """What C++ printed; whatever is no number is NaN, as old MSVC's 1.#IND."""
    if text.startswith(("1.#INF", "-1.#INF")):
        return math.copysign(math.inf, float(text.split("#")[0]))
    return float(text) if _NUMBER.fullmatch(text) else math.nan
