"""Builds an image LMDB that PairSetData and Caffe's own Data layer read.

Record k has the key "%08d_<path>" and a Datum; images are sorted by vehicle.
A build that was interrupted goes on after the last committed record.
"""

import itertools
import json
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import lmdb
import numpy as np

from pydrdl.cluster import Cluster
from pydrdl.datasets.dataset import Image, images_sha256
from pydrdl.datasets.images import Note
from pydrdl.errors import InputError
from pydrdl.files import exists, is_file, write_bytes
from pydrdl.folders import WholeFolder
from pydrdl.lmdb import encode, labels, pair_index
from pydrdl.lmdb.encode import Record
from pydrdl.lmdb.environment import DATA, LOCK, META_BYTES, committing, to_write, walk
from pydrdl.lmdb.expected import BUILD, CHECKSUMS_FILE
from pydrdl.lmdb.pair_index import VehicleRecords
from pydrdl.parallel import Progress, behind, in_order, unseen

COMMIT, COMMIT_BYTES = 512, 1 << 25  # records, or bytes, a transaction
# All that may lie in an image LMDB's folder.
OURS = (DATA, LOCK, BUILD, labels.FILE_NAME, pair_index.FILE_NAME, CHECKSUMS_FILE)


class LmdbSummary(NamedTuple):
    """Numbers of an image LMDB."""

    images: int
    vehicles: int
    labelled: int  # images with a model label
    models: int  # dense labels
    resumed_at: int  # records that an interrupted build had left
    bytes: int  # of data.mdb on disk


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
    cluster: Cluster | None = None,
    overwrite: bool = False,
    progress: Progress = unseen,
    map_size: int = 1 << 30,
    note: Note | None = None,
) -> LmdbSummary:
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
        cluster: decodes and encodes in their place.
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
    folder = WholeFolder(
        output, "the LMDB", "an image LMDB", OURS.__contains__, overwrite=overwrite
    )
    folder.refuse_existing()
    _check_files(ordered, root)
    inputs = {
        "images": len(ordered),
        "images_sha256": images_sha256(ordered),
        "root": str(Path(root).resolve()),
        "size": size,
        "jpeg_quality": jpeg_quality,
        "label": label,
        "num_models": num_models,
    }
    if model_ids is not None:
        inputs["model_ids"] = list(model_ids)
    folder.begin(BUILD, (json.dumps(inputs, indent=1) + "\n").encode())

    encoding = encode.Encoding(Path(root).resolve(), size, jpeg_quality)
    _refuse_damaged(folder.partial)
    with to_write(folder.partial, map_size) as opened:
        written = _Written(len(ordered), opened)
        done = len(written.checksums)
        left = progress(range(done, len(ordered)), "images", len(ordered) - done)
        todo = (encode.Wanted(n, ordered[n], wanted[n]) for n in left)
        if cluster is None:
            records = in_order(partial(encoding.record, note=note), todo, workers)
        else:
            records = encode.spread(cluster, encoding, todo, note)
        batches = _batches(records)
        commit = partial(_commit, opened, folder.partial, written)
        for _ in behind(commit, batches):
            pass
    index = pair_index.PairIndex(
        written.fingerprinter.result(), len(dense.model_ids), _runs(ordered, dense)
    )
    with folder.writing():
        for name, data in (
            (CHECKSUMS_FILE, np.array(written.checksums, "<u4").tobytes()),
            (labels.FILE_NAME, labels.to_json(dense, label).encode()),
            (pair_index.FILE_NAME, pair_index.to_bytes(index)),
        ):
            write_bytes(folder.partial / name, data)
    folder.finish()
    return LmdbSummary(
        images=len(ordered),
        vehicles=len(dense.vehicle_ids),
        labelled=sum(image.model_id >= 0 for image in ordered),
        models=len(dense.model_ids),
        resumed_at=done,
        bytes=(folder.output / DATA).stat().st_size,
    )


def _labels_of(images: Sequence[Image], dense: labels.Labels, label: str) -> list[int]:
    """The label of each record."""
    if not images:
        raise InputError("no images to build from", label, "choose another split")
    if label not in ("vehicle", "model"):
        raise InputError(f"unknown label {label!r}", "label", "take vehicle or model")
    if label == "vehicle":
        number = {vehicle: k for k, vehicle in enumerate(dense.vehicle_ids)}
        return [number[image.vehicle_id] for image in images]
    unlabelled = [image for image in images if image.model_id < 0]
    if unlabelled:
        what = f"{len(unlabelled)} of {len(images)} images have no model label"
        advice = "leave them out (--labelled-only), or take the vehicle as the label"
        raise InputError(what, unlabelled[0].path, advice)
    number = {model: k for k, model in enumerate(dense.model_ids)}
    return [number[image.model_id] for image in images]


def _runs(images: Sequence[Image], dense: labels.Labels) -> tuple[VehicleRecords, ...]:
    """The records of each vehicle; images are sorted by vehicle."""
    number = {-1: -1} | {model: k for k, model in enumerate(dense.model_ids)}
    vehicles, first = [], 0
    for vehicle_id, group in itertools.groupby(images, lambda image: image.vehicle_id):
        shown = list(group)
        model = number[shown[0].model_id]
        vehicles.append(VehicleRecords(vehicle_id, model, first, len(shown)))
        first += len(shown)
    return tuple(vehicles)


def _check_files(images: Sequence[Image], root: Path) -> None:
    missing = [image for image in images if not is_file(Path(root) / image.path)]
    if missing:
        first = missing[0]
        odd = exists(Path(root) / first.path)
        how = "no regular file" if odd else "missing"
        more = f"; {len(missing) - 1} more are missing" if len(missing) > 1 else ""
        what = f"{first.path} of vehicle {first.vehicle_id} is {how}{more}"
        advice = "name their folder with --root, get them, or take them out of the list"
        raise InputError(what, root, advice)


def _refuse_damaged(partial: Path) -> None:
    """Raises InputError where to read an interrupted build's LMDB could end us."""
    data = partial / DATA
    if not exists(data) or data.stat().st_size < META_BYTES:
        return
    if damage := walk(partial).damage:
        what = f"the interrupted build is damaged: {damage}"
        advice = "delete it, and give the same command again"
        raise InputError(what, partial, advice)


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


class _Written:
    """Sums over what was written; reading it back would map the whole LMDB."""

    def __init__(self, num_images: int, opened: lmdb.Environment) -> None:
        self.fingerprinter = pair_index.Fingerprinter(num_images)
        self.checksums = array("I")
        with opened.begin(buffers=True) as transaction:
            for key, value in transaction.cursor():  # what an interrupted build left
                self.add(key, value)

    def add(self, key: bytes | memoryview, value: bytes | memoryview) -> None:
        self.fingerprinter.add(key, value)
        self.checksums.append(zlib.crc32(value))


def _commit(
    opened: lmdb.Environment, folder: Path, written: _Written, records: Sequence[Record]
) -> None:
    """Appends records in one transaction, in a larger map where it is full."""
    size = sum(len(value) for _, value in records)
    while True:
        try:
            with committing(folder, size), opened.begin(write=True) as transaction:
                for key, value in records:
                    if not transaction.put(key, value, append=True):
                        what = f"record {key.decode(errors='replace')} is there already"
                        advice = "let no two commands build the same output at once"
                        raise InputError(what, folder, advice)
            break
        except lmdb.MapFullError:
            with committing(folder, 0):
                opened.set_mapsize(2 * opened.info()["map_size"])
    for key, value in records:
        written.add(key, value)
