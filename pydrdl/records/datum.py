"""One image file to one Caffe Datum."""

import contextlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pydrdl import messages
from pydrdl.datasets.types import Image
from pydrdl.errors import InputError

MAX_KEY = 511  # bytes; LMDB's own limit


def read_image(
    root: Path, image: Image, size: tuple[int, int] | None
) -> NDArray[np.uint8]:
    """Decodes an image, cuts out its box and resizes that.

    Args:
        root: the folder that image.path is relative to.
        image: which one; without a box all of it is taken.
        size: (height, width) in pixels, the aspect ratio not kept; None keeps
            the size of the box, or the file's own.

    Returns:
        height x width x 3, uint8, BGR.

    Raises:
        InputError: the file is missing, empty, cut off or no image, or the
            box reaches beyond it.
    """
    path = Path(root) / image.path
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise InputError(
            f"cannot read an image of vehicle {image.vehicle_id}: {error.strerror}",
            path,
            "get the file again, or take it out of the list",
        ) from error
    pixels = None
    if data.size:
        with contextlib.suppress(cv2.error):  # of a header that claims too much
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(
            f"corrupt image of vehicle {image.vehicle_id}: "
            f"its {data.size} bytes cannot be decoded",
            path,
            "get the file again, or take it out of the list",
        )
    pixels = _cut_out(np.asarray(pixels, np.uint8), image, path)
    if size is not None and pixels.shape[:2] != size:
        shrinks = pixels.shape[0] >= size[0] and pixels.shape[1] >= size[1]
        # Areas are averaged when both sides shrink, which avoids aliasing.
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = cv2.resize(pixels, size[::-1], interpolation=method)
    return np.asarray(pixels, np.uint8)


def record_key(record: int, image: Image) -> bytes:
    """The key of an image's record: its number, then its path."""
    return f"{record:08d}_{image.path}".encode()[:MAX_KEY]


def _cut_out(pixels: NDArray[np.uint8], image: Image, path: Path) -> NDArray[np.uint8]:
    if image.box is None:
        return pixels
    left, top, right, bottom = image.box
    height, width = pixels.shape[:2]
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        raise InputError(
            f"box {image.box} (left, top, right, bottom) of vehicle "
            f"{image.vehicle_id} is not in its photograph of {width} x {height} pixels",
            path,
            "get label and photograph from the same release, or correct the label",
        )
    return pixels[top:bottom, left:right]


def to_datum(
    pixels: NDArray[np.uint8], label: int, jpeg_quality: int | None
) -> messages.Datum:
    """Packs an image as Caffe's Data layer reads it.

    Args:
        pixels: height x width x 3, uint8, BGR.
        label: the label.
        jpeg_quality: 1 to 100 for an encoded Datum; None stores the pixels as
            channels x height x width.
    """
    height, width, channels = pixels.shape
    datum = messages.Datum(channels=channels, height=height, width=width, label=label)
    if jpeg_quality is None:
        datum.data = b"".join(plane.data for plane in cv2.split(pixels))
    else:
        quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        datum.data = cv2.imencode(".jpg", pixels, quality)[1].tobytes()
        datum.encoded = True
    return datum
