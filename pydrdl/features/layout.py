"""An HDF5 file but for one dataset's values: what stands before and behind them.

libhdf5 cannot close a file on a full disk (the process would end by a signal), and
in memory a file of ten million features does not fit. So it lays the file out in
memory without them, and who writes the file puts them in their place.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

Values = NDArray[Any] | Sequence[str]


class _WithHole(io.RawIOBase):
    """A file in memory, of which one stretch is never stored.

    Attributes:
        hole: first byte and length of the stretch, in the file's own counting.
    """

    def __init__(self) -> None:
        self.hole = (0, 0)
        self._stored = io.BytesIO()
        self._position = 0

    def split(self) -> tuple[bytes, bytes]:
        """What is stored before the stretch and behind it."""
        data = self._stored.getvalue()
        return data[: self.hole[0]], data[self.hole[0] :]

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = (0, self._position, self._size())[whence]
        self._position = start + offset
        return self._position

    def truncate(self, size: int | None = None) -> int:
        """Cuts off what is behind; libhdf5 never cuts off the stretch itself."""
        size = self._position if size is None else size
        self._stored.truncate(self._place(size))
        return size

    def readinto(self, buffer: Any) -> int:
        self._stored.seek(self._place(self._position))
        read = self._stored.readinto(buffer)
        self._position += read
        return read

    def write(self, data: Any) -> int:
        self._stored.seek(self._place(self._position))
        written = self._stored.write(data)
        self._position += written
        return written

    def _size(self) -> int:
        stored = len(self._stored.getbuffer())
        return stored + (self.hole[1] if stored > self.hole[0] else 0)

    def _place(self, offset: int) -> int:
        """Where a byte of the file is stored."""
        start, length = self.hole
        if offset <= start:
            return offset
        if offset < start + length:
            raise ValueError("libhdf5 reached for values that are written apart")
        return offset - length


def laid_out(
    name: str,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    others: Mapping[str, Values],
    attributes: Mapping[str, str],
    head: int,
) -> tuple[bytes, bytes]:
    """The bytes of an HDF5 file around the values of one dataset.

    Args:
        name: of the dataset whose values are written apart.
        shape: its shape.
        dtype: its type; values are written row after row, without padding.
        others: arrays of numbers, or texts, by the names of their datasets.
        attributes: texts of the root.
        head: length of the user block, which the first bytes leave out.
    """
    memory = _WithHole()
    with h5py.File(memory, "w", userblock_size=head) as file:
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.CONTIGUOUS)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        apart = file.create_dataset(name, shape, dtype, dcpl=layout)
        # Of the user block libhdf5 says nothing here, so that it is added.
        start, length = apart.id.get_offset(), apart.id.get_storage_size()
        memory.hole = (start, length)
        for other, values in others.items():
            if isinstance(values, np.ndarray):
                file[other] = values
            else:
                text = h5py.string_dtype()
                file.create_dataset(other, data=list(values), dtype=text)
        file.attrs.update(attributes)
    before, behind = memory.split()
    return before[head:], behind
