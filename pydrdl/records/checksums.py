"""values.crc32: the CRC-32 of every record's value in an image LMDB.

Neither LMDB nor JPEG has a checksum of its own: a changed byte would go into
training as a slightly different photograph. The file holds 4 bytes a record,
little-endian, in record order.
"""

import zlib
from collections.abc import Iterable
from pathlib import Path

import lmdb
import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.records.environment import AGAIN

FILE_NAME = "values.crc32"
Checksums = NDArray[np.uint32]


def of_records(environment: lmdb.Environment) -> list[int]:
    """Computes the checksums of an open LMDB's values; reads all of them."""
    with environment.begin(buffers=True) as transaction:
        values = transaction.cursor().iternext(keys=False)
        return [zlib.crc32(value) for value in values]


def to_bytes(checksums: Iterable[int]) -> bytes:
    """Returns the file's content."""
    return np.fromiter(checksums, "<u4").tobytes()


def read_checksums(folder: Path) -> Checksums:
    """Reads the checksums in an image LMDB's folder.

    Raises:
        InputError: they are missing or cut off.
    """
    path = Path(folder) / FILE_NAME
    data = read_bytes(path, "the checksums", AGAIN)
    if len(data) % 4:
        raise InputError(f"{len(data)} bytes; expected 4 a record", path, AGAIN)
    return np.frombuffer(data, "<u4").astype(np.uint32)
