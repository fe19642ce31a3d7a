"""Which cases to check, and on which devices."""

from collections.abc import Callable, Collection, Iterable, Iterator
from enum import Enum
from itertools import product

from pydrdl.gradcheck.case import Case
from pydrdl.gradcheck.check import Row, check
from pydrdl.pycaffe import import_caffe

Progress = Callable[[Iterable[tuple[Case, str]], str, int], Iterator[tuple[Case, str]]]


class Layer(Enum):
    """What can be checked."""

    COUPLED_CLUSTERS_LOSS = "CoupledClustersLoss"
    TRIPLET_LOSS = "TripletLoss"
    L2_NORMALIZE = "L2Normalize"
    MIXED_DIFFERENCE = "mixed_difference"


class Mode(Enum):
    """In which way; every layer has some of these."""

    EXACT = "EXACT"
    CENTER_CONSTANT = "CENTER_CONSTANT"
    PAPER = "PAPER"
    RANDOM = "RANDOM"
    HARD = "HARD"
    THREE_BOTTOMS = "THREE_BOTTOMS"
    OUT_OF_PLACE = "OUT_OF_PLACE"
    IN_PLACE = "IN_PLACE"


class Device(Enum):
    """Where Caffe computes."""

    CPU = "cpu"
    GPU = "gpu"


def select_cases(
    layers: Collection[Layer], modes: Collection[Mode], samples: int
) -> list[Case]:
    """The cases of some layers and modes; of all, where none is named.

    Args:
        layers: to check.
        modes: to check.
        samples: parameters of each layer of the whole net.
    """
    import_caffe()  # first, or it fills the screen with its log
    from pydrdl.gradcheck.layer_cases import layer_cases
    from pydrdl.gradcheck.net_case import net_case

    return [
        case
        for case in (*layer_cases(), net_case(samples))
        if (not layers or Layer(case.layer) in layers)
        and (not modes or Mode(case.mode) in modes)
    ]


def check_all(
    cases: Collection[Case],
    devices: Collection[Device],
    seed: int,
    progress: Progress = lambda items, what, total: iter(items),
) -> list[Row]:
    """Checks every case on every device.

    Args:
        cases: what to check.
        devices: where; they must be there.
        seed: of all that is random.
        progress: shows how far it is.
    """
    caffe = import_caffe()
    rows: list[Row] = []
    pairs = [(case, device.value) for device, case in product(devices, cases)]
    try:
        for case, device in progress(pairs, "checking", len(pairs)):
            if device == "gpu":
                caffe.set_device(0)
                caffe.set_mode_gpu()
            else:
                caffe.set_mode_cpu()
            rows += check(case, device, seed)
    finally:
        caffe.set_mode_cpu()
    return rows
