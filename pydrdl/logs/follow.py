"""Reads a log that is still being written."""

import codecs
from pathlib import Path

from pydrdl.errors import InputError
from pydrdl.logs.reader import LogParser, TrainingLog


class GrowingLog:
    """A log file read as far as it has been written.

    Args:
        path: of the log; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._restart()

    def _restart(self) -> None:
        self._read = 0
        self._rest = ""
        self._parser = LogParser()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def poll(self) -> TrainingLog:
        """What the log holds by now; a file that became shorter is read anew.

        Raises:
            InputError: it is there and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self._read:
                    self._restart()
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return self._parser.log
        except OSError as error:
            raise InputError(
                f"cannot read the log: {error.strerror}", self.path, "name a log file"
            ) from error
        self._read += len(new)
        lines = (self._rest + self._decoder.decode(new)).split("\n")
        self._rest = lines.pop()
        for line in lines:
            self._parser.feed(line)
        return self._parser.log

    @property
    def done(self) -> bool:
        """Whether the last run that it shows reached its end."""
        runs = self._parser.log.runs
        return bool(runs) and runs[-1].done
