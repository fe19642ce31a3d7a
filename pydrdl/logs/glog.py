"""What stands in front of a logged line: glog's prefix, and whatever is before it."""

import math
import re
from dataclasses import dataclass
from datetime import datetime

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
