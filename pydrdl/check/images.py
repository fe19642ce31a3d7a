"""Files with the same bytes."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from pydrdl.check.problem import Problem, Severity, problem
from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.images import UnreadableImageError, glance, lies_inside, read_file
from pydrdl.errors import InputError, reason
from pydrdl.files import irregular
from pydrdl.parallel import in_order


def copy_problems(groups: Sequence[Sequence[Image]], probes: Set[str]) -> list[Problem]:
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


# Photographs that are damaged but can be decoded, as libjpeg tells it.


def damage_problems(cases: Sequence[str]) -> list[Problem]:
    """Problems of damaged photographs, each given as path and what is damaged."""
    return problem(
        "damaged_images",
        Severity.WARNING,
        "damaged photographs that can be decoded, some with wrong pixels",
        cases,
        "look at them; get the files again, or take them out of the list",
    )


def damage_case(image: Image, damage: str) -> str:
    """One case for damage_problems."""
    return f"{image.path} (vehicle {image.vehicle_id}): {damage}"


class DamageNotes:
    """Takes notes of damage while images are read, on any thread.

    An instance is a Note of pydrdl/datasets/images.py.
    """

    def __init__(self) -> None:
        self._cases: dict[str, str] = {}

    def __call__(self, image: Image, damage: str) -> None:
        """Notes one image's damage."""
        self._cases[image.path] = damage_case(image, damage)

    def problems(self) -> list[Problem]:
        """What was noted, by path."""
        return damage_problems([self._cases[path] for path in sorted(self._cases)])


# A look at one image's file.


@dataclass(frozen=True)
class Look:
    """What a look at an image's file has shown.

    Attributes:
        missing: there is no such file.
        unreadable: why its image cannot be read; "" where it can.
        damage: what libjpeg says of damage that leaves it decodable; "".
        outside: the photograph's size, where the image's box leaves it; "".
        digest: of the file's bytes; b"" where they were not read as an image.
    """

    missing: bool = False
    unreadable: str = ""
    damage: str = ""
    outside: str = ""
    digest: bytes = b""


def stat_image(root: Path, image: Image) -> Look:
    """Looks at a file's kind and size only."""
    try:
        found = (root / image.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return Look(missing=True)
    except OSError as error:
        return Look(unreadable=reason(error))
    if odd := irregular(found.st_mode):
        return Look(unreadable=odd)
    return Look(unreadable="" if found.st_size else "its 0 bytes cannot be decoded")


def decode_image(root: Path, image: Image) -> Look:
    """Reads and decodes a file, as the LMDB's builder and all others do."""
    seen = stat_image(root, image)
    if seen.missing or seen.unreadable:
        return seen
    try:
        data = read_file(root / image.path)
        photo = glance(data, turned=image.box is not None)
    except (InputError, UnreadableImageError) as error:
        return Look(unreadable=error.what)
    digest = hashlib.blake2b(data, digest_size=16).digest()
    outside = ""
    if image.box is not None and not lies_inside(image.box, photo.height, photo.width):
        outside = f"photograph {photo.width} x {photo.height}"
    return Look(damage=photo.damage, outside=outside, digest=digest)


# The image files of a data set: are they there, whole, and all different?


# What tools take for photographs; other files beside them are not listed.
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
Progress = Callable[[Iterable[Look], str, int], Iterable[Look]]


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
    looks = progress(in_order(look, images, workers), "images", len(images))
    missing, unreadable, damaged, outside = [], [], [], []
    same: dict[bytes, list[int]] = {}
    for i, (image, seen) in enumerate(zip(images, looks, strict=True)):
        shown = f"{image.path} (vehicle {image.vehicle_id})"
        if seen.missing:
            missing.append(shown)
        elif seen.unreadable:
            unreadable.append(f"{shown}: {seen.unreadable}")
        elif seen.outside:
            outside.append(f"{shown}: box {image.box}, {seen.outside}")
        if seen.damage:
            damaged.append(damage_case(image, seen.damage))
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
        *damage_problems(damaged),
        *problem(
            "boxes_outside",
            Severity.ERROR,
            "boxes that do not lie inside their photographs",
            outside,
            "get label and photograph from the same release",
        ),
        *copy_problems(copies, probes),
    ]


def check_unlisted(root: Path, images: Iterable[Image]) -> list[Problem]:
    """Finds photographs that no list names.

    Looks below the first folder of each path, such as image/, and beside
    those that have none; never outside the root.
    """
    listed = {image.path for image in images}
    tops = {PurePosixPath(path).parts[0] if "/" in path else "" for path in listed}
    tops.discard("..")
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
