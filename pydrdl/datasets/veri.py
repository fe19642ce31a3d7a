"""VeRi-776 as it lies on disk.

- image_train/, image_query/, image_test/: 0002_c002_00030600_0.jpg and so on,
  which is vehicle, camera, frame and index;
- name_train.txt, name_query.txt, name_test.txt: one file name a line. Every
  query lies in image_test/ too;
- train_label.xml, test_label.xml: vehicle, camera, colour and type of each
  image; veri_labels.py;
- gt_index.txt, jk_index.txt, test_track.txt: veri_truth.py.
"""

import re
from pathlib import Path

from pydrdl.datasets.lines import add_once, malformed, read_lines
from pydrdl.datasets.types import Dataset, Image
from pydrdl.datasets.veri_labels import Labelled, read_veri_labels
from pydrdl.errors import InputError
from pydrdl.paths import exists

NAME = "VeRi-776"
SPLITS = ("train", "query", "test")
_FILE_NAME = re.compile(r"(\d{1,18})_c(\d{1,18})(?:_\w+)*\.jpg", re.ASCII)


def read_veri(root: Path) -> Dataset:
    """Reads VeRi-776's lists; images are not opened.

    model_id is -1 throughout: the labels give 9 types (saloon, bus, ...) and 10
    colours, which are no vehicle models; read_veri_labels has them.

    Args:
        root: the folder that holds image_train/ and name_train.txt.

    Returns:
        The data set with the splits train, query and test, in the lists' order.

    Raises:
        InputError: a list is missing, a line malformed, an image listed twice,
            or a label file contradicts an image's name.
    """
    root = Path(root)
    labels = {s: _labels(root / f"{s}_label.xml") for s in ("train", "test")}
    labels["query"] = labels["test"]
    splits = {split: _read_split(root, split, labels[split]) for split in SPLITS}
    return Dataset(NAME, root, splits)


def _labels(path: Path) -> dict[str, Labelled]:
    # The names say vehicle and camera, so that a copy without labels will do.
    return read_veri_labels(path) if exists(path) else {}


def _read_split(
    root: Path, split: str, labels: dict[str, Labelled]
) -> tuple[Image, ...]:
    path = root / f"name_{split}.txt"
    images: dict[str, Image] = {}
    for number, line in read_lines(path):
        match = _FILE_NAME.fullmatch(line)
        if match is None:
            expected = "an image's name, as in 0002_c002_00030600_0.jpg"
            raise malformed(path, number, line, expected)
        vehicle, camera = int(match[1]), int(match[2])
        label = labels.get(line)
        if label and (label.vehicle_id, label.camera_id) != (vehicle, camera):
            raise InputError(
                f"{line} says vehicle {vehicle} and camera {camera}, its label "
                f"vehicle {label.vehicle_id} and camera {label.camera_id}",
                f"{path}:{number}",
                "get lists and label files from the same release",
            )
        image = Image(f"image_{split}/{line}", vehicle, -1, camera)
        add_once(images, image, path, number)
    return tuple(images.values())
