"""Features that an extraction has got so far, in `<output>.partial`.

The first line says as JSON what they are made from; batches follow, rows of floats
and a digest of them and of their place. An extraction that was stopped goes on after
the last batch that is whole: the batches are then the same as in one run, and so are
the sums in them.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from pydrdl.arrays import Floats
from pydrdl.errors import InputError, writing
from pydrdl.files import exists, is_file, open_bytes, sync, write_bytes

PARTIAL_SCHEMA = "drdl.partial_features/2"
DIGEST = 16  # bytes
SYNC_SECONDS = 10.0
WHAT = "the features so far"
AGAIN = "repeat the command that began it, or delete the file"


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
        dtype: of the values, float32 or float16.

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
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.path, self.width, self._batch, self._total = path, width, batch, total
        self._dtype = np.dtype(dtype).newbyteorder("<")
        head = {"schema": PARTIAL_SCHEMA, **inputs, "width": width, "batch": batch}
        if self._dtype != np.float32:  # which was the only one for long
            head["dtype"] = self._dtype.name
        self._head = json.dumps(head).encode() + b"\n"
        self.rows = 0
        self._synced = 0.0  # never, so that the first batch is
        if exists(path):
            self.rows = sum(map(len, self.batches()))
            batches = -(-self.rows // batch)
            with writing(WHAT, path):
                size = self._bytes(self.rows) + batches * DIGEST
                os.truncate(path, len(self._head) + size)
        self._written = self.rows

    def append(self, part: Floats) -> None:
        """Adds a batch; once this returns, no kill loses it.

        A loss of power loses at most the batches of the last SYNC_SECONDS.

        Raises:
            InputError: the file cannot be written.
        """
        data = np.ascontiguousarray(part, self._dtype).tobytes()
        with writing(WHAT, self.path):
            if not self.path.exists():
                write_bytes(self.path, self._head)
            with self.path.open("ab") as file:
                file.write(data + _digest(self._written, data))
            if time.monotonic() - self._synced > SYNC_SECONDS:
                sync(self.path)
                self._synced = time.monotonic()
        self._written += len(part)

    def batches(self) -> Iterator[Floats]:
        """Yields batches up to the first that is cut off or damaged.

        Raises:
            InputError: the file cannot be read, or is of other inputs.
        """
        if not exists(self.path):
            return
        with open_bytes(self.path, WHAT, AGAIN) as file:
            if file.read(len(self._head)) != self._head:
                raise InputError(
                    "an interrupted extraction of other images, net or options is here",
                    self.path,
                    AGAIN,
                )
            for start in range(0, self._total, self._batch):
                rows = min(self._batch, self._total - start)
                data = file.read(self._bytes(rows))
                if file.read(DIGEST) != _digest(start, data):
                    return
                yield np.frombuffer(data, self._dtype).reshape(rows, self.width)

    def whole(self) -> Iterator[Floats]:
        """Yields all batches.

        Raises:
            InputError: one is missing, cut off or damaged.
        """
        rows = 0
        for part in self.batches():
            rows += len(part)
            yield part
        if rows < self._total:
            raise InputError(
                f"cannot read {WHAT}: whole up to row {rows:,} of {self._total:,}, "
                "though they were written",
                self.path,
                "check the disk (see dmesg), then repeat the command: it goes on there",
            )

    def _bytes(self, rows: int) -> int:
        return rows * self.width * self._dtype.itemsize


def discard(path: Path) -> None:
    """Deletes the features so far, if that is what the file holds."""
    begin = f'{{"schema": "{PARTIAL_SCHEMA}"'.encode()
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
