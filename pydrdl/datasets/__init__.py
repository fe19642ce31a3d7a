"""Data sets of vehicles as they lie on disk; nothing here knows Caffe."""

from pathlib import Path

from pydrdl.datasets.image_list import read_image_list
from pydrdl.datasets.types import Dataset, Image
from pydrdl.datasets.vehicleid import read_vehicleid
from pydrdl.errors import InputError

__all__ = [
    "Dataset",
    "Image",
    "images_of_split",
    "open_dataset",
    "read_image_list",
    "read_vehicleid",
]


def open_dataset(path: Path, root: Path | None = None) -> Dataset:
    """Reads the data set at a path, whichever kind it is.

    Args:
        path: a folder with attribute/ and train_test_split/ (VehicleID), or a
            file (an image list).
        root: for an image list, the folder that its paths are relative to;
            None takes the list's own folder.

    Raises:
        InputError: nothing known lies there, or it is damaged.
    """
    path = Path(path)
    if path.is_file():
        return read_image_list(path, root)
    if root is not None:
        raise InputError(
            "a root goes with an image list only, and this is no file",
            path,
            "leave out --root, or name the list file",
        )
    if (path / "attribute").is_dir() and (path / "train_test_split").is_dir():
        return read_vehicleid(path)
    raise InputError(
        "no known data set; looked for VehicleID (a folder with attribute/ and "
        "train_test_split/) and for an image list (a file)",
        path,
        "check the path" if path.exists() else "check the path: nothing is there",
    )


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
