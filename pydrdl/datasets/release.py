"""How many images and vehicles each data set has, as released.

What a whole copy holds. The paper's own figures stand in pydrdl/paper.py; for
VehicleID they differ, because its lists were corrected after the paper.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydrdl import paper
from pydrdl.datasets import compcars, vehicleid, veri, veri_wild

ALL: Final = "all"


@dataclass(frozen=True)
class Size:
    """How large a split is.

    Attributes:
        images: number of images.
        vehicles: number of vehicle ids, which are models in CompCars.
    """

    images: int
    vehicles: int


# VERI-Wild's test sizes are its numbers of vehicles, each with one query.
_GALLERIES = {3_000: 38_861, 5_000: 64_389, 10_000: 128_517}

# By data set and split; ALL: all lists together, each image once. VeRi-776,
# VERI-Wild and VehicleID's test lists were counted; CompCars and VehicleID's
# training list are as their users state, and VehicleID's largest test list is
# what the training list leaves.
RELEASED: Final[Mapping[str, Mapping[str, Size]]] = MappingProxyType(
    {
        vehicleid.NAME: {
            "train": Size(paper.RELEASED_TRAIN_IMAGES, paper.RELEASED_TRAIN_VEHICLES),
            **{
                f"test_{split.vehicles}": Size(split.images, split.vehicles)
                for split in paper.RELEASED_SPLITS
            },
            "test_13164": Size(
                paper.RELEASED_IMAGES - paper.RELEASED_TRAIN_IMAGES,
                paper.RELEASED_VEHICLES - paper.RELEASED_TRAIN_VEHICLES,
            ),
            ALL: Size(paper.RELEASED_IMAGES, paper.RELEASED_VEHICLES),
        },
        veri.NAME: {
            "train": Size(37_778, 576),
            "query": Size(1_678, 200),
            "test": Size(11_579, 200),
        },
        veri_wild.NAME: {
            "train": Size(277_797, 30_671),
            **{f"query_{size}": Size(size, size) for size in _GALLERIES},
            **{f"gallery_{size}": Size(n, size) for size, n in _GALLERIES.items()},
            ALL: Size(416_314, 40_671),
        },
        compcars.NAME: {
            "part1": Size(30_955, 431),
            "part2": Size(4_454, 111),
            "part3": Size(22_236, 1_145),
        },
        compcars.SURVEILLANCE: {ALL: Size(44_481, 281)},
    }
)

# Each of CompCars' three levels: as many pairs of one model as of two.
COMPCARS_PAIRS: Final = 20_000


def _table_1(part: str) -> Size:
    return Size(paper.TABLE_1[part].images, paper.TABLE_1[part].vehicles)


_PAPER: Final[Mapping[str, Mapping[str, Size]]] = MappingProxyType(
    {
        vehicleid.NAME: {
            "train": _table_1("training"),
            **{
                f"test_{s.vehicles}": Size(s.images, s.vehicles)
                for s in paper.TEST_SPLITS
            },
            "test_13164": _table_1("testing"),
            ALL: Size(paper.IMAGES, paper.VEHICLES),
        },
        compcars.NAME: {
            part: Size(images, models)
            for part, (images, models) in paper.COMPCARS_PARTS.items()
        },
    }
)


def released_size(dataset: str, split: str) -> Size | None:
    """What a split of a data set holds; None where it is not known."""
    return RELEASED.get(dataset, {}).get(split)


def paper_size(dataset: str, split: str) -> Size | None:
    """The same by the paper (Tables 1 and 2, Sec. 5); None where it does not say."""
    return _PAPER.get(dataset, {}).get(split)
