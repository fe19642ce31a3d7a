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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydrdl.datasets import lines
from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.errors import InputError
from pydrdl.files import exists, files_in

NAME = "VERI-Wild"
INFO = "vehicle_info.txt"
_LISTED = re.compile(r"(\d{1,18})/(\d{1,18})(?:\.jpg)?(?:\s+\d+)*", re.ASCII)
_CAMERA = re.compile(r"\s*(\d{1,18})\s*", re.ASCII)
_TRAIN = ("train_list.txt", "train_list_start0.txt")
_TEST = re.compile(r"test_(\d+)(_id)?(_query)?\.txt", re.ASCII)


def read_veri_wild(root: Path) -> Dataset:
    """Reads VERI-Wild's lists; images are not opened.

    Splits are train, query_3000, gallery_3000 and so on for every size that is
    there. model_id stands for what the column "Model" holds, which is the make,
    such as "Volkswagen": makes are numbered in alphabetical order over all of
    vehicle_info.txt. It is -1 where a vehicle's lines name several, or none.

    Raises:
        InputError: a file is missing, a line malformed, an image listed twice,
            or one is not in vehicle_info.txt.
    """
    root = Path(root)
    folder = root / "train_test_split"
    info = _read_info(folder / INFO)
    lists = _find_lists(folder)
    if not lists:
        advice = "put train_list.txt, or test_3000_query.txt and test_3000.txt there"
        raise InputError("no split lists", folder, advice)
    splits = {
        name: lines.each_once(_listed(path, info)) for name, path in lists.items()
    }
    names = dict(enumerate(info.makes))
    return Dataset(NAME, root, splits, len(names), names)


class _Info(NamedTuple):
    """What vehicle_info.txt holds; makes are in the order of the model ids."""

    camera_of: Mapping[tuple[int, int], int]  # by vehicle and image
    model_of: Mapping[int, int]  # by vehicle
    makes: tuple[str, ...]


def _read_info(path: Path) -> _Info:
    camera_of: dict[tuple[int, int], int] = {}
    makes_of: dict[int, set[str]] = defaultdict(set)
    columns = ["id/image", "camera id", "time", "model", "type", "color"]
    for number, line in lines.read_lines(path):
        where, fields = f"{path}:{number}", line.split(";")
        match = _LISTED.fullmatch(fields[0].strip())
        if match is None and number == 1:
            columns = [field.strip().lower() for field in fields]
            continue
        camera = _CAMERA.fullmatch(fields[1]) if len(fields) > 1 else None
        cut_off = "model" in columns and len(fields) <= columns.index("model")
        if match is None or camera is None or cut_off:
            expected = f'the columns {";".join(columns)}, as in "20342/209528;110;..."'
            raise lines.malformed(where, line, expected)
        vehicle, image = int(match[1]), int(match[2])
        known = camera_of.setdefault((vehicle, image), int(camera[1]))
        if known != int(camera[1]):
            what = f"image {fields[0]} has two cameras, {known} and {camera[1]}"
            raise InputError(what, where, lines.TWICE)
        if "model" in columns:
            makes_of[vehicle].add(fields[columns.index("model")].strip())
    makes = sorted(set().union(*makes_of.values()) - {""})
    number_of = {make: k for k, make in enumerate(makes)}
    model_of = {
        vehicle: number_of.get(min(names), -1)
        for vehicle, names in makes_of.items()
        if len(names) == 1
    }
    return _Info(camera_of, model_of, tuple(makes))


def _find_lists(folder: Path) -> dict[str, Path]:
    """The lists by split: train, then the test sizes in ascending order."""
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


def _listed(path: Path, info: _Info) -> Iterator[tuple[str, Image]]:
    expected = 'a vehicle and its image, as in "20342/209528"'
    for where, match in lines.read_matches(path, _LISTED, expected):
        vehicle, image = int(match[1]), int(match[2])
        camera = info.camera_of.get((vehicle, image))
        if camera is None:
            what = f"image {image} of vehicle {vehicle} is not in {INFO}, so that its "
            raise InputError(f"{what}camera is not known", where, lines.MIXED)
        name = f"images/{vehicle:05d}/{image:06d}.jpg"
        yield where, Image(name, vehicle, info.model_of.get(vehicle, -1), camera)
