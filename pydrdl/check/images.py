"""The image files of a data set: are they there, whole, and all different?"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from pydrdl.check.problems import Case, Problem, named, problems
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import UnreadableImageError, lies_inside, read_file, verify
from pydrdl.errors import InputError, reason
from pydrdl.files import irregular
from pydrdl.parallel import Progress, in_order

# What tools take for photographs; other files beside them are not listed.
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}


class Look(NamedTuple):
    """What a look at an image's file has shown; "" for nothing."""

    missing: bool = False
    unreadable: str = ""  # why its image cannot be read
    damage: str = ""  # what libjpeg says of damage that leaves it decodable
    outside: str = ""  # the photograph's size, where the image's box leaves it
    digest: bytes = b""  # of the file's bytes, where they were read as an image


def stat_image(root: Path, image: Image) -> Look:
    """Looks at a file's kind and size only."""
    try:
        found = (root / image.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=reason(error))
    empty = "" if found.st_size else "its 0 bytes cannot be decoded"
    return Look(unreadable=irregular(found.st_mode) or empty)


def decode_image(root: Path, image: Image) -> Look:
    """Reads and decodes a file, as the LMDB's builder and all others do."""
    seen = stat_image(root, image)
    if seen.missing or seen.unreadable:
        return seen
    try:
        data = read_file(root / image.path)
        photo = verify(data, turned=image.box is not None)
    except (InputError, UnreadableImageError) as error:
        return Look(unreadable=error.what)
    outside = ""
    if image.box is not None and not lies_inside(image.box, photo.height, photo.width):
        outside = f"photograph {photo.width} x {photo.height}"
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return Look(damage=photo.damage, outside=outside, digest=digest)


def check_files(
    root: Path,
    images: Sequence[Image],
    *,
    probes: Set[str],
    fast: bool,
    workers: int | None,
    progress: Progress,
) -> Iterator[Case]:
    """Looks at the file of every image, each of which is there once.

    Of probes, given by their paths, a gallery may hold a copy. Where it shall be
    fast, nothing is read: damaged images, copies and boxes that leave their
    photograph are not found.
    """
    look = partial(stat_image if fast else decode_image, root)
    looks = progress(in_order(look, images, workers), "images", len(images))
    same: dict[bytes, list[Image]] = {}
    for image, seen in zip(images, looks, strict=True):
        if seen.missing:
            yield "missing_images", named(image)
        elif seen.unreadable:
            yield "unreadable_images", f"{named(image)}: {seen.unreadable}"
        elif seen.outside:
            yield "boxes_outside", f"{named(image)}: box {image.box}, {seen.outside}"
        if seen.damage:
            yield "damaged_images", f"{named(image)}: {seen.damage}"
        if seen.digest:
            same.setdefault(seen.digest, []).append(image)
    for group in same.values():
        if len(group) > 1:
            yield _copies(group, probes)


def _copies(group: Sequence[Image], probes: Set[str]) -> Case:
    """What images whose files have the same bytes mean."""
    shown = " = ".join(map(named, group[:3]))
    shown += f" and {len(group) - 3} more" if len(group) > 3 else ""
    if len({image.vehicle_id for image in group}) > 1:
        return "copies_across_vehicles", shown
    if len(group) == 2 and sum(image.path in probes for image in group) == 1:
        return "probes_in_gallery", shown
    return "copies_within_vehicle", shown


def check_unlisted(root: Path, images: Iterable[Image]) -> Iterator[Case]:
    """Finds photographs that no list names.

    Looks below the first folder of each path, such as image/, and beside
    those that have none; never outside the root.
    """
    listed = {image.path for image in images}
    tops = {PurePosixPath(path).parts[0] if "/" in path else "" for path in listed}
    found = {path for top in tops - {".."} for path in _photographs(root, top)}
    for path in sorted(found - listed):
        yield "unlisted_images", path


def _photographs(root: Path, top: str) -> Iterator[str]:
    """Paths, relative to root, below its folder top; "": root's own files."""
    for folder, below, names in os.walk(root / top):
        if not top:
            below.clear()
        start = Path(folder).relative_to(root)
        for name in names:
            if os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122
                yield (start / name).as_posix()


class DamageNotes:
    """Takes notes of damage while images are read, on any thread.

    An instance is a Note of pydrdl/datasets/images.py.
    """

    def __init__(self) -> None:
        self._cases: dict[str, str] = {}

    def __call__(self, image: Image, damage: str) -> None:
        """Notes one image's damage."""
        self._cases[image.path] = f"{named(image)}: {damage}"

    def problems(self) -> list[Problem]:
        """What was noted, by path."""
        return problems(
            ("damaged_images", case) for _, case in sorted(self._cases.items())
        )
