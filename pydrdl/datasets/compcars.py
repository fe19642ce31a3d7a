"""CompCars as it lies on disk: the images from the web, and those of surveillance.

From the web:

- image/<make>/<model>/<year>/<name>.jpg;
- label/, the same with .txt: viewpoint, number of boxes, "x1 y1 x2 y2" from 1;
- train_test_split/classification/train.txt and test.txt: part I, a path a line;
- train_test_split/verification/verification_train.txt: part II;
- train_test_split/verification/verification_pairs_easy.txt, _medium and _hard:
  part III, "path1 path2 label", 1 for the same model;
- misc/: makes' and models' names, not needed here.

sv_data, front views from surveillance cameras:

- image/<model>/<name>.jpg, models 1 to 281, numbered apart from the web's;
- train_surveillance.txt, test_surveillance.txt: a path a line;
- sv_make_model_name.mat, color_list.mat: not needed here.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydrdl.datasets.dataset import Dataset, Image, Pair
from pydrdl.datasets.lines import each_once, malformed, read_lines, read_matches
from pydrdl.errors import InputError
from pydrdl.files import exists

NAME, SURVEILLANCE = "CompCars", "CompCars surveillance"
LEVELS = ("easy", "medium", "hard")
_PATH = r"(\d{1,18})/(\d{1,18})/[^/\s]+/[^/\s]+\.jpg"
_IMAGE = re.compile(_PATH, re.ASCII)
_PAIR = re.compile(rf"({_PATH})\s+({_PATH})\s+([01])", re.ASCII)
_LABEL = (
    (re.compile(r"-1|[1-5]"), "a viewpoint, -1 or 1 to 5"),
    (re.compile(r"1"), "the number of boxes, always 1"),
    (
        re.compile(r"(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})", re.ASCII),
        "x1 y1 x2 y2 in pixels from 1, x1 <= x2 and y1 <= y2",
    ),
)
_SURVEILLANCE_IMAGE = re.compile(r"(\d{1,18})/[^/\s]+\.jpg", re.ASCII)


def read_compcars(root: Path) -> Dataset:
    """Reads CompCars' lists and the boxes of what they list; images stay closed.

    There are no single vehicles in CompCars. The paper trains the coupled
    clusters loss on models and the other branch on makes (Sec. 5.1), so
    vehicle_id is CompCars' model and model_id its make. Their numbers have
    gaps and exceed their counts.

    Splits are train and test of part I, part1 (both), part2 and part3 (the images
    of all pairs), as far as their lists are there; pairs are easy, medium and hard.

    Raises:
        InputError: a file is missing, a line malformed, or an image twice in a
            list.
    """
    reader = _Reader(Path(root))
    folder = reader.root / "train_test_split"
    lists = {
        "train": folder / "classification/train.txt",
        "test": folder / "classification/test.txt",
        "part2": folder / "verification/verification_train.txt",
    }
    files = {v: folder / f"verification/verification_pairs_{v}.txt" for v in LEVELS}
    splits = {s: each_once(reader.listed(p)) for s, p in lists.items() if exists(p)}
    pairs = {v: tuple(reader.pairs(p)) for v, p in files.items() if exists(p)}
    if not splits and not pairs:
        raise InputError(
            "no split lists",
            folder,
            "put classification/train.txt or verification/verification_train.txt there",
        )
    if "train" in splits and "test" in splits:
        splits["part1"] = _distinct([*splits["train"], *splits["test"]])
    if pairs:
        every = [pair for level in pairs.values() for pair in level]
        splits["part3"] = _distinct([i for p in every for i in (p.first, p.second)])
    learned = dict.fromkeys(("part2", "part3"), "part1")
    return Dataset(NAME, reader.root, splits, pairs=pairs, learned=learned)


def _distinct(images: Iterable[Image]) -> tuple[Image, ...]:
    return tuple({image.path: image for image in images}.values())


class _Reader:
    """Reads lists; a label file is read once, however often its image occurs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Image] = {}

    def listed(self, path: Path) -> Iterator[tuple[str, Image]]:
        expected = "a path as in 78/1/2014/3ac218c0c6c378.jpg"
        for where, match in read_matches(path, _IMAGE, expected):
            yield where, self._image(match[0], where)

    def pairs(self, path: Path) -> Iterator[Pair]:
        expected = "two paths, and 1 for the same model or 0"
        for where, match in read_matches(path, _PAIR, expected):
            first, second = self._image(match[1], where), self._image(match[4], where)
            yield Pair(first, second, match[7] == "1")

    def _image(self, name: str, where: str) -> Image:
        if name not in self._known:
            make, model = map(int, name.split("/")[:2])
            box = self._box(name, where)
            self._known[name] = Image(f"image/{name}", model, make, box=box)
        return self._known[name]

    def _box(self, name: str, where: str) -> tuple[int, int, int, int]:
        label = self.root / "label" / f"{name.removesuffix('.jpg')}.txt"
        try:
            return read_box(label)
        except InputError as error:
            if error.where != str(label):  # it is there, but a line is malformed
                raise
            what = f"no label for {name[:60]}: {error.what}"
            advice = f"get it as {label}, or take the image out of the list"
            raise InputError(what, where, advice) from error


def read_box(path: Path) -> tuple[int, int, int, int]:
    """Reads a label file as Image.box, from 0, right and bottom excluded.

    Raises:
        InputError: the file is missing or has not the three lines.
    """
    lines = list(read_lines(path))
    for k, (pattern, meaning) in enumerate(_LABEL):
        number, line = lines[k] if k < len(lines) else (k + 1, "")
        if not pattern.fullmatch(line):
            raise malformed(f"{path}:{number}", line, meaning)
    x1, y1, x2, y2 = map(int, lines[2][1].split())
    if x1 > x2 or y1 > y2 or len(lines) > 3:
        number, line = lines[-1]
        raise malformed(f"{path}:{number}", line, _LABEL[2][1])
    # A box from 0 would be a slip; it is worth no more than that pixel.
    return max(x1 - 1, 0), max(y1 - 1, 0), x2, y2


def read_surveillance(root: Path) -> Dataset:
    """Reads the two lists of sv_data/; images are not opened.

    As in read_compcars, vehicle_id is the model. model_id is -1, since the
    makes stand in a file of Matlab only. There are no boxes: the photographs
    show little but the car.

    Raises:
        InputError: a list is missing, a line malformed, or an image twice in a
            list.
    """
    splits = {}
    for split in ("train", "test"):
        path = Path(root) / f"{split}_surveillance.txt"
        expected = "a path as in 33/dccbbe07e8ff56.jpg"
        matches = read_matches(path, _SURVEILLANCE_IMAGE, expected)
        splits[split] = each_once(
            (where, Image(f"image/{match[0]}", int(match[1])))
            for where, match in matches
        )
    return Dataset(SURVEILLANCE, Path(root), splits)
