"""VeRi-776's label files: vehicle, camera, colour and type of each image.

An image is `<Item imageName="0002_c002_00030600_0.jpg" vehicleID="0002"
cameraID="c002" colorID="1" typeID="4" />`. Copies are in UTF-8 or GB 2312, and
what the first line declares is not always so: the bytes decide.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import AGAIN, WHAT, add_once, malformed, read_lines
from pydrdl.errors import InputError
from pydrdl.files import exists, read_text

_ID = re.compile(r"c?(\d{1,18}|-1)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a label file says of an image.

    Attributes:
        vehicle_id: 1 to 776.
        camera_id: 1 to 20.
        color_id: as list_color.txt numbers them, from 1; -1 not given.
        type_id: as list_type.txt numbers them, from 1; 0 in some releases for
            three vehicles of no type; -1 not given.
    """

    vehicle_id: int
    camera_id: int
    color_id: int = -1
    type_id: int = -1


def read_veri_labels(path: Path) -> dict[str, Labelled]:
    """Reads train_label.xml or test_label.xml.

    Returns:
        The labels by the image's file name.

    Raises:
        InputError: the file cannot be read, is no XML, has no items, or an item
            lacks its name, vehicle or camera or stands there twice.
    """
    path = Path(path)
    labels: dict[str, Labelled] = {}
    parser = expat.ParserCreate()

    def start(element: str, attributes: Mapping[str, str]) -> None:
        if element != "Item":
            return
        where = f"{path}:{parser.CurrentLineNumber}"
        name, label = _parse(attributes, where)
        if name in labels:
            raise InputError(
                f"{name} has two items", where, "remove one, or get the file again"
            )
        labels[name] = label

    parser.StartElementHandler = start
    try:
        # Given text, not bytes, the parser does not heed the declaration.
        # GB 18030 contains GB 2312 and GBK.
        parser.Parse(read_text(path, WHAT, AGAIN, "gb18030"), True)
    except expat.ExpatError as error:
        raise InputError(
            f"not an XML file of labels: {expat.ErrorString(error.code)}",
            f"{path}:{error.lineno}",
            "get the file again",
        ) from error
    if not labels:
        raise InputError("no items", path, "get the file again")
    return labels


def _parse(attributes: Mapping[str, str], where: str) -> tuple[str, Labelled]:
    name = attributes.get("imageName", "")
    ids = [
        _ID.fullmatch(attributes.get(key, absent).strip())
        for key, absent in (
            ("vehicleID", ""),
            ("cameraID", ""),
            ("colorID", "-1"),
            ("typeID", "-1"),
        )
    ]
    numbers = [int(match[1]) for match in ids if match]
    if not name or len(numbers) < len(ids):
        shown = " ".join(f'{key}="{value}"' for key, value in attributes.items())
        raise InputError(
            f"malformed item {shown[:120]!r}; expected imageName, vehicleID and "
            'cameraID, as in vehicleID="0002" cameraID="c002"',
            where,
            "correct the item, or get the file again",
        )
    return name, Labelled(*numbers)


# VeRi-776 as it lies on disk.
#
# - image_train/, image_query/, image_test/: 0002_c002_00030600_0.jpg and so on,
#   which is vehicle, camera, frame and index;
# - name_train.txt, name_query.txt, name_test.txt: one file name a line. Every
#   query lies in image_test/ too;
# - train_label.xml, test_label.xml: vehicle, camera, colour and type of each
#   image; veri_labels.py;
# - gt_index.txt, jk_index.txt, test_track.txt: veri_truth.py.


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


# VeRi-776's own answers: what each query should find, and the test tracks.
#
# A line of gt_index.txt holds the positions in name_test.txt, from 1, of the
# images with the query's vehicle in other cameras; a line of jk_index.txt those
# with its vehicle in its own camera, the query itself among them, which count
# neither for nor against. Lines are in the order of name_query.txt.


MATCHES = "gt_index.txt"
JUNK = "jk_index.txt"
TRACKS = "test_track.txt"
_POSITIONS = re.compile(r"\d{1,9}(\s+\d{1,9})*", re.ASCII)
Positions = tuple[int, ...]


@dataclass(frozen=True)
class Truth:
    """The answers for all queries, in their order.

    Attributes:
        matches: positions in the split test, from 0, that a query should find.
        junk: positions that are taken out of its ranking.
    """

    matches: tuple[Positions, ...]
    junk: tuple[Positions, ...]


