"""Reads a log that is still being written."""

import os
from pathlib import Path

from pydrdl.files import open_bytes
from pydrdl.logs.reader import PIECE, LogParser, TrainingLog
from pydrdl.logs.text import LineDecoder, refuse_huge
from pydrdl.paths import exists


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
