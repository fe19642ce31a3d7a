"""Reads an image LMDB again and holds it against all that is known of it.

Its folder says what must stand in it: pair_index.binaryproto, labels.json,
build.json and values.crc32. With the data set that it was built from, its
images are made again and compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import lmdb

from pydrdl.datasets.types import Image
from pydrdl.errors import InputError
from pydrdl.paths import is_file
from pydrdl.records import pair_index
from pydrdl.records.check import check_record
from pydrdl.records.environment import DATA, to_read
from pydrdl.records.expected import Expected, Fault, read_expected, with_dataset
from pydrdl.records.walk import walk
from pydrdl.threads import in_order

T = TypeVar("T")
Record = tuple[int, bytes, bytes]  # number, key, value

SCHEMA = "drdl.verify_lmdb/1"
KEPT = 1000  # faults that are kept word for word; all are counted


class Progress(Protocol):
    """Passes items on and shows how many have passed; cli.progress is one."""

    def __call__(self, items: Iterable[T], what: str, total: int) -> Iterable[T]:
        """Yields items unchanged."""


@dataclass
class Verification:
    """What was found.

    Attributes:
        folder: the image LMDB's.
        records: that were read.
        checked: how many things each check looked at; one that could not be
            made is missing.
        faulty: how many faults each check found.
        faults: the first KEPT of them.
    """

    folder: Path
    records: int = 0
    checked: dict[str, int] = field(default_factory=dict)
    faulty: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faulty

    def add(self, faults: Iterable[Fault]) -> None:
        """Counts faults and keeps the first."""
        for fault in faults:
            self.faulty[fault.check] = self.faulty.get(fault.check, 0) + 1
            if len(self.faults) < KEPT:
                self.faults.append(fault)

    def to_json(self) -> dict[str, object]:
        """All of it, for machines."""
        return {
            "schema": SCHEMA,
            "lmdb": str(self.folder),
            "whole": self.whole,
            "records": self.records,
            "checked": self.checked,
            "faulty": self.faulty,
            "faults": [asdict(fault) for fault in self.faults],
        }


def verify_image_lmdb(
    folder: Path,
    images: Iterable[Image] | None = None,
    root: Path = Path(),
    *,
    num_models: int = 0,
    labelled_only: bool = False,
    workers: int | None = None,
    progress: Progress = lambda items, what, total: items,
) -> Verification:
    """Reads every record of an image LMDB against what must stand there.

    Args:
        folder: as build_image_lmdb makes it.
        images: those it was built from, in any order; None: not compared.
        root: the folder that their paths are relative to.
        num_models: as in Dataset.
        labelled_only: the LMDB was built without images whose model has no label.
        workers: threads; None takes one a processor.
        progress: shows how far it is.

    Raises:
        InputError: there is no data.mdb, or the images cannot be labelled.
    """
    folder = Path(folder)
    if not is_file(folder / DATA):
        raise InputError(
            "no image LMDB: there is no data.mdb",
            folder,
            "check the path; a build that is not done lies in a folder .partial",
        )
    expected, faults = read_expected(folder)
    if images is not None:
        expected, more = with_dataset(
            expected, images, root, num_models, labelled_only=labelled_only
        )
        faults += more
    way = walk(folder)
    found = Verification(folder, way.records, {"files": 4, "data.mdb": 1})
    found.add(faults)
    if way.damage:
        found.add([Fault("data.mdb", way.damage, way.records)])
        return found
    with to_read(folder) as environment:
        found.add(_fingerprint_faults(environment, expected))
        records = _numbered(environment, expected, found)
        task = partial(_check, expected)
        shown = progress(in_order(task, records, workers), "images", way.records)
        for part in shown:
            found.add(part)
    found.checked |= _looked_at(expected, way.records)
    return found


def _check(expected: Expected, record: Record) -> list[Fault]:
    return check_record(expected, *record)


def _fingerprint_faults(
    environment: lmdb.Environment, expected: Expected
) -> Iterator[Fault]:
    if expected.index is None:
        return
    held, found = expected.index.fingerprint, pair_index.fingerprint(environment)
    if held != found:
        yield Fault(
            "index",
            f"{pair_index.FILE_NAME} is not of this data.mdb: it holds {held}, "
            f"data.mdb gives {found}",
        )


def _numbered(
    environment: lmdb.Environment, expected: Expected, found: Verification
) -> Iterator[Record]:
    """Yields the records whose keys number them rightly; adds the others' faults."""
    count = environment.stat()["entries"]
    if expected.index:
        count = expected.index.fingerprint.num_images
    wanted = 0
    with environment.begin() as transaction:
        for key, value in transaction.cursor():
            head, _, _ = key.partition(b"_")
            number = int(head) if len(head) == 8 and head.isdigit() else -1
            if not wanted <= number < count:
                found.add([_extra(key, number, wanted, count)])
                continue
            found.add(_missing(expected, range(wanted, number)))
            wanted = number + 1
            yield number, key, value
    found.add(_missing(expected, range(wanted, count)))


def _extra(key: bytes, number: int, wanted: int, count: int) -> Fault:
    if number < 0:
        what = "the key does not begin with 8 digits and _"
    elif number < wanted:
        what = f"a second record of number {number}"
    else:
        what = f"a record too many; the last is {count - 1}"
    shown = number if number >= 0 else None
    return Fault("keys", what, shown, key.decode(errors="replace"))


def _missing(expected: Expected, records: Iterable[int]) -> Iterator[Fault]:
    for record in records:
        vehicle = expected.vehicle(record)
        vehicle_id = vehicle.vehicle_id if vehicle else None
        yield Fault("keys", "the record is missing", record, vehicle=vehicle_id)


def _looked_at(expected: Expected, records: int) -> dict[str, int]:
    """How many things the checks of the records looked at."""
    known = {
        "index": 1 if expected.index else 0,
        "keys": records,
        "checksums": records if expected.checksums is not None else 0,
        "images": records,
        "labels": records if expected.index and expected.dense else 0,
        "data set": records if expected.images is not None else 0,
        "pixels": records if expected.images is not None and expected.build else 0,
    }
    return {check: count for check, count in known.items() if count}
