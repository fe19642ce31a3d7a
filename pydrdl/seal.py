"""The seal of a file: its size and the CRC-32 of its content, in its head.

Caffe writes it into weights and states (caffe_layers/src/whole_file.cpp), pydrdl
into features. What is cut off or has a byte changed is told from a whole file
before anything parses it. Other programs skip the head: in HDF5 it is a user block,
in a protobuf message an unknown field.
"""

import struct
import zlib
from typing import BinaryIO, NamedTuple

from pydrdl.errors import InputError

BLOCK = 2**20  # bytes read at once


class Seal(NamedTuple):
    """A head: before, the size in 8 bytes, between, the CRC-32 in 4, and zeros."""

    before: bytes
    between: bytes
    length: int

    def head(self, size: int, crc: int) -> bytes:
        """The head of a file of so many bytes, itself included."""
        numbers = struct.pack("<Q", size), struct.pack("<I", crc)
        return (self.before + self.between.join(numbers)).ljust(self.length, b"\0")


PROTO = Seal(b"\xc2\x3e\x0e\x09", b"\x15", 17)
HDF5 = Seal(b"DRDL seal 1\n", b"\n", 512)  # the smallest user block


def sealed(seal: Seal, body: memoryview) -> bytes:
    """The head that goes before a body."""
    return seal.head(seal.length + body.nbytes, zlib.crc32(body))


def check_seal(file: BinaryIO, what: str, where: object, again: str) -> Seal | None:
    """Compares a file, opened at its start, with its seal; words as of read_bytes.

    Returns:
        The kind of its seal; None where it has none.

    Raises:
        InputError: it is cut off or damaged, its seal included; again says what to do.
    """
    start = file.read(max(PROTO.length, HDF5.length))
    seal = next((kind for kind in (PROTO, HDF5) if start.startswith(kind.before)), None)
    if seal is None:
        return None
    size, crc = seal.length, 0
    file.seek(seal.length)
    while block := file.read(BLOCK):
        size, crc = size + len(block), zlib.crc32(block, crc)
    if start[: seal.length] != seal.head(size, crc):
        reason = _difference(seal, start, size)
        raise InputError(f"cannot read {what}: {reason}", where, again)
    return seal


def _difference(seal: Seal, start: bytes, size: int) -> str:
    if len(start) < seal.length:
        return f"cut off: {len(start):,} bytes, not even its head"
    (stated,) = struct.unpack_from("<Q", start, len(seal.before))
    if size < stated:
        return f"cut off: {size:,} bytes of {stated:,}"
    return "damaged: its checksum is another one"
