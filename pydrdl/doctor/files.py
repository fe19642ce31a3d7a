"""The image files of a data set: are they there, whole, and all different?"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl.datasets.types import Dataset, Image
from pydrdl.doctor.problem import Problem, Severity, problem

CHUNK = 1024  # images handed to the threads at once; no more is kept of them
# What tools take for photographs; other files beside them are not listed.
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
Progress = Callable[[Iterable["Look"], str, int], Iterable["Look"]]


@dataclass(frozen=True)
class Look:
    """What a look at an image's file has shown.

    Attributes:
        missing: there is no such file.
        unreadable: why its image cannot be read; "" where it can.
        outside: the photograph's size, where the image's box leaves it; "".
        digest: of the file's bytes; b"" where they were not read as an image.
    """

    missing: bool = False
    unreadable: str = ""
    outside: str = ""
    digest: bytes = b""


def check_files(
    root: Path,
    images: Sequence[Image],
    *,
    probes: Set[str],
    fast: bool,
    workers: int | None,
    progress: Progress,
) -> list[Problem]:
    """Looks at the file of every image.

    Args:
        root: the folder that the paths are relative to.
        images: each path once.
        probes: paths of probes that a gallery may hold a copy of.
        fast: look at sizes only: nothing is read, so that damaged images,
            copies and boxes that leave their photograph are not found.
        workers: threads; None takes one a processor.
        progress: shows how far it is.
    """
    look = partial(stat_image, root) if fast else partial(decode_image, root)
    looks = progress(_in_chunks(look, images, workers), "images", len(images))
    missing, unreadable, outside = [], [], []
    same: dict[bytes, list[int]] = {}
    for i, (image, seen) in enumerate(zip(images, looks, strict=True)):
        shown = f"{image.path} (vehicle {image.vehicle_id})"
        if seen.missing:
            missing.append(shown)
        elif seen.unreadable:
            unreadable.append(f"{shown}: {seen.unreadable}")
        elif seen.outside:
            outside.append(f"{shown}: box {image.box}, {seen.outside}")
        if seen.digest:
            same.setdefault(seen.digest, []).append(i)
    copies = [[images[i] for i in group] for group in same.values() if len(group) > 1]
    return [
        *problem(
            "missing_images",
            Severity.ERROR,
            "listed images that are missing",
            missing,
            "get the images, or take them out of the lists",
        ),
        *problem(
            "unreadable_images",
            Severity.ERROR,
            "files that cannot be read as an image",
            unreadable,
            "get the files again, or take them out of the lists",
        ),
        *problem(
            "boxes_outside",
            Severity.ERROR,
            "boxes that do not lie inside their photographs",
            outside,
            "get label and photograph from the same release",
        ),
        *_copies(copies, probes),
    ]


def stat_image(root: Path, image: Image) -> Look:
    """Looks at a file's size only."""
    try:
        found = (root / image.path).stat()
    except FileNotFoundError:
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=error.strerror or str(error))
    if not stat.S_ISREG(found.st_mode):
        return Look(unreadable="no regular file")
    return Look(unreadable="" if found.st_size else "0 bytes")


def decode_image(root: Path, image: Image) -> Look:
    """Reads and decodes a file, as the LMDB's builder will.

    Without a box, JPEG is decoded at an eighth of its size, which leaves out
    the transforms but no byte of the file: the verdict is the same.
    """
    path = root / image.path
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=error.strerror or str(error))
    reduced = image.box is None
    flags = cv2.IMREAD_REDUCED_COLOR_8 if reduced else cv2.IMREAD_COLOR
    shape = _decoded_shape(data, flags)
    if shape is None:
        return Look(unreadable=f"its {data.size:,} bytes cannot be decoded")
    digest = hashlib.blake2b(data.data, digest_size=16).digest()
    if image.box is None or _inside(image.box, *shape):
        return Look(digest=digest)
    return Look(outside=f"photograph {shape[1]} x {shape[0]}", digest=digest)


def _decoded_shape(data: NDArray[np.uint8], flags: int) -> tuple[int, int] | None:
    """(height, width) of the decoded image; None where it cannot be decoded."""
    if not data.size:
        return None
    try:
        pixels = cv2.imdecode(data, flags)
    except cv2.error:  # a header that claims more pixels than OpenCV takes
        return None
    return None if pixels is None else (pixels.shape[0], pixels.shape[1])


def _inside(box: tuple[int, int, int, int], height: int, width: int) -> bool:
    left, top, right, bottom = box
    return 0 <= left < right <= width and 0 <= top < bottom <= height


def _in_chunks(
    look: Callable[[Image], Look], images: Sequence[Image], workers: int | None
) -> Iterator[Look]:
    """Looks on threads; in order, a bounded number of them at once."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)  # one thread an image, not several
    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1)
    try:
        for first in range(0, len(images), CHUNK):
            yield from pool.map(look, images[first : first + CHUNK])
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)


def _copies(groups: Sequence[Sequence[Image]], probes: Set[str]) -> list[Problem]:
    """Problems of files with the same bytes."""
    across, within, in_gallery = [], [], []
    for group in groups:
        shown = " = ".join(f"{i.path} (vehicle {i.vehicle_id})" for i in group[:3])
        shown += f" and {len(group) - 3} more" if len(group) > 3 else ""
        queried = [image.path for image in group if image.path in probes]
        if len({image.vehicle_id for image in group}) > 1:
            across.append(shown)
        elif len(group) == 2 and len(queried) == 1:
            in_gallery.append(shown)
        else:
            within.append(shown)
    return [
        *problem(
            "copies_across_vehicles",
            Severity.ERROR,
            "photographs that are there for several vehicles, byte for byte",
            across,
            "find out which vehicle it is, and remove the other files",
        ),
        *problem(
            "copies_within_vehicle",
            Severity.WARNING,
            "photographs that a vehicle has several times, byte for byte",
            within,
            "remove the copies: as gallery and probe they match by themselves",
        ),
        *problem(
            "probes_in_gallery",
            Severity.INFO,
            "probes that lie in the gallery too",
            in_gallery,
            "nothing, where the protocol leaves out images of the probe's own camera",
        ),
    ]


def check_unlisted(root: Path, images: Iterable[Image]) -> list[Problem]:
    """Finds photographs that no list names.

    Looks below the first folder of each path, such as image/, and beside
    those that have none.
    """
    listed = {image.path for image in images}
    tops = {PurePosixPath(path).parts[0] if "/" in path else "" for path in listed}
    unlisted = sorted(
        path for top in tops for path in _photographs(root, top) if path not in listed
    )
    return problem(
        "unlisted_images",
        Severity.INFO,
        "photographs on disk that are in no list",
        unlisted,
        "nothing, where they are not meant to be used",
    )


def _photographs(root: Path, top: str) -> Iterator[str]:
    """Paths, relative to root, below its folder top; "": root's own files."""
    for folder, below, names in os.walk(root / top):
        if not top:
            below.clear()
        start = Path(folder).relative_to(root)
        for name in names:
            if os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122
                yield (start / name).as_posix()


def unique_images(dataset: Dataset) -> tuple[Image, ...]:
    """Every image of any split once, in the splits' order."""
    first: dict[str, Image] = {}
    for images in dataset.splits.values():
        for image in images:
            first.setdefault(image.path, image)
    return tuple(first.values())
