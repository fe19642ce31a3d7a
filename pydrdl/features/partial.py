"""Features that an extraction has got so far, in `<output>.partial`.

The first line says as JSON what they are made from; batches follow, rows of float32
and a digest of them and of their place. An extraction that was stopped goes on after
the last batch that is whole: the batches are then the same as in one run, and so are
the sums in them.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl import atomic
from pydrdl.errors import InputError
from pydrdl.files import open_bytes
from pydrdl.paths import exists, is_file
from pydrdl.system_errors import writing

SCHEMA = "drdl.partial_features/2"
DIGEST = 16  # bytes
WHAT = "the features so far"
Float32 = NDArray[np.float32]


def partial_path(output: Path) -> Path:
    """Where the extraction to this output keeps what it has."""
    return output.with_name(output.name + ".partial")


class PartialFeatures:
    """The features so far; the file is made with the first batch.

    Args:
        path: the file.
        inputs: what the features are made from, as JSON can hold it.
        width: values of a row.
        batch: rows of a batch.
        total: rows when all are there.

    Attributes:
        rows: that were there at the start.

    Raises:
        InputError: the file is of other inputs, or cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, object],
        width: int,
        batch: int,
        total: int,
    ) -> None:
        self.path, self.width, self._batch, self._total = path, width, batch, total
        head = {"schema": SCHEMA, **inputs, "width": width, "batch": batch}
        self._head = json.dumps(head).encode() + b"\n"
        self.rows = 0
        if exists(path):
            self.rows = sum(map(len, self._whole_batches()))
            with writing(WHAT, path):
                os.truncate(path, self._end_of(self.rows))
        self._written = self.rows

    def read(self) -> Float32:
        """Returns the (rows, width) features that were there at the start."""
        none = np.empty((0, self.width), np.float32)
        return np.concatenate([none, *self._whole_batches()]) if self.rows else none

    def append(self, part: Float32) -> None:
        """Adds a batch; once this returns, no kill loses it.

        Raises:
            InputError: the file cannot be written.
        """
        data = np.ascontiguousarray(part, "<f4").tobytes()
        with writing(WHAT, self.path):
            if not self.path.exists():
                atomic.write_bytes(self.path, self._head)
            with self.path.open("ab") as file:
                file.write(data + _digest(self._written, data))
                file.flush()
                os.fsync(file.fileno())
        self._written += len(part)

    def _whole_batches(self) -> Iterator[Float32]:
        """Yields batches up to the first that is cut off or damaged.

        Raises:
            InputError: the file cannot be read, or is of other inputs.
        """
        again = "repeat the command that began it, or delete the file"
        with open_bytes(self.path, WHAT, again) as file:
            if file.read(len(self._head)) != self._head:
                raise InputError(
                    "an interrupted extraction of other images, net or options is here",
                    self.path,
                    again,
                )
            for start in range(0, self._total, self._batch):
                rows = min(self._batch, self._total - start)
                data = file.read(4 * rows * self.width)
                if file.read(DIGEST) != _digest(start, data):
                    return
                yield np.frombuffer(data, "<f4").reshape(rows, self.width)

    def _end_of(self, rows: int) -> int:
        """Where the batches of so many rows end in the file."""
        batches = -(-rows // self._batch)
        return len(self._head) + 4 * rows * self.width + batches * DIGEST


def discard(path: Path) -> None:
    """Deletes the features so far, if that is what the file holds."""
    begin = f'{{"schema": "{SCHEMA}"'.encode()
    if is_file(path):
        with open_bytes(path, WHAT, "delete the file") as file:
            ours = file.read(len(begin)) == begin
        if ours:
            with writing(WHAT, path):
                path.unlink()


def _digest(start: int, data: bytes) -> bytes:
    """Of a batch that begins at a row."""
    place = start.to_bytes(16, "little")
    return hashlib.blake2b(data, digest_size=DIGEST, salt=place).digest()
