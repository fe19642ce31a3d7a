"""The numbers of the paper's Tables 1 to 6, and of VehicleID as released.

Liu, Tian, Wang, Pang, Huang: "Deep Relative Distance Learning: Tell the
Difference Between Similar Vehicles", CVPR 2016. No other file repeats them.
Rates, accuracies and MAP are fractions of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True)
class Part:
    """A part of VehicleID (Table 1); numbers of images unless said otherwise."""

    labelled: int  # images whose vehicle model is known
    unlabelled: int  # images without a model label, as printed
    images: int  # all images
    vehicles: int  # number of vehicles, from Sec. 4


@dataclass(frozen=True)
class TestSplit:
    """A test split of VehicleID."""

    __test__ = False  # not a test case, whatever pytest makes of the name

    name: str  # "Small", "Medium" or "Large"
    # Number of vehicles (Table 2), which is the gallery size of re-identification too
    # (Table 5).
    vehicles: int
    images: int  # number of images (Table 2)
    probes: int  # number of re-identification probes (Table 5)


@dataclass(frozen=True)
class MatchRate:
    """One method on one test split of Table 6: rank-1 and rank-5 match rate."""

    top1: float
    top5: float


VGG_TRIPLET: Final = "VGG + triplet"
VGG_CCL: Final = "VGG + CCL"
MIXED_CCL: Final = "Mixed difference + CCL"
GOOGLENET_SVM: Final = "GoogLeNet + SVM"
GOOGLENET_JB: Final = "GoogLeNet + Joint Bayesian"
VGG_JB: Final = "VGG + Joint Bayesian"
COMPCARS_JB: Final = "GoogLeNet (CompCars) + Joint Bayesian"

# Sec. 4.
IMAGES: Final = 221_763
VEHICLES: Final = 26_267
MODELS: Final = 250
LABELLED_VEHICLES: Final = 10_319
LABELLED_IMAGES: Final = 90_196

# Table 1. The training row does not add up in print: 47,558 + 67,540 is
# 115,098, not 110,178 (which would leave 62,620 images without a label).
TABLE_1: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "training": Part(47_558, 67_540, 110_178, 13_134),
        "testing": Part(42_638, 68_947, 111_585, 13_133),
    }
)

# Tables 2 and 5.
TEST_SPLITS: Final = (
    TestSplit("Small", 800, 7_332, 6_532),
    TestSplit("Medium", 1_600, 12_995, 11_395),
    TestSplit("Large", 2_400, 20_038, 17_638),
)

# The lists of VehicleID V1.0 as published after the paper, when vehicles with
# fake plates had been taken out; counted on the files. Not in the paper.
RELEASED_SPLITS: Final = (
    TestSplit("Small", 800, 6_493, 5_693),
    TestSplit("Medium", 1_600, 13_377, 11_777),
    TestSplit("Large", 2_400, 19_777, 17_377),
)
RELEASED_IMAGES: Final = 221_567
RELEASED_VEHICLES: Final = 26_328
RELEASED_LABELLED_IMAGES: Final = 90_168
RELEASED_LABELLED_VEHICLES: Final = 10_309
RELEASED_TRAIN_IMAGES: Final = 113_346
RELEASED_TRAIN_VEHICLES: Final = 13_164

# Sec. 5: (images, models) of CompCars' parts that are trained and tested on.
COMPCARS_PARTS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {"part1": (30_955, 431), "part3": (22_236, 1_145)}
)

# Table 3: verification accuracy on CompCars, (easy, medium, hard). None: the
# training did not converge.
TABLE_3: Final[Mapping[str, tuple[float, float, float] | None]] = MappingProxyType(
    {
        GOOGLENET_SVM: (0.700, 0.690, 0.659),
        GOOGLENET_JB: (0.833, 0.824, 0.761),
        VGG_TRIPLET: None,
        MIXED_CCL: (0.833, 0.788, 0.703),
    }
)

# Table 4: mean average precision of retrieval, by test split.
TABLE_4: Final[Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        VGG_TRIPLET: {"Small": 0.444, "Medium": 0.391, "Large": 0.373},
        VGG_CCL: {"Small": 0.492, "Medium": 0.448, "Large": 0.386},
        MIXED_CCL: {"Small": 0.546, "Medium": 0.481, "Large": 0.455},
    }
)

# Table 6: match rate of re-identification, by test split.
TABLE_6: Final[Mapping[str, Mapping[str, MatchRate]]] = MappingProxyType(
    {
        VGG_TRIPLET: {
            "Small": MatchRate(0.404, 0.617),
            "Medium": MatchRate(0.354, 0.546),
            "Large": MatchRate(0.319, 0.503),
        },
        VGG_CCL: {
            "Small": MatchRate(0.436, 0.642),
            "Medium": MatchRate(0.370, 0.571),
            "Large": MatchRate(0.329, 0.533),
        },
        MIXED_CCL: {
            "Small": MatchRate(0.490, 0.735),
            "Medium": MatchRate(0.428, 0.668),
            "Large": MatchRate(0.382, 0.616),
        },
    }
)


def split_of_gallery(size: int) -> TestSplit | None:
    """The paper's test split with a gallery of this size; None without one."""
    return next((s for s in TEST_SPLITS if s.vehicles == size), None)


def released_split(name: str) -> TestSplit:
    """The released counterpart of the paper's test split of this name."""
    return next(s for s in RELEASED_SPLITS if s.name == name)
