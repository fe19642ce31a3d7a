"""Photographs in a folder, and a table that says what is known of them."""

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError, cannot_read
from pydrdl.files import exists, is_file, read_text, refuse_no_folder

ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
COLUMNS = ("path", "vehicle_id", "model_id", "camera_id", "time")
UNKNOWN = -1
TAKEN, CHANGED, DETAILS = 36867, 306, 34665  # tags of Exif
LOOKED_FOR = 200  # images
MOST_DIGITS = 18  # of an id: as many as every 64-bit number has


@dataclass(frozen=True)
class Labels:
    """What a table says of images, by their paths."""

    # Vehicle, model and camera; None: as the data set says, or the features.
    ids: Mapping[str, tuple[int | None, int | None, int | None]]
    times: Mapping[str, float]  # seconds since 1970 (UTC), where they are known

    def of(self, image: Image) -> Image:
        """The image with the ids that the table has for it."""
        own = (image.vehicle_id, image.model_id, image.camera_id)
        told = self.ids.get(image.path, (None, None, None))
        vehicle, model, camera = (
            was if said is None else said for was, said in zip(own, told, strict=True)
        )
        return replace(image, vehicle_id=vehicle, model_id=model, camera_id=camera)

    def unused(self, paths: Iterable[str]) -> list[str]:
        """Paths of the table that are not among these."""
        there = set(paths)
        return [path for path in self.ids if path not in there]


NONE = Labels({}, {})


def missing_below(root: Path, paths: Sequence[str], advice: str) -> str:
    """Looks for images in the folder that their paths are said to be relative to.

    Args:
        root: that folder.
        paths: of images, of which at most LOOKED_FOR are looked for.
        advice: what to do where they are not there.

    Returns: how many of them are not there, in words; "" where all are.

    Raises:
        InputError: there is no such folder, or none of the images is in it.
    """
    refuse_no_folder(root, advice)
    step = -(-len(paths) // LOOKED_FOR)
    looked_for = paths[:: max(1, step)]
    gone = [path for path in looked_for if not exists(root / path)]
    if len(gone) == len(looked_for):
        raise InputError(
            f"none of the {len(gone):,} images that were looked for is there",
            root / gone[0],
            advice,
        )
    if not gone:
        return ""
    return (
        f"{len(gone):,} of {len(looked_for):,} images that were looked for are not "
        f"there, such as {root / gone[0]}; they are found, but not shown"
    )


def find_photographs(folder: Path) -> list[Image]:
    """All photographs in a folder and below, by name; of unknown vehicles.

    Hidden files and folders are left out; links to folders are not followed.

    Raises:
        InputError: there are none, or a folder cannot be listed.
    """
    paths: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=_cannot_list):
        folders[:] = [name for name in folders if not name.startswith(".")]
        chosen = (Path(parent) / name for name in files if not name.startswith("."))
        paths += (path for path in chosen if path.suffix.lower() in ENDINGS)
    found = [
        Image(path.relative_to(folder).as_posix(), UNKNOWN)
        for path in sorted(paths)
        if is_file(path)
    ]
    if not found:
        raise InputError(
            f"no photographs ({', '.join(sorted(ENDINGS))})",
            folder,
            "name a folder of photographs, a data set, an image list or features",
        )
    return found


def _cannot_list(error: OSError) -> None:
    raise cannot_read("a folder", error.filename, error, "check the path") from error


def read_labels(path: Path) -> Labels:
    """Reads a CSV table whose first line names its columns, `path` and any of others.

    vehicle_id, model_id and camera_id are whole numbers from 0, time is of ISO 8601
    (UTC unless it says otherwise) or in seconds since 1970. Where a value is empty,
    what the data set or the features say stands.

    Raises:
        InputError: it cannot be read, or is not so; names the line.
    """
    again = f"write a header, such as {','.join(COLUMNS)}, and a line for each image"
    lines = csv.reader(io.StringIO(read_text(path, "the labels", again)))
    ids: dict[str, tuple[int | None, int | None, int | None]] = {}
    times: dict[str, float] = {}
    try:
        header = next(lines, [])
        odd = [name for name in header if name not in COLUMNS]
        if "path" not in header or odd or len(set(header)) < len(header):
            raise ValueError(f"columns {', '.join(header) or 'none'}")
        for line in lines:
            if not line:
                continue
            if len(line) != len(header):
                raise ValueError(f"{len(line)} values for {len(header)} columns")
            values = dict(zip(header, line, strict=True))
            name = values["path"]
            if name in ids:
                raise ValueError(f"{name} is there twice")
            vehicle, model, camera = (_id(values, name) for name in COLUMNS[1:4])
            ids[name] = vehicle, model, camera
            if text := values.get("time", ""):
                times[name] = seconds(text)
    except (ValueError, csv.Error) as error:
        where = f"{path}:{lines.line_num}"
        raise InputError(f"cannot read the labels: {error}", where, again) from error
    return Labels(ids, times)


def _id(values: Mapping[str, str], column: str) -> int | None:
    text = values.get(column, "")
    if not text:
        return None
    if not re.fullmatch(rf"\d{{1,{MOST_DIGITS}}}", text, re.ASCII):
        raise ValueError(f"{column} {text!r}; expected a whole number from 0")
    return int(text)


def seconds(text: str) -> float:
    """A time of ISO 8601, or seconds since 1970, as seconds since 1970 (UTC).

    20261129 is a day, and 2026 could be a year.

    Raises:
        ValueError: it is neither, or could be a year.
    """
    if re.fullmatch(r"(19|20)\d\d", text):
        expected = f"expected one such as {text}-01-01, or {text}.0 for seconds"
        raise ValueError(f"time {text!r}; {expected}")
    value = None if re.fullmatch(r"(19|20)\d{6}", text) else _number(text)
    if value is not None:
        if not math.isfinite(value) or abs(value) > 2**40:
            raise ValueError(f"time {text!r}; expected seconds since 1970")
        return value
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        expected = "expected one such as 2026-11-29T14:05:08, or seconds"
        raise ValueError(f"time {text!r}; {expected}") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def shown_time(time: float) -> str:
    """Seconds since 1970 as 2026-11-29 14:05:08 (UTC)."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def time_taken(path: Path) -> float | None:
    """When the camera says that it took a photograph; its clock is taken for UTC."""
    import PIL.Image

    try:
        with PIL.Image.open(path) as file:
            tags = file.getexif()
            text = tags.get_ifd(DETAILS).get(TAKEN) or tags.get(CHANGED)
        moment = datetime.strptime(str(text).strip("\0 "), "%Y:%m:%d %H:%M:%S")
    except Exception:  # of every kind, by what is odd in it: then it is not known
        return None
    return moment.replace(tzinfo=UTC).timestamp()
