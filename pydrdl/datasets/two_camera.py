"""Photographs named `<class>_<number>_cam<camera>.jpg`, one vehicle a pair.

A vehicle is the class and the number together: numbers restart in each class.
The class (car, truck, ...) serves as the vehicle model.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pydrdl.datasets.types import Dataset, Image
from pydrdl.errors import InputError
from pydrdl.paths import files_in

_NAME = re.compile(r"([a-z]+)_(\d+)_cam(\d+)\.jpg")


def read_two_camera(folder: Path, test_vehicles: int, seed: int = 0) -> Dataset:
    """Reads such a folder and splits its vehicles at random.

    Args:
        folder: holds the images.
        test_vehicles: how many vehicles go to the split "test"; the others go
            to "train".
        seed: of the split.

    Returns:
        The data set; models are numbered in the classes' alphabetical order,
        vehicles in the order of class and number.

    Raises:
        InputError: no such images, a foreign name among them, or not enough
            vehicles.
    """
    matches = [_match(path) for path in files_in(Path(folder), "*.jpg")]
    vehicles = sorted({(match[1], match[2]) for match in matches})
    if len(vehicles) <= test_vehicles:
        raise InputError(
            f"{len(vehicles)} vehicles; {test_vehicles} to test and some to train on "
            "are needed",
            folder,
            "check the folder: it must hold <class>_<number>_cam<camera>.jpg",
        )
    classes = sorted({name for name, _ in vehicles})
    images = [
        Image(
            match[0],
            vehicle_id=vehicles.index((match[1], match[2])),
            model_id=classes.index(match[1]),
            camera_id=int(match[3]),
        )
        for match in matches
    ]
    order = np.random.default_rng(seed).permutation(len(vehicles))
    unseen = set(order[:test_vehicles].tolist())
    return Dataset(
        "two cameras",
        Path(folder),
        {
            "train": tuple(i for i in images if i.vehicle_id not in unseen),
            "test": tuple(i for i in images if i.vehicle_id in unseen),
        },
        num_models=len(classes),
    )


def _match(path: Path) -> re.Match[str]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise InputError(
            "an image whose name does not say vehicle and camera",
            path,
            "name it <class>_<number>_cam<camera>.jpg, or write an image list",
        )
    return match


def image_list_lines(images: Sequence[Image]) -> list[str]:
    """An image list's lines: path, vehicle id, model id, camera id."""
    return [f"{i.path} {i.vehicle_id} {i.model_id} {i.camera_id}" for i in images]
