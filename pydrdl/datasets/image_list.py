"""Any photographs of vehicles, named by a text file.

A line is `path vehicle_id [model_id [camera_id]]`. The numbers are taken from
the right, so that a path may hold spaces; only a path whose last word is itself
a whole number cannot be listed. Lines that begin with "#" are comments.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import add_once, malformed, read_lines
from pydrdl.errors import InputError
from pydrdl.files import files_in

# As many as every 64-bit number has.
MAX_DIGITS = 18
_NUMBER = re.compile(rb"-?\d+")


def read_image_list(list_path: Path, root: Path | None = None) -> Dataset:
    """Reads an image list; images are not opened.

    Args:
        list_path: the text file.
        root: the folder that the paths are relative to; None takes the list's
            own folder.

    Returns:
        The data set, with the one split "all" in the list's order. num_models
        is 0: a list does not say how many there are.

    Raises:
        InputError: the file cannot be read, is empty, or has a malformed line,
            an absolute path, or an image twice.
    """
    list_path = Path(list_path)
    images: dict[str, Image] = {}
    for number, line in read_lines(list_path):
        if line.startswith("#"):
            continue
        add_once(images, _parse(list_path, number, line), list_path, number)
    if not images:
        raise InputError(
            "no images in the list",
            list_path,
            "write lines of the form: path vehicle_id [model_id [camera_id]]",
        )
    folder = list_path.parent if root is None else Path(root)
    return Dataset(list_path.stem, folder, {"all": tuple(images.values())})


def _parse(list_path: Path, number: int, line: str) -> Image:
    name, numbers = _split(line)
    if not 1 <= len(numbers) <= 3 or any(len(n) > MAX_DIGITS for n in numbers):
        expected = "path vehicle_id [model_id [camera_id]]"
        raise malformed(list_path, number, line, expected)
    vehicle, model, camera = [*map(int, numbers), -1, -1][:3]
    if vehicle < 0 or model < -1 or camera < -1:
        expected = "vehicle_id >= 0; model_id and camera_id >= 0, or -1 for unknown"
        raise malformed(list_path, number, line, expected)
    path = PurePosixPath(name)
    if path.is_absolute():
        raise InputError(
            f"absolute path {path}; expected one relative to the data set's root",
            f"{list_path}:{number}",
            "shorten the paths and name the folder they start from as the root",
        )
    return Image(str(path), vehicle, model, camera)


def _split(line: str) -> tuple[str, list[bytes]]:
    """The path of a line, and the numbers behind it, at most three.

    Bytes are split at ASCII's white space only: a path may hold other.
    """
    rest, numbers = line.encode(), list[bytes]()
    while len(numbers) < 3:
        parts = rest.rsplit(None, 1)
        if len(parts) < 2 or not _NUMBER.fullmatch(parts[1]):
            break
        rest, numbers = parts[0], [parts[1], *numbers]
    return rest.decode(), numbers


# Photographs named `<class>_<number>_cam<camera>.jpg`, one vehicle a pair.
#
# A vehicle is the class and the number together: numbers restart in each class.
# The class (car, truck, ...) serves as the vehicle model.


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
