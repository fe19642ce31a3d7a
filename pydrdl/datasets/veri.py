"""VeRi-776 as it lies on disk.

- image_train/, image_query/, image_test/: 0002_c002_00030600_0.jpg and so on, the
  vehicle and the camera first;
- name_train.txt, name_query.txt, name_test.txt: one file name a line. Every
  query lies in image_test/ too;
- train_label.xml, test_label.xml: an image is `<Item imageName="0002_c002_..."
  vehicleID="0002" cameraID="c002" colorID="1" typeID="4" />`. Copies are in UTF-8
  or GB 2312, and what the first line declares is not always so: the bytes decide;
- gt_index.txt: for each query, in the order of name_query.txt, the positions in
  name_test.txt, from 1, of the images with its vehicle in other cameras;
- jk_index.txt: the same of those with its vehicle in its own camera, the query
  itself among them, which count neither for nor against;
- test_track.txt: the images of one passing vehicle a line.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from pydrdl.arrays import Int
from pydrdl.datasets.dataset import Dataset, Image
from pydrdl.datasets.lines import (
    AGAIN,
    MISSING,
    MIXED,
    WHAT,
    each_once,
    malformed,
    read_lines,
    read_matches,
)
from pydrdl.errors import InputError
from pydrdl.files import exists, read_text

NAME = "VeRi-776"
SPLITS = ("train", "query", "test")
MATCHES, JUNK, TRACKS = "gt_index.txt", "jk_index.txt", "test_track.txt"
_FILE_NAME = re.compile(r"(\d{1,18})_c(\d{1,18})(?:_\w+)*\.jpg", re.ASCII)
_ID = re.compile(r"c?(\d{1,18}|-1)", re.ASCII)
_POSITIONS = re.compile(r"\d{1,9}(\s+\d{1,9})*", re.ASCII)
Positions = tuple[int, ...]  # in the split test, from 0
Ids = Sequence[int] | Int


class VeriLabel(NamedTuple):
    """What a label file says of an image; -1 where it does not.

    Colours and types are numbered from 1, as in list_color.txt and list_type.txt; in
    some releases three vehicles are of no type, which is 0.
    """

    vehicle_id: int  # 1 to 776
    camera_id: int  # 1 to 20
    color_id: int = -1
    type_id: int = -1


class VeriTruth(NamedTuple):
    """What each query, in their order, should find, and what its ranking leaves out."""

    matches: tuple[Positions, ...]
    junk: tuple[Positions, ...]


def read_veri(root: Path) -> Dataset:
    """Reads VeRi-776's lists; images are not opened.

    Splits are train, query and test. model_id is -1 throughout: the labels give 9
    types (saloon, bus, ...) and 10 colours, which are no vehicle models;
    read_veri_labels has them.

    Raises:
        InputError: a list is missing, a line malformed, an image listed twice,
            or a label file contradicts an image's name.
    """
    root = Path(root)
    labels = {}
    for split in ("train", "test"):
        path = root / f"{split}_label.xml"
        # The names say vehicle and camera, so that a copy without labels will do.
        labels[split] = read_veri_labels(path) if exists(path) else {}
    labels["query"] = labels["test"]
    splits = {s: each_once(_listed(root, s, labels[s])) for s in SPLITS}
    return Dataset(NAME, root, splits)


def _listed(
    root: Path, split: str, labels: Mapping[str, VeriLabel]
) -> Iterator[tuple[str, Image]]:
    expected = "an image's name, as in 0002_c002_00030600_0.jpg"
    path = root / f"name_{split}.txt"
    for where, match in read_matches(path, _FILE_NAME, expected):
        vehicle, camera = int(match[1]), int(match[2])
        label = labels.get(match[0])
        if label and (label.vehicle_id, label.camera_id) != (vehicle, camera):
            raise InputError(
                f"{match[0]} says vehicle {vehicle} and camera {camera}, its label "
                f"vehicle {label.vehicle_id} and camera {label.camera_id}",
                where,
                "get lists and label files from the same release",
            )
        yield where, Image(f"image_{split}/{match[0]}", vehicle, -1, camera)


def read_veri_labels(path: Path) -> dict[str, VeriLabel]:
    """Reads train_label.xml or test_label.xml: labels by the image's file name.

    Raises:
        InputError: the file cannot be read, is no XML, has no items, or an item
            lacks its name, vehicle or camera or stands there twice.
    """
    path = Path(path)
    labels: dict[str, VeriLabel] = {}
    parser = expat.ParserCreate()

    def start(element: str, attributes: Mapping[str, str]) -> None:
        if element != "Item":
            return
        where = f"{path}:{parser.CurrentLineNumber}"
        name, label = _parse(attributes, where)
        if name in labels:
            advice = f"remove one, or {AGAIN}"
            raise InputError(f"{name} has two items", where, advice)
        labels[name] = label

    parser.StartElementHandler = start
    try:
        # Given text, not bytes, the parser does not heed the declaration.
        # GB 18030 contains GB 2312 and GBK.
        parser.Parse(read_text(path, WHAT, MISSING, "gb18030"), True)
    except expat.ExpatError as error:
        what = f"not an XML file of labels: {expat.ErrorString(error.code)}"
        raise InputError(what, f"{path}:{error.lineno}", AGAIN) from error
    if not labels:
        raise InputError("no items", path, AGAIN)
    return labels


def _parse(attributes: Mapping[str, str], where: str) -> tuple[str, VeriLabel]:
    name = attributes.get("imageName", "")
    absent = {"vehicleID": "", "cameraID": "", "colorID": "-1", "typeID": "-1"}
    ids = [
        _ID.fullmatch(attributes.get(key, other).strip())
        for key, other in absent.items()
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
    return name, VeriLabel(*numbers)


def read_truth(dataset: Dataset) -> VeriTruth:
    """Reads gt_index.txt and jk_index.txt of the data set that read_veri returns.

    Raises:
        InputError: a file is missing, a line malformed, a position beyond the
            test images, or there are not as many lines as queries.
    """
    return VeriTruth(_read_positions(dataset, MATCHES), _read_positions(dataset, JUNK))


def _read_positions(dataset: Dataset, name: str) -> tuple[Positions, ...]:
    path = dataset.root / name
    queries, gallery = (len(dataset.splits[split]) for split in ("query", "test"))
    rows: dict[int, Positions] = {}
    for number, line in read_lines(path):
        where = f"{path}:{number}"
        if not _POSITIONS.fullmatch(line):
            raise malformed(where, line, "positions in name_test.txt, from 1")
        rows[number] = tuple(int(word) - 1 for word in line.split())
        beyond = next((p for p in rows[number] if not 0 <= p < gallery), None)
        if beyond is not None:
            lines = f"1 .. {gallery}, the lines of name_test.txt"
            what = f"position {beyond + 1} is not in {lines}"
            raise InputError(what, where, MIXED)
    if max(rows, default=0) != queries:
        what = f"{max(rows, default=0)} lines; name_query.txt has {queries}"
        raise InputError(what, path, MIXED)
    # An empty line is a query without answers.
    return tuple(rows.get(number, ()) for number in range(1, queries + 1))


def truth_faults(dataset: Dataset, truth: VeriTruth) -> list[InputError]:
    """Compares the answers with the vehicles and cameras of the images.

    Returns: a fault for each line that differs, not raised.
    """
    test = dataset.splits["test"]
    positions: dict[int, list[int]] = defaultdict(list)
    for position, image in enumerate(test):
        positions[image.vehicle_id].append(position)
    faults = []
    rows = zip(dataset.splits["query"], truth.matches, truth.junk, strict=True)
    for number, (query, matches, junk) in enumerate(rows, start=1):
        same = set(positions[query.vehicle_id])
        near = {p for p in same if test[p].camera_id == query.camera_id}
        both = (MATCHES, matches, same - near), (JUNK, junk, near)
        for name, given, wanted in both:
            if sorted(given) == sorted(wanted):
                continue
            more, fewer = set(given) - wanted, wanted - set(given)
            what = (
                f"{len(more)} positions too many and {len(fewer)} missing for "
                f"vehicle {query.vehicle_id}, camera {query.camera_id}"
            )
            odd = min(more | fewer, default=None)
            what += (
                ": one stands there twice"
                if odd is None
                else f", such as {odd + 1}, {test[odd].path}"
            )
            where = f"{dataset.root / name}:{number}"
            advice = "get lists and answers from the same release"
            faults.append(InputError(what, where, advice))
    return faults


def read_tracks(dataset: Dataset) -> tuple[Positions, ...]:
    """Reads test_track.txt as positions in the split test; see tracks_of."""
    images = dataset.splits["test"]
    ids = [image.vehicle_id for image in images], [image.camera_id for image in images]
    return tracks_of(dataset.root / TRACKS, [image.path for image in images], *ids)


def tracks_of(
    path: Path, names: Sequence[str], vehicles: Ids, cameras: Ids
) -> tuple[Positions, ...]:
    """Reads a list of tracks: the images of one passing vehicle a line.

    The list may leave out the folders of the gallery's names.

    Returns:
        Positions in names, track by track.

    Raises:
        InputError: the file is missing or empty, names an unknown image, or
            a track holds several vehicles or cameras.
    """
    position = {name.rsplit("/", 1)[-1]: p for p, name in enumerate(names)}
    position |= {name: p for p, name in enumerate(names)}
    tracks = []
    for number, line in read_lines(path):
        where, listed = f"{path}:{number}", line.split()
        unknown = next((name for name in listed if name not in position), None)
        if unknown is not None:
            raise InputError(f"the gallery has no image {unknown[:60]!r}", where, MIXED)
        track = tuple(position[name] for name in listed)
        if len({(vehicles[p], cameras[p]) for p in track}) > 1:
            raise InputError("a track of several vehicles or cameras", where, AGAIN)
        tracks.append(track)
    if not tracks:
        raise InputError("there is no track", path, AGAIN)
    return tuple(tracks)
