"""VeRi-776's label files: vehicle, camera, colour and type of each image.

An image is `<Item imageName="0002_c002_00030600_0.jpg" vehicleID="0002"
cameraID="c002" colorID="1" typeID="4" />`. Copies are in UTF-8 or GB 2312, and
what the first line declares is not always so: the bytes decide.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.parsers import expat

from pydrdl.datasets.lines import CHINESE, read_text
from pydrdl.errors import InputError

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
        parser.Parse(read_text(path, CHINESE), True)
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