def read_truth(dataset: Dataset) -> Truth:
    """Reads gt_index.txt and jk_index.txt.

    Args:
        dataset: as read_veri returns it.

    Raises:
        InputError: a file is missing, a line malformed, a position beyond the
            test images, or there are not as many lines as queries.
    """
    queries, gallery = (len(dataset.splits[name]) for name in ("query", "test"))
    matches, junk = (
        _read_positions(dataset.root / name, queries, gallery)
        for name in (MATCHES, JUNK)
    )
    return Truth(matches, junk)


def _read_positions(path: Path, queries: int, gallery: int) -> tuple[Positions, ...]:
    rows: dict[int, Positions] = {}
    for number, line in read_lines(path):
        if not _POSITIONS.fullmatch(line):
            raise malformed(path, number, line, "positions in name_test.txt, from 1")
        positions = tuple(int(word) for word in line.split())
        beyond = next((p for p in positions if not 1 <= p <= gallery), None)
        if beyond is not None:
            raise InputError(
                f"position {beyond} is not in 1 .. {gallery}, the lines of "
                "name_test.txt",
                f"{path}:{number}",
                "get both files from the same release",
            )
        rows[number] = tuple(p - 1 for p in positions)
    if max(rows, default=0) != queries:
        raise InputError(
            f"{max(rows, default=0)} lines; name_query.txt has {queries}",
            path,
            "get both files from the same release",
        )
    # An empty line is a query without answers.
    return tuple(rows.get(number, ()) for number in range(1, queries + 1))


def truth_faults(dataset: Dataset, truth: Truth) -> list[InputError]:
    """Compares the answers with the vehicles and cameras of the images.

    Args:
        dataset: as read_veri returns it.
        truth: as read_truth returns it.

    Returns:
        A fault for each line that differs, not raised; none where all agree.
    """
    test = dataset.splits["test"]
    positions: dict[int, list[int]] = defaultdict(list)
    for position, image in enumerate(test):
        positions[image.vehicle_id].append(position)
    faults = []
    rows = zip(dataset.splits["query"], truth.matches, truth.junk, strict=True)
    for number, (query, matches, junk) in enumerate(rows, start=1):
        same = positions[query.vehicle_id]
        near = {p for p in same if test[p].camera_id == query.camera_id}
        for name, given, expected in (
            (MATCHES, matches, set(same) - near),
            (JUNK, junk, near),
        ):
            if sorted(given) != sorted(expected):
                where = f"{dataset.root / name}:{number}"
                faults.append(_fault(query, set(given), expected, test, where))
    return faults


def _fault(
    query: Image,
    given: set[int],
    expected: set[int],
    test: Sequence[Image],
    where: str,
) -> InputError:
    odd = sorted(given ^ expected)
    example = f", such as {odd[0] + 1}, {test[odd[0]].path}" if odd else ""
    return InputError(
        f"{len(given - expected)} positions too many and {len(expected - given)} "
        f"missing for vehicle {query.vehicle_id}, camera {query.camera_id}"
        f"{example or ': one stands there twice'}",
        where,
        "get lists and answers from the same release",
    )


def read_tracks(dataset: Dataset) -> tuple[Positions, ...]:
    """Reads test_track.txt: the test images of one passing vehicle a line.

    Args:
        dataset: as read_veri returns it.

    Returns:
        The tracks as positions in the split test, from 0.

    Raises:
        InputError: the file is missing or empty, names an unknown image, or
            a track holds several vehicles or cameras.
    """
    path = dataset.root / TRACKS
    test = dataset.splits["test"]
    position = {Path(image.path).name: p for p, image in enumerate(test)}
    tracks = []
    for number, line in read_lines(path):
        track = _positions_of(line.split(), position, f"{path}:{number}")
        if len({(test[p].vehicle_id, test[p].camera_id) for p in track}) > 1:
            raise InputError(
                "a track of several vehicles or cameras",
                f"{path}:{number}",
                "get the file again",
            )
        tracks.append(track)
    if not tracks:
        raise InputError("no tracks", path, "get the file again")
    return tuple(tracks)


def _positions_of(
    names: Sequence[str], position: Mapping[str, int], where: str
) -> Positions:
    unknown = next((name for name in names if name not in position), None)
    if unknown is not None:
        raise InputError(
            f"{unknown[:60]!r} is not in name_test.txt",
            where,
            "get both files from the same release",
        )
    return tuple(position[name] for name in names)
