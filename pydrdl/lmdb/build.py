"""Builds an image LMDB that PairSetData and Caffe's own Data layer read.

Record k has the key "%08d_<path>" and a Datum; images are sorted by vehicle.
The LMDB grows in `<output>.partial/`, which takes its final name when whole. A
build that was interrupted goes on after the last committed record.
"""

import itertools
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import lmdb

from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import Note, read_image
from pydrdl.errors import InputError
from pydrdl.files import exists, is_file
from pydrdl.lmdb import environment, labels, pair_index
from pydrdl.lmdb.datum import record_key, to_datum
from pydrdl.lmdb.environment import DATA, META_BYTES, committing, to_write, walk
from pydrdl.lmdb.folder import BuildFolder
from pydrdl.parallel import behind, in_order

T = TypeVar("T")
Record = tuple[bytes, bytes]

COMMIT, COMMIT_BYTES = 512, 1 << 25  # records, or bytes, a transaction


class Progress(Protocol):
    """Passes items on and shows how many have passed; cli.progress is one."""

    def __call__(self, items: Iterable[T], what: str, total: int) -> Iterable[T]:
        """Yields items unchanged."""


@dataclass(frozen=True)
class Summary:
    """What an image LMDB holds.

    Attributes:
        images: number of records.
        vehicles: number of vehicles.
        labelled: number of images with a model label.
        models: number of dense model labels.
        resumed_at: records that an interrupted build had left.
        bytes: size of data.mdb on disk.
    """

    images: int
    vehicles: int
    labelled: int
    models: int
    resumed_at: int
    bytes: int


def build_image_lmdb(
    images: Iterable[Image],
    root: Path,
    output: Path,
    *,
    size: tuple[int, int] | None = (256, 256),
    jpeg_quality: int | None = 95,
    label: str = "vehicle",
    num_models: int = 0,
    model_ids: Sequence[int] | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress = lambda items, what, total: items,
    map_size: int = 1 << 30,
    note: Note | None = None,
) -> Summary:
    """Builds an image LMDB with its pair index and labels.

    Args:
        images: in any order; sorted by vehicle here, otherwise left in order.
        root: the folder that their paths are relative to.
        output: the folder to make.
        size: (height, width) in pixels; None keeps each image's own.
        jpeg_quality: 1 to 100; None stores pixels (channels x height x width,
            uint8, BGR).
        label: what a record's label is, the dense "vehicle" or "model".
        num_models: as in Dataset; 0 where unknown.
        model_ids: number the models by these, as labels.json of another LMDB
            does, and not by those that occur.
        workers: threads that decode and encode; None takes one a processor.
        overwrite: whether an image LMDB that exists may be replaced.
        progress: shows how far the build is.
        map_size: LMDB's first map size in bytes; it doubles when full.
        note: is told of images whose damage leaves them decodable.

    Raises:
        InputError: images are missing, corrupt or unlabelled (with "model"),
            ids are out of range, or the output exists.
    """
    ordered = sorted(images, key=lambda image: image.vehicle_id)
    dense = labels.dense_labels(ordered, num_models, model_ids)
    wanted = _labels_of(ordered, dense, label)
    folder = BuildFolder(Path(output), overwrite)
    folder.refuse_existing()
    _check_files(ordered, root)
    numbered = {} if model_ids is None else {"model_ids": list(model_ids)}
    folder.start(
        ordered, root=root, size=size, jpeg_quality=jpeg_quality, label=label,
        num_models=num_models, **numbered,
    )  # fmt: skip

    def encode(record: int) -> Record:
        image = ordered[record]
        pixels = read_image(root, image, size, note)
        message = to_datum(pixels, wanted[record], jpeg_quality)
        return record_key(record, image), message.SerializeToString()

    _refuse_damaged(folder.partial)
    with to_write(folder.partial, map_size) as opened:
        tally = _Tally(len(ordered))
        tally.add_all(opened)
        done = len(tally.checksums)
        todo = progress(range(done, len(ordered)), "images", len(ordered) - done)
        batches = _batches(in_order(encode, todo, workers))
        commit = partial(_commit, opened, folder.partial, tally)
        for _ in behind(commit, batches):
            pass
    index = pair_index.PairIndex(
        tally.fingerprinter.result(), len(dense.model_ids), _runs(ordered, dense)
    )
    folder.write(environment.CHECKSUMS_FILE, environment.to_bytes(tally.checksums))
    folder.write(labels.FILE_NAME, labels.to_json(dense, label).encode())
    folder.write(pair_index.FILE_NAME, pair_index.to_bytes(index))
    folder.finish()
    return Summary(
        images=len(ordered),
        vehicles=len(dense.vehicle_ids),
        labelled=sum(image.model_id >= 0 for image in ordered),
        models=len(dense.model_ids),
        resumed_at=done,
        bytes=folder.size(),
    )


