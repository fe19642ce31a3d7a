"""pair_index.binaryproto: which records of an image LMDB show which vehicle.

It lies beside data.mdb and carries a fingerprint of it, so that an index never
serves another LMDB than its own.
"""

import struct
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import lmdb
from google.protobuf.message import DecodeError

from pydrdl import messages
from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.lmdb.environment import AGAIN, elsewhere, look, to_read

FILE_NAME = "pair_index.binaryproto"
VERSION = 1
SAMPLES = 64  # records whose values enter the fingerprint


@dataclass(frozen=True)
class VehicleRecords:
    """The records first .. first + count - 1, which show one vehicle."""

    vehicle_id: int  # the data set's own number, below 2^24
    model_id: int  # dense model label; -1 unlabelled
    first: int
    count: int


class Fingerprint(NamedTuple):
    """What tells one image LMDB from another."""

    num_images: int
    keys_crc32: int  # over each record's key and the size of its value
    sample_crc32: int  # over the values of up to 64 evenly spaced records


@dataclass(frozen=True)
class PairIndex:
    """The index: labels of models lie in 0 .. num_models - 1, vehicles have no gaps."""

    fingerprint: Fingerprint
    num_models: int
    vehicles: tuple[VehicleRecords, ...]


class Fingerprinter:
    """Computes the fingerprint of an LMDB from so many records, in their order."""

    def __init__(self, num_images: int) -> None:
        # Which is every record where there are at most SAMPLES.
        self._sampled = {k * num_images // SAMPLES for k in range(SAMPLES)}
        self._records = self._keys = self._sample = 0

    def add(self, key: bytes | memoryview, value: bytes | memoryview) -> None:
        """Takes the next record; a value that is not sampled is not read."""
        self._keys = zlib.crc32(key, self._keys)
        self._keys = zlib.crc32(struct.pack("<I", len(value)), self._keys)
        if self._records in self._sampled:
            self._sample = zlib.crc32(value, self._sample)
        self._records += 1

    def result(self) -> Fingerprint:
        """The fingerprint of the records so far."""
        return Fingerprint(self._records, self._keys, self._sample)


def fingerprint(environment: lmdb.Environment) -> Fingerprint:
    """Reads keys and sizes of all records of an open LMDB, values of at most 64."""
    fingerprinter = Fingerprinter(environment.stat()["entries"])
    with environment.begin(buffers=True) as transaction:
        for key, value in transaction.cursor():
            fingerprinter.add(key, value)
    return fingerprinter.result()


def to_bytes(index: PairIndex) -> bytes:
    """Serializes an index as message PairIndex of drdl.proto."""
    message = messages.PairIndex(
        version=VERSION, num_models=index.num_models, **index.fingerprint._asdict()
    )
    for vehicle in index.vehicles:
        message.vehicle.add(**asdict(vehicle))
    return bytes(message.SerializeToString())


def read_pair_index(folder: Path, *, check: bool = True) -> PairIndex:
    """Reads the index in an image LMDB's folder.

    Raises:
        InputError: there is no index, it is damaged or of another version, or
            (with check) its fingerprint is not that of data.mdb.
    """
    path = Path(folder) / FILE_NAME
    data = read_bytes(path, "the pair index", AGAIN)
    try:
        message = messages.PairIndex.FromString(data)
    except DecodeError as error:
        raise InputError("the pair index is damaged", path, AGAIN) from error
    if message.version != VERSION:
        what = f"pair index of version {message.version}; expected {VERSION}"
        raise InputError(what, path, AGAIN)
    index = PairIndex(
        Fingerprint(message.num_images, message.keys_crc32, message.sample_crc32),
        message.num_models,
        tuple(
            VehicleRecords(v.vehicle_id, v.model_id, v.first, v.count)
            for v in message.vehicle
        ),
    )
    _check_runs(index, path)
    if check:
        found = _fingerprint_of(folder)
        if found != index.fingerprint:
            raise InputError(
                f"the pair index belongs to another LMDB: it holds "
                f"{index.fingerprint}, data.mdb gives {found}",
                path,
                AGAIN,
            )
    return index


def _check_runs(index: PairIndex, path: Path) -> None:
    """Raises InputError where vehicles do not take the records without gaps."""
    expected = 0
    for vehicle in index.vehicles:
        if vehicle.first != expected or vehicle.count < 1:
            raise InputError(
                f"vehicle {vehicle.vehicle_id} takes {vehicle.count} records from "
                f"{vehicle.first}; expected at least 1 from {expected}",
                path,
                AGAIN,
            )
        expected += vehicle.count
    if expected != (images := index.fingerprint.num_images):
        what = f"vehicles take {expected} records, the index says {images}"
        raise InputError(what, path, AGAIN)


def print_fingerprint(folder: str) -> None:
    """Prints an LMDB's fingerprint, its three numbers."""
    with to_read(Path(folder)) as environment:
        print(*fingerprint(environment))


def _fingerprint_of(folder: Path) -> Fingerprint:
    """Computes it in another process, which a damaged LMDB may end."""
    _, damage = look(folder)
    if not damage:
        printed, damage = elsewhere(print_fingerprint, folder)
    if damage:
        raise InputError(damage, folder, AGAIN)
    return Fingerprint(*map(int, printed.split()))
