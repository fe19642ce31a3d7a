"""Any photographs of vehicles: named by a text file, or as two cameras' are.

A line of an image list is `path vehicle_id [model_id [camera_id]]`. The numbers are
taken from the right, so that a path may hold spaces; only a path whose last word is
itself a whole number cannot be listed. Lines that begin with "#" are comments.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import each_once, malformed, read_lines
from pydrdl.errors import InputError
from pydrdl.files import files_in, refuse_no_folder

# As many as every 64-bit number has.
MAX_DIGITS = 18
_NUMBER = re.compile(rb"-?\d+")
_TWO_CAMERA = re.compile(r"([a-z]+)_(\d+)_cam(\d+)\.jpg")


def read_image_list(list_path: Path, root: Path | None = None) -> Dataset:
    """Reads an image list; images are not opened.

    Its one split is "all". num_models is 0: a list does not say how many there are.
    Paths are relative to root; None takes the list's own folder.

    Raises:
        InputError: the file cannot be read, is empty, or has a malformed line,
            an absolute path, or an image twice.
    """
    list_path = Path(list_path)
    images = each_once(
        (f"{list_path}:{number}", _parse(f"{list_path}:{number}", line))
        for number, line in read_lines(list_path)
        if not line.startswith("#")
    )
    if not images:
        advice = "write lines of the form: path vehicle_id [model_id [camera_id]]"
        raise InputError("no images in the list", list_path, advice)
    folder = list_path.parent if root is None else Path(root)
    return Dataset(list_path.stem, folder, {"all": images})


def _parse(where: str, line: str) -> Image:
    name, numbers = _split(line)
    if not 1 <= len(numbers) <= 3 or any(len(n) > MAX_DIGITS for n in numbers):
        raise malformed(where, line, "path vehicle_id [model_id [camera_id]]")
    vehicle, model, camera = [*map(int, numbers), -1, -1][:3]
    if vehicle < 0 or model < -1 or camera < -1:
        expected = "vehicle_id >= 0; model_id and camera_id >= 0, or -1 for unknown"
        raise malformed(where, line, expected)
    path = PurePosixPath(name)
    if path.is_absolute():
        what = f"absolute path {path}; expected one relative to the data set's root"
        advice = "shorten the paths and name the folder they start from as the root"
        raise InputError(what, where, advice)
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


def read_two_camera(
    folder: Path,
    test_vehicles: int,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
) -> Dataset:
    """Reads `<class>_<number>_cam<camera>.jpg`, and splits vehicles at random.

    A vehicle is the class and the number together: numbers restart in each class,
    and vehicles are numbered in the order of both. The class (car, truck, ...)
    serves as the vehicle model, numbered in alphabetical order. So many vehicles go
    to the split "test"; the others go to "train". With a fold, such as the second of
    five, (2, 5), its vehicles go to "test" in their place: each vehicle is in one fold.

    Raises:
        InputError: no such images, a foreign name among them, or not enough
            vehicles.
    """
    folder, matches = Path(folder), []
    refuse_no_folder(folder, "check the path")
    for path in files_in(folder, "*.jpg"):
        match = _TWO_CAMERA.fullmatch(path.name)
        if match is None:
            what = "an image whose name does not say vehicle and camera"
            advice = "name it <class>_<number>_cam<camera>.jpg, or write an image list"
            raise InputError(what, path, advice)
        matches.append(match)
    vehicles = sorted({(match[1], match[2]) for match in matches})
    first, end = 0, test_vehicles
    if fold is not None:
        first, end = (len(vehicles) * k // fold[1] for k in (fold[0] - 1, fold[0]))
    if not 0 < end - first < len(vehicles):
        raise InputError(
            f"{len(vehicles)} vehicles; {max(1, end - first)} to test and some to "
            "train on are needed",
            folder,
            "check the folder: it must hold <class>_<number>_cam<camera>.jpg; or take "
            "fewer --folds or --test-vehicles",
        )
    number = {vehicle: k for k, vehicle in enumerate(vehicles)}
    classes = sorted({name for name, _ in vehicles})
    images = [
        Image(m[0], number[m[1], m[2]], classes.index(m[1]), int(m[3])) for m in matches
    ]
    order = np.random.default_rng(seed).permutation(len(vehicles))
    unseen = set(order[first:end].tolist())
    splits = {
        "train": tuple(i for i in images if i.vehicle_id not in unseen),
        "test": tuple(i for i in images if i.vehicle_id in unseen),
    }
    return Dataset("two cameras", folder, splits, num_models=len(classes))


def image_list_lines(images: Sequence[Image]) -> list[str]:
    """An image list's lines: path, vehicle id, model id, camera id."""
    return [f"{i.path} {i.vehicle_id} {i.model_id} {i.camera_id}" for i in images]
