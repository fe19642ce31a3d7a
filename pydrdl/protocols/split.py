"""Which images are the gallery in each repeat, kept in a file.

A split names its images, so that it can be told whether a features file is of
the same set, and carries the SHA-256 of its own content: two results compare
only where that hash is the same.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import model_validator

from pydrdl.arrays import Int
from pydrdl.errors import InputError, writing
from pydrdl.files import exists, write_text
from pydrdl.strict_json import Ascending, Count, Form, read_declared

SCHEMA = "drdl.split/1"


@dataclass(frozen=True)
class Split:
    """Gallery and probes of every repeat; all images but the gallery are probes."""

    name: str  # of the rule that made it
    seed: int | None  # of the draws; None where nothing was drawn
    images: tuple[str, ...]  # names of all N images, sorted
    vehicle_ids: tuple[int, ...]  # the vehicle of each image
    # For each repeat, ascending positions in images.
    gallery: tuple[tuple[int, ...], ...]

    @property
    def sha256(self) -> str:
        """Of the canonical JSON text of everything above."""
        text = json.dumps(_to_dict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def rows_in(self, names: Sequence[str], vehicle_ids: Int, where: object) -> Int:
        """Finds the split's images among those of a features file, where, in any order.

        Returns:
            (N,) position in names of each of the split's images.

        Raises:
            InputError: the two do not hold the same images and vehicles.
        """
        again = "use the split file of this set, or none to draw a new split"
        row = {name: i for i, name in enumerate(names)}
        missing = [name for name in self.images if name not in row]
        if missing:
            raise InputError(
                f"{len(missing):,} of the split's {len(self.images):,} images are "
                f"missing, such as {missing[0]!r}: it is of another set",
                where,
                again,
            )
        if len(names) != len(self.images):
            extra = sorted(set(names) - set(self.images))
            raise InputError(
                f"{len(names):,} images, of which the split knows "
                f"{len(self.images):,}; unknown is {(extra or names)[0]!r}",
                where,
                again,
            )
        rows = np.array([row[name] for name in self.images], np.int64)
        differ = np.flatnonzero(vehicle_ids[rows] != np.array(self.vehicle_ids))
        if differ.size:
            i = differ[0]
            raise InputError(
                f"image {self.images[i]!r} shows vehicle {vehicle_ids[rows[i]]}; "
                f"the split says {self.vehicle_ids[i]} ({differ.size:,} differ)",
                where,
                again,
            )
        return rows


def sorted_images(
    names: Sequence[str], vehicle_ids: Int
) -> tuple[tuple[str, ...], Int]:
    """Images by name, with vehicles; InputError for no image, or a name twice."""
    if not len(names):
        raise InputError("there is no image", "names", "give a set with images")
    order = np.argsort(np.array(names))
    images = tuple(names[i] for i in order)
    for name, following in pairwise(images):
        if name == following:
            raise InputError(
                f"image {name!r} occurs twice", "names", "name every image once"
            )
    return images, vehicle_ids[order]


def draw_galleries(
    vehicle_ids: Int, sizes: Int, *, repeats: int, seed: int
) -> tuple[tuple[int, ...], ...]:
    """Draws some images of each vehicle, in every repeat.

    A draw depends on the seed, the repeat, and the set of images, not on their
    order: repeat r takes raw words of Philox(SeedSequence([seed, r])), whose
    stream NumPy keeps across versions. The n-th image of a vehicle takes its
    n-th word (Fisher and Yates' shuffle, cut short).

    Args:
        vehicle_ids: (N,) vehicle of each image, images sorted by name.
        sizes: (V,) how many images of each vehicle, in ascending order of ids.
        repeats: number of draws.
        seed: not negative.

    Returns:
        For each repeat, ascending positions of images.
    """
    grouped = np.argsort(vehicle_ids, kind="stable")
    _, first, counts = np.unique(
        vehicle_ids[grouped], return_index=True, return_counts=True
    )
    galleries = []
    for repeat in range(repeats):
        source = np.random.Philox(np.random.SeedSequence([seed, repeat]))
        pool, chosen = grouped.copy(), []
        for turn in range(int(sizes.max())):
            some = np.flatnonzero(sizes > turn)
            left = (counts[some] - turn).astype(np.uint64)
            words = source.random_raw(some.size) >> np.uint64(32)
            steps = ((words * left) >> np.uint64(32)).astype(np.int64)
            here = first[some] + turn
            there = here + steps
            pool[here], pool[there] = pool[there], pool[here]
            chosen.append(pool[here])
        galleries.append(tuple(np.sort(np.concatenate(chosen)).tolist()))
    return tuple(galleries)


def save_split(split: Split, path: Path) -> None:
    """Writes a split; the file appears only when whole.

    Raises:
        InputError: the file exists, or its folder cannot be written.
    """
    if exists(path):
        raise InputError("the split file exists", path, "name another file")
    text = json.dumps({"sha256": split.sha256, **_to_dict(split)}, ensure_ascii=False)
    with writing("the split", path):
        write_text(path, text + "\n")


class _File(Form):
    """A split file."""

    sha256: str
    name: str
    seed: Count | None
    images: list[str]
    vehicle_ids: list[int]
    gallery: list[Ascending]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        count = len(self.images)
        if len(self.vehicle_ids) != count:
            raise ValueError(f"{len(self.vehicle_ids):,} vehicles of {count:,} images")
        if any(a >= b for a, b in pairwise(self.images)):
            raise ValueError("the images are not in order, or one is there twice")
        for places in self.gallery:
            if not places or places[-1] >= count:
                raise ValueError(f"a gallery that does not fit {count:,} images")
        return self


def load_split(path: Path) -> Split:
    """Reads a split.

    Raises:
        InputError: there is no such file, it is no split, or its content does
            not have the hash that it states.
    """
    again = "delete the file to draw a new split, or restore it"
    content = read_declared(_File, path, "the split", again, SCHEMA)
    split = Split(
        name=content.name,
        seed=content.seed,
        images=tuple(content.images),
        vehicle_ids=tuple(content.vehicle_ids),
        gallery=tuple(map(tuple, content.gallery)),
    )
    try:
        changed = split.sha256 != content.sha256
    except UnicodeEncodeError:  # names that no file of ours can hold
        changed = True
    if changed:
        what = "cannot read the split: its content was changed: the SHA-256 differs"
        raise InputError(what, path, again)
    return split


def _to_dict(split: Split) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "name": split.name,
        "seed": split.seed,
        "images": split.images,
        "vehicle_ids": split.vehicle_ids,
        "gallery": split.gallery,
    }
