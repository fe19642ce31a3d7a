"""The image files of a data set: are they there, whole, and all different?"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from functools import partial
from pathlib import Path, PurePosixPath

from pydrdl.datasets.types import Dataset, Image
from pydrdl.doctor.copies import copy_problems
from pydrdl.doctor.damage import damage_case, damage_problems
from pydrdl.doctor.look import Look, decode_image, stat_image
from pydrdl.doctor.problem import Problem, Severity, problem
from pydrdl.threads import in_order

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
