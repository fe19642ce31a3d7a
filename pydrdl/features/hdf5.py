"""What an HDF5 file holds, read into memory at once."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89HDF\r\n\x1a\n"
HEAD = 2048 + len(SIGNATURE)
# Bytes of a dataset for each of the file's; compressed ones unfold.
MOST_UNFOLDED = 8
ALWAYS_ALLOWED = 2**20


@dataclass(frozen=True)
class Hdf5:
    """Datasets by path, and the root's attributes, by what they are.

    Attributes:
        numbers: integers and floats.
        texts: strings, flat.
        attributes: of the root, those that are a string.
        others: what the rest is, of datasets and attributes.
    """

    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """All of it, as from_bytes reads it."""
        head = {
            "numbers": [(n, a.dtype.str, a.shape) for n, a in self.numbers.items()],
            "texts": self.texts,
            "attributes": self.attributes,
            "others": self.others,
        }
        arrays = (np.ascontiguousarray(a).tobytes() for a in self.numbers.values())
        return b"".join([json.dumps(head).encode(), b"\n", *arrays])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Hdf5":
        """Reads what to_bytes gives.

        Raises:
            ValueError: it is something else.
        """
        place = data.index(b"\n") + 1
        head = json.loads(data[:place])
        numbers = {}
        for name, kind, shape in head["numbers"]:
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(data, kind, count, place).reshape(shape).copy()
            numbers[name], place = array, place + array.nbytes
        texts = {name: tuple(values) for name, values in head["texts"].items()}
        return cls(numbers, texts, head["attributes"], head["others"])


def looks_like_hdf5(start: bytes) -> bool:
    """Whether an HDF5 file begins so, with a user block or not; HEAD bytes tell."""
    return any(start[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


def read_hdf5(path: Path) -> Hdf5:
    """Reads a whole file; no lock is needed, for nothing is written.

    Where the file is damaged, libhdf5 may crash or never end: see hdf5_apart.

    Raises:
        ValueError: it cannot be read.
        MemoryError: it is too large.
    """
    found = Hdf5()
    try:
        most = max(ALWAYS_ALLOWED, MOST_UNFOLDED * path.stat().st_size)
        with h5py.File(path, "r", locking=False) as file:
            items: list[tuple[str, Any]] = []
            file.visititems(lambda name, item: items.append((name, item)))
            for name, item in items:
                if isinstance(item, h5py.Dataset):
                    _read_dataset(name, item, most, found)
            for name, value in file.attrs.items():
                if isinstance(value, str):
                    found.attributes[name] = value
                else:
                    found.others[name] = type(value).__name__
    except MemoryError:
        raise
    except Exception as error:  # h5py raises nearly every kind
        first = (str(error).splitlines() or [""])[0]
        raise ValueError(first or type(error).__name__) from error
    return found


def _read_dataset(name: str, dataset: Any, most: int, found: Hdf5) -> None:
    text = h5py.check_string_dtype(dataset.dtype)
    if dataset.shape is None or dataset.is_virtual or dataset.external:
        found.others[name] = "data that is not in the file"
    elif dataset.size * dataset.dtype.itemsize > most:
        raise ValueError(
            f"dataset {name!r} is said to hold {dataset.shape} values, more than fit"
        )
    elif text is not None:
        values = dataset.asstr("utf-8")[...]
        found.texts[name] = tuple(map(str, np.ravel(values)))
    elif dataset.dtype.kind in "fiu" and dataset.dtype.itemsize <= 8:
        found.numbers[name] = np.asarray(dataset[...])
    else:
        found.others[name] = str(dataset.dtype)
