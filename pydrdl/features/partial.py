"""Features that an extraction has got so far, in `<output>.partial`.

The first line says as JSON what they are made from; rows of float32 follow, a
batch at a time. An extraction that was killed goes on after the last whole
batch: the batches are then the same as in one run, and so are the sums in them.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl import atomic
from pydrdl.errors import InputError

SCHEMA = "drdl.partial_features/1"
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
        InputError: the file is of other inputs or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, object],
        width: int,
        batch: int,
        total: int,
    ) -> None:
        self.path, self.width = path, width
        head = {"schema": SCHEMA, **inputs, "width": width, "batch": batch}
        self._head = json.dumps(head).encode() + b"\n"
        self.rows = 0
        try:
            if path.exists():
                self._refuse_other_inputs()
                size = path.stat().st_size - len(self._head)
                rows = min(size // (4 * width), total)
                self.rows = rows if rows == total else rows // batch * batch
                os.truncate(path, len(self._head) + self.rows * 4 * width)
        except OSError as error:
            raise _cannot_write(path, error) from error

    def read(self) -> Float32:
        """Returns the (rows, width) features that were there at the start."""
        if not self.rows:
            return np.empty((0, self.width), np.float32)
        values = np.fromfile(
            self.path, "<f4", self.rows * self.width, offset=len(self._head)
        )
        return values.astype(np.float32, copy=False).reshape(self.rows, self.width)

    def append(self, part: Float32) -> None:
        """Adds a batch; once this returns, no kill loses it.

        Raises:
            InputError: the file cannot be written.
        """
        try:
            if not self.path.exists():
                atomic.write_bytes(self.path, self._head)
            with self.path.open("ab") as file:
                file.write(np.ascontiguousarray(part, "<f4").data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _cannot_write(self.path, error) from error

    def _refuse_other_inputs(self) -> None:
        with self.path.open("rb") as file:
            if file.read(len(self._head)) != self._head:
                raise InputError(
                    "an interrupted extraction of other images, net or options is here",
                    self.path,
                    "repeat the command that began it, or delete the file",
                )


def discard(path: Path) -> None:
    """Deletes the features so far, if that is what the file holds."""
    begin = f'{{"schema": "{SCHEMA}"'.encode()
    if path.is_file():
        with path.open("rb") as file:
            ours = file.read(len(begin)) == begin
        if ours:
            path.unlink()


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"cannot write the features so far: {error.strerror}",
        path,
        "name an output in a writable folder with space",
    )
