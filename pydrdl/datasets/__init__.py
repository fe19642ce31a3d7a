"""Data sets of vehicles as they lie on disk; nothing here knows Caffe."""

from pydrdl.datasets.compcars import read_compcars, read_surveillance
from pydrdl.datasets.dataset import Dataset, Image, Pair
from pydrdl.datasets.image_list import read_image_list
from pydrdl.datasets.recognise import open_dataset
from pydrdl.datasets.vehicleid import read_vehicleid
from pydrdl.datasets.veri import read_veri
from pydrdl.datasets.veri_wild import read_veri_wild
from pydrdl.errors import InputError

__all__ = [
    "Dataset",
    "Image",
    "Pair",
    "images_of_split",
    "open_dataset",
    "read_compcars",
    "read_image_list",
    "read_surveillance",
    "read_vehicleid",
    "read_veri",
    "read_veri_wild",
]


def images_of_split(dataset: Dataset, split: str) -> tuple[Image, ...]:
    """Returns a split's images, in the list's order.

    Args:
        dataset: as open_dataset returns it.
        split: the split's name.

    Raises:
        InputError: there is no such split, or it is empty.
    """
    known = ", ".join(dataset.splits)
    if split not in dataset.splits:
        raise InputError(
            f"{dataset.name} has no split {split!r}",
            dataset.root,
            f"choose one of: {known}",
        )
    if not dataset.splits[split]:
        raise InputError(
            f"split {split!r} of {dataset.name} is empty",
            dataset.root,
            f"check its list, or choose one of: {known}",
        )
    return dataset.splits[split]
