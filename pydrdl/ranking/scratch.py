"""Memory that is used again, and the part of a block's products that a trial needs."""

import threading
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Value = TypeVar("Value", bound=np.generic)


class Scratch(threading.local):
    """Arrays that every thread uses again; fresh memory costs more than sums."""

    def __init__(self) -> None:
        self.memory: dict[tuple[str, type[Any]], NDArray[Any]] = {}

    def array(
        self, name: str, rows: int, columns: int, kind: type[Value]
    ) -> NDArray[Value]:
        """An array of undefined content, until the next one of that name and kind."""
        held = self.memory.get((name, kind))
        if held is None or held.size < rows * columns:
            held = self.memory[name, kind] = np.empty(rows * columns, kind)
        return held[: rows * columns].reshape(rows, columns)

    def chosen(
        self, products: NDArray[Value], rows: Int, columns: Int
    ) -> NDArray[Value]:
        """Ascending rows and columns of a matrix, as a copy that may be changed."""
        kind = products.dtype.type
        some = products[rows[0] : rows[-1] + 1]
        if columns.size < some.shape[1]:
            wide = self.array("wide", len(some), columns.size, kind)
            some = np.take(some, columns, axis=1, out=wide, mode="clip")
        out = self.array("chosen", rows.size, columns.size, kind)
        return np.take(some, rows - rows[0], axis=0, out=out, mode="clip")
