"""How many images and vehicles each data set has: as released, and by the paper.

For VehicleID the two differ, because its lists were corrected after the paper.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydrdl import paper
from pydrdl.datasets import compcars, vehicleid, veri, veri_wild

ALL: Final = "all"


class SplitSize(NamedTuple):
    """How many images a split has, and vehicle ids, which are models in CompCars."""

    images: int
    vehicles: int


# VERI-Wild's test sizes are its numbers of vehicles, each with one query.
_GALLERIES = {3_000: 38_861, 5_000: 64_389, 10_000: 128_517}

# By data set and split; ALL: all lists together, each image once. VeRi-776,
# VERI-Wild and VehicleID's test lists were counted; CompCars and VehicleID's
# training list are as their users state, and VehicleID's largest test list is
# what the training list leaves.
RELEASED: Final[Mapping[str, Mapping[str, SplitSize]]] = {
    vehicleid.NAME: {
        "train": SplitSize(paper.RELEASED_TRAIN_IMAGES, paper.RELEASED_TRAIN_VEHICLES),
        **{
            f"test_{split.vehicles}": SplitSize(split.images, split.vehicles)
            for split in paper.RELEASED_SPLITS
        },
        "test_13164": SplitSize(
            paper.RELEASED_IMAGES - paper.RELEASED_TRAIN_IMAGES,
            paper.RELEASED_VEHICLES - paper.RELEASED_TRAIN_VEHICLES,
        ),
        ALL: SplitSize(paper.RELEASED_IMAGES, paper.RELEASED_VEHICLES),
    },
    veri.NAME: {
        "train": SplitSize(37_778, 576),
        "query": SplitSize(1_678, 200),
        "test": SplitSize(11_579, 200),
    },
    veri_wild.NAME: {
        "train": SplitSize(277_797, 30_671),
        **{f"query_{size}": SplitSize(size, size) for size in _GALLERIES},
        **{f"gallery_{size}": SplitSize(n, size) for size, n in _GALLERIES.items()},
        ALL: SplitSize(416_314, 40_671),
    },
    compcars.NAME: {
        "part1": SplitSize(30_955, 431),
        "part2": SplitSize(4_454, 111),
        "part3": SplitSize(22_236, 1_145),
    },
    compcars.SURVEILLANCE: {ALL: SplitSize(44_481, 281)},
}

# Each of CompCars' three levels: as many pairs of one model as of two.
COMPCARS_PAIRS: Final = 20_000


def _table_1(part: str) -> SplitSize:
    return SplitSize(paper.TABLE_1[part].images, paper.TABLE_1[part].vehicles)


_PAPER: Final[Mapping[str, Mapping[str, SplitSize]]] = {
    vehicleid.NAME: {
        "train": _table_1("training"),
        **{
            f"test_{s.vehicles}": SplitSize(s.images, s.vehicles)
            for s in paper.TEST_SPLITS
        },
        "test_13164": _table_1("testing"),
        ALL: SplitSize(paper.IMAGES, paper.VEHICLES),
    },
    compcars.NAME: {
        part: SplitSize(*numbers) for part, numbers in paper.COMPCARS_PARTS.items()
    },
}


def released_size(dataset: str, split: str) -> SplitSize | None:
    """What a split of a data set holds; None where it is not known."""
    return RELEASED.get(dataset, {}).get(split)


def paper_size(dataset: str, split: str) -> SplitSize | None:
    """The same by the paper (Tables 1 and 2, Sec. 5); None where it does not say."""
    return _PAPER.get(dataset, {}).get(split)