def _labels_of(images: Sequence[Image], dense: labels.Labels, label: str) -> list[int]:
    """Returns the label of each record."""
    if not images:
        raise InputError("no images to build from", label, "choose another split")
    if label == "vehicle":
        number = {vehicle: k for k, vehicle in enumerate(dense.vehicle_ids)}
        return [number[image.vehicle_id] for image in images]
    if label != "model":
        raise InputError(f"unknown label {label!r}", "label", "take vehicle or model")
    unlabelled = [image for image in images if image.model_id < 0]
    if unlabelled:
        raise InputError(
            f"{len(unlabelled)} of {len(images)} images have no model label",
            unlabelled[0].path,
            "leave them out (--labelled-only), or take the vehicle as the label",
        )
    number = {model: k for k, model in enumerate(dense.model_ids)}
    return [number[image.model_id] for image in images]


def _runs(
    images: Sequence[Image], dense: labels.Labels
) -> tuple[pair_index.Vehicle, ...]:
    """Returns the records of each vehicle; images are sorted by vehicle."""
    number = {-1: -1} | {model: k for k, model in enumerate(dense.model_ids)}
    vehicles, first = [], 0
    for vehicle_id, group in itertools.groupby(images, lambda image: image.vehicle_id):
        shown = list(group)
        model = number[shown[0].model_id]
        vehicles.append(pair_index.Vehicle(vehicle_id, model, first, len(shown)))
        first += len(shown)
    return tuple(vehicles)


def _check_files(images: Sequence[Image], root: Path) -> None:
    missing = [image for image in images if not is_file(Path(root) / image.path)]
    if missing:
        first = missing[0]
        odd = exists(Path(root) / first.path)
        how = "no regular file" if odd else "missing"
        more = f"; {len(missing) - 1} more are missing" if len(missing) > 1 else ""
        raise InputError(
            f"{first.path} of vehicle {first.vehicle_id} is {how}{more}",
            root,
            "get the images, or take them out of the list",
        )


def _refuse_damaged(partial: Path) -> None:
    """Raises InputError where an interrupted build's LMDB cannot be read.

    To read on in this process could end it.
    """
    data = partial / DATA
    if not exists(data) or data.stat().st_size < META_BYTES:
        return
    damage = walk(partial).damage
    if damage:
        raise InputError(
            f"the interrupted build is damaged: {damage}",
            partial,
            "delete it, and give the same command again",
        )


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Groups what goes into one transaction."""
    batch, size = [], 0
    for record in records:
        batch.append(record)
        size += len(record[1])
        if len(batch) == COMMIT or size >= COMMIT_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Tally:
    """Sums over what was written; reading it back would map the whole LMDB."""

    def __init__(self, num_images: int) -> None:
        self.fingerprinter = pair_index.Fingerprinter(num_images)
        self.checksums = array("I")

    def add(self, key: bytes | memoryview, value: bytes | memoryview) -> None:
        self.fingerprinter.add(key, value)
        self.checksums.append(zlib.crc32(value))

    def add_all(self, opened: lmdb.Environment) -> None:
        """Takes what an interrupted build left."""
        with opened.begin(buffers=True) as transaction:
            for key, value in transaction.cursor():
                self.add(key, value)


def _commit(
    opened: lmdb.Environment,
    folder: Path,
    tally: _Tally,
    records: Sequence[Record],
) -> None:
    """Appends records in one transaction, in a larger map where it is full."""
    size = sum(len(value) for _, value in records)
    while True:
        try:
            with (
                committing(folder, size),
                opened.begin(write=True) as transaction,
            ):
                for key, value in records:
                    if not transaction.put(key, value, append=True):
                        raise InputError(
                            f"record {key.decode(errors='replace')} is there already",
                            folder,
                            "let no two commands build the same output at once",
                        )
            break
        except lmdb.MapFullError:
            with committing(folder, 0):
                opened.set_mapsize(2 * opened.info()["map_size"])
    for key, value in records:
        tally.add(key, value)
