"""CompCars' sv_data, front views from surveillance cameras, as they lie on disk.

- image/<model>/<name>.jpg, models 1 to 281, numbered apart from the web's;
- train_surveillance.txt, test_surveillance.txt: a path a line;
- sv_make_model_name.mat, color_list.mat: not needed here.
"""

import re
from pathlib import Path

from pydrdl.datasets.lines import add_once, malformed, read_lines
from pydrdl.datasets.types import Dataset, Image

NAME = "CompCars surveillance"
_IMAGE = re.compile(r"(\d{1,18})/[^/\s]+\.jpg", re.ASCII)


def read_surveillance(root: Path) -> Dataset:
    """Reads the two lists; images are not opened.

    As in read_compcars, vehicle_id is the model. model_id is -1, since the
    makes stand in a file of Matlab only. There are no boxes: the photographs
    show little but the car.

    Args:
        root: sv_data/, which holds image/ and the two lists.

    Raises:
        InputError: a list is missing, a line malformed, or an image twice in a
            list.
    """
    root = Path(root)
    splits = {s: _read_list(root / f"{s}_surveillance.txt") for s in ("train", "test")}
    return Dataset(NAME, root, splits)


def _read_list(path: Path) -> tuple[Image, ...]:
    images: dict[str, Image] = {}
    for number, line in read_lines(path):
        match = _IMAGE.fullmatch(line)
        if match is None:
            raise malformed(path, number, line, "a path as in 33/dccbbe07e8ff56.jpg")
        add_once(images, Image(f"image/{line}", int(match[1])), path, number)
    return tuple(images.values())
