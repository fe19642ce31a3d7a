"""PKU VehicleID V1.0 as it lies on disk.

- image/0000002.jpg and so on: 7 digits, zero padded;
- attribute/model_attr.txt: "vehicle model", labelled vehicles only;
- attribute/model_names.txt: "name model", the name first;
- attribute/img2vid.txt: "image vehicle" of all images; to check the lists by;
- attribute/color_attr.txt, color_names.txt: not needed here;
- train_test_split/train_list.txt: "image vehicle";
- train_test_split/test_list_800.txt: the same, and further sizes.
"""

import re
from pathlib import Path

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import add_once, malformed, read_lines
from pydrdl.errors import InputError
from pydrdl.files import exists, files_in

NAME = "VehicleID"
ALL_IMAGES = "attribute/img2vid.txt"
# Images and vehicles are numbers, which may be padded with zeros.
_TWO_NUMBERS = re.compile(r"(\d{1,18})\s+(\d{1,18})", re.ASCII)
# A net has an output for each model up to the largest, so ids cannot be large.
_NAME_THEN_NUMBER = re.compile(r"(?:(.*)\s)?(\d{1,5})", re.ASCII)


def read_vehicleid(root: Path) -> Dataset:
    """Reads VehicleID's lists; images are not opened.

    Splits are named after the lists in train_test_split/: "train" for
    train_list.txt, "test_800" for test_list_800.txt and so on. The released
    test lists overlap. There are no camera ids.

    Args:
        root: the folder that holds image/, attribute/ and train_test_split/.

    Returns:
        The data set, images in the lists' order. model_id is -1 for the
        vehicles that model_attr.txt leaves out; num_models is the largest id
        of model_names.txt + 1, or 0 without that file.

    Raises:
        InputError: a file is missing, a line malformed, an image listed twice
            in a list, or a model label out of range.
    """
    root = Path(root)
    attributes = root / "attribute"
    names = _read_names(attributes / "model_names.txt")
    num_models = max(names, default=-1) + 1
    model_of = _read_models(attributes / "model_attr.txt", num_models)
    folder = root / "train_test_split"
    lists = [*files_in(folder, "train*.txt"), *files_in(folder, "test*.txt")]
    if not lists:
        raise InputError(
            "no split lists",
            folder,
            "put train_list.txt or a test_list_<vehicles>.txt there",
        )
    splits = {
        path.stem.replace("_list", ""): _read_list(path, model_of)
        for path in sorted(lists, key=_list_order)
    }
    return Dataset(NAME, root, splits, num_models, names)


def _list_order(path: Path) -> tuple[bool, int, str]:
    """Training lists first, then by the number in the name."""
    digits = re.findall(r"\d+", path.stem)
    return path.stem.startswith("test"), int(digits[-1]) if digits else 0, path.stem


def read_all_images(root: Path) -> dict[str, int] | None:
    """Reads img2vid.txt, which names the vehicle of every image.

    Returns:
        {path: vehicle id}; None where there is no such file.

    Raises:
        InputError: it cannot be read, has a malformed line or an image twice.
    """
    path = Path(root) / ALL_IMAGES
    if not exists(path):
        return None
    return {image.path: image.vehicle_id for image in _read_list(path, {})}


def _read_list(path: Path, model_of: dict[int, int]) -> tuple[Image, ...]:
    images: dict[str, Image] = {}
    for number, line in read_lines(path):
        match = _TWO_NUMBERS.fullmatch(line)
        if match is None:
            expected = 'an image and its vehicle, as in "0279029 23781"'
            raise malformed(path, number, line, expected)
        # Some copies have lost the padding; the files' names have not.
        name, vehicle = f"image/{int(match[1]):07d}.jpg", int(match[2])
        image = Image(name, vehicle, model_of.get(vehicle, -1))
        add_once(images, image, path, number)
    return tuple(images.values())


def _read_models(path: Path, num_models: int) -> dict[int, int]:
    """Returns {vehicle id: model id} of the labelled vehicles."""
    models: dict[int, int] = {}
    for number, line in read_lines(path):
        match = _TWO_NUMBERS.fullmatch(line)
        if match is None:
            expected = 'a vehicle and its model, as in "8 105"'
            raise malformed(path, number, line, expected)
        vehicle, model = int(match[1]), int(match[2])
        if num_models and model >= num_models:
            raise InputError(
                f"vehicle {vehicle} has model {model}; model_names.txt ends at "
                f"{num_models - 1}",
                f"{path}:{number}",
                "get both files from the same release",
            )
        if models.setdefault(vehicle, model) != model:
            raise InputError(
                f"vehicle {vehicle} has two models, {models[vehicle]} and {model}",
                f"{path}:{number}",
                "remove one of the two lines, or get the file again",
            )
    return models


def _read_names(path: Path) -> dict[int, str]:
    """Returns {model id: name}; empty where the file is missing."""
    if not exists(path):
        return {}
    names: dict[int, str] = {}
    for number, line in read_lines(path):
        match = _NAME_THEN_NUMBER.fullmatch(line)
        if match is None:
            raise malformed(path, number, line, "a model's name, then its id")
        names[int(match[2])] = (match[1] or "").strip()
    return names
