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
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import MIXED, TWICE, each_once, read_matches
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
    test lists overlap. There are no camera ids. model_id is -1 for the vehicles
    that model_attr.txt leaves out; num_models is the largest id of
    model_names.txt + 1, or 0 without that file.

    Raises:
        InputError: a file is missing, a line malformed, an image listed twice
            in a list, or a model label out of range.
    """
    root = Path(root)
    names = _read_names(root / "attribute/model_names.txt")
    num_models = max(names, default=-1) + 1
    model_of = _read_models(root / "attribute/model_attr.txt", num_models)
    folder = root / "train_test_split"
    lists = [*files_in(folder, "train*.txt"), *files_in(folder, "test*.txt")]
    if not lists:
        advice = "put train_list.txt or a test_list_<vehicles>.txt there"
        raise InputError("no split lists", folder, advice)
    splits = {
        path.stem.replace("_list", ""): each_once(_listed(path, model_of))
        for path in sorted(lists, key=_list_order)
    }
    return Dataset(NAME, root, splits, num_models, names)


def _list_order(path: Path) -> tuple[bool, int, str]:
    """Training lists first, then by the number in the name."""
    digits = re.findall(r"\d+", path.stem)
    return path.stem.startswith("test"), int(digits[-1]) if digits else 0, path.stem


def read_all_images(root: Path) -> dict[str, int] | None:
    """Reads img2vid.txt as {path: vehicle id}; None where there is no such file.

    Raises:
        InputError: it cannot be read, has a malformed line or an image twice.
    """
    path = Path(root) / ALL_IMAGES
    if not exists(path):
        return None
    return {image.path: image.vehicle_id for image in each_once(_listed(path, {}))}


def _listed(path: Path, model_of: Mapping[int, int]) -> Iterator[tuple[str, Image]]:
    expected = 'an image and its vehicle, as in "0279029 23781"'
    for where, match in read_matches(path, _TWO_NUMBERS, expected):
        # Some copies have lost the padding; the files' names have not.
        name, vehicle = f"image/{int(match[1]):07d}.jpg", int(match[2])
        yield where, Image(name, vehicle, model_of.get(vehicle, -1))


def _read_models(path: Path, num_models: int) -> dict[int, int]:
    """{vehicle id: model id} of the labelled vehicles."""
    models: dict[int, int] = {}
    expected = 'a vehicle and its model, as in "8 105"'
    for where, match in read_matches(path, _TWO_NUMBERS, expected):
        vehicle, model = int(match[1]), int(match[2])
        has = f"vehicle {vehicle} has"
        if num_models and model >= num_models:
            what = f"{has} model {model}; model_names.txt ends at {num_models - 1}"
            raise InputError(what, where, MIXED)
        known = models.setdefault(vehicle, model)
        if known != model:
            raise InputError(f"{has} two models, {known} and {model}", where, TWICE)
    return models


def _read_names(path: Path) -> dict[int, str]:
    """{model id: name}; empty where the file is missing."""
    if not exists(path):
        return {}
    matches = read_matches(path, _NAME_THEN_NUMBER, "a model's name, then its id")
    return {int(match[2]): (match[1] or "").strip() for _, match in matches}
