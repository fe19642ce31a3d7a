"""VERI-Wild as it lies on disk.

- images/20342/209528.jpg and so on: the vehicle's folder, 5 digits, and the
  image, 6 digits;
- train_test_split/train_list.txt, test_3000_query.txt, test_3000.txt and so on
  for 5000 and 10000: "20342/209528" a line. A later release calls them
  train_list_start0.txt, test_3000_id_query.txt and test_3000_id.txt, gives the
  extension, and a label and a camera after it, which are not needed;
- train_test_split/vehicle_info.txt: a header line, then
  "id/image;Camera ID;Time;Model;Type;Color".
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import add_once, malformed, read_lines
from pydrdl.errors import InputError
from pydrdl.files import exists, files_in

NAME = "VERI-Wild"
INFO = "vehicle_info.txt"
_LISTED = re.compile(r"(\d{1,18})/(\d{1,18})(?:\.jpg)?(?:\s+\d+)*", re.ASCII)
_CAMERA = re.compile(r"\s*(\d{1,18})\s*", re.ASCII)
_TRAIN = ("train_list.txt", "train_list_start0.txt")
_TEST = re.compile(r"test_(\d+)(_id)?(_query)?\.txt", re.ASCII)
Key = tuple[int, int]


def read_veri_wild(root: Path) -> Dataset:
    """Reads VERI-Wild's lists; images are not opened.

    model_id stands for what the column "Model" holds, which is the make, such
    as "Volkswagen": makes are numbered in alphabetical order over all of
    vehicle_info.txt. It is -1 where a vehicle's lines name several, or none.

    Args:
        root: the folder that holds images/ and train_test_split/.

    Returns:
        The data set with the splits train, query_3000, gallery_3000 and so on
        for every size that is there, in the lists' order.

    Raises:
        InputError: a file is missing, a line malformed, an image listed twice,
            or one is not in vehicle_info.txt.
    """
    root = Path(root)
    folder = root / "train_test_split"
    info = _read_info(folder / INFO)
    lists = _find_lists(folder)
    if not lists:
        raise InputError(
            "no split lists",
            folder,
            "put train_list.txt, or test_3000_query.txt and test_3000.txt there",
        )
    splits = {name: _read_list(path, info) for name, path in lists.items()}
    names = dict(enumerate(info.makes))
    return Dataset(NAME, root, splits, len(names), names)


@dataclass(frozen=True)
class _Info:
    """What vehicle_info.txt holds.

    Attributes:
        camera_of: camera by vehicle and image.
        model_of: model id by vehicle.
        makes: names in the order of the model ids.
    """

    camera_of: Mapping[Key, int]
    model_of: Mapping[int, int]
    makes: tuple[str, ...]


def _read_info(path: Path) -> _Info:
    camera_of: dict[Key, int] = {}
    makes_of: dict[int, set[str]] = defaultdict(set)
    columns = ["id/image", "camera id", "time", "model", "type", "color"]
    for number, line in read_lines(path):
        fields = line.split(";")
        match = _LISTED.fullmatch(fields[0].strip())
        if match is None and number == 1:
            columns = [field.strip().lower() for field in fields]
            continue
        camera = _CAMERA.fullmatch(fields[1]) if len(fields) > 1 else None
        cut_off = "model" in columns and len(fields) <= columns.index("model")
        if match is None or camera is None or cut_off:
            expected = f'the columns {";".join(columns)}, as in "20342/209528;110;..."'
            raise malformed(path, number, line, expected)
        key = int(match[1]), int(match[2])
        if camera_of.setdefault(key, int(camera[1])) != int(camera[1]):
            raise InputError(
                f"image {fields[0]} has two cameras, {camera_of[key]} and {camera[1]}",
                f"{path}:{number}",
                "remove one of the two lines, or get the file again",
            )
        if "model" in columns:
            makes_of[key[0]].add(fields[columns.index("model")].strip())
    return _number_makes(camera_of, makes_of)


def _number_makes(camera_of: dict[Key, int], makes_of: dict[int, set[str]]) -> _Info:
    makes = tuple(sorted(set().union(*makes_of.values()) - {""}))
    number = {make: k for k, make in enumerate(makes)}
    model_of = {
        vehicle: number.get(min(names), -1)
        for vehicle, names in makes_of.items()
        if len(names) == 1
    }
    return _Info(camera_of, model_of, makes)


def _find_lists(folder: Path) -> dict[str, Path]:
    """Returns the lists by split: train, then the test sizes in ascending order."""
    train = [folder / name for name in _TRAIN if exists(folder / name)]
    found: dict[tuple[int, str], Path] = {}
    # test_3000.txt sorts before test_3000_id.txt, and is taken where both are.
    for path in files_in(folder, "test_*.txt"):
        if match := _TEST.fullmatch(path.name):
            kind = "query" if match[3] else "gallery"
            found.setdefault((int(match[1]), kind), path)
    order = sorted(found, key=lambda key: (key[0], key[1] == "gallery"))
    tests = {f"{kind}_{size}": found[size, kind] for size, kind in order}
    return {"train": train[0], **tests} if train else tests


def _read_list(path: Path, info: _Info) -> tuple[Image, ...]:
    images: dict[str, Image] = {}
    for number, line in read_lines(path):
        match = _LISTED.fullmatch(line)
        if match is None:
            expected = 'a vehicle and its image, as in "20342/209528"'
            raise malformed(path, number, line, expected)
        vehicle, image = int(match[1]), int(match[2])
        if (vehicle, image) not in info.camera_of:
            raise InputError(
                f"image {image} of vehicle {vehicle} is not in {INFO}, so that its "
                "camera is not known",
                f"{path}:{number}",
                "get both files from the same release",
            )
        name = f"images/{vehicle:05d}/{image:06d}.jpg"
        model, camera = info.model_of.get(vehicle, -1), info.camera_of[vehicle, image]
        add_once(images, Image(name, vehicle, model, camera), path, number)
    return tuple(images.values())
