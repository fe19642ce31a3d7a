"""Photographs as they lie on disk: the one reader of all tools; it knows no Caffe."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from pydrdl.datasets.decoding import AGAIN, Pixels, UnreadableImageError, decode
from pydrdl.datasets.types import Image
from pydrdl.errors import InputError
from pydrdl.files import read_bytes

# Is told of an image whose damage leaves it decodable, and of what is damaged.
Note = Callable[[Image, str], object]

MAX_BYTES = 2**30  # of a file: more than the largest image takes up undecoded


def read_image(
    root: Path, image: Image, size: tuple[int, int] | None, note: Note | None = None
) -> Pixels:
    """Decodes an image, cuts out its box and resizes that.

    Args:
        root: the folder that image.path is relative to.
        image: which one; without a box all of it is taken.
        size: (height, width) in pixels, the aspect ratio not kept; None keeps
            the size of the box, or the file's own.
        note: is told of damage that leaves it decodable.

    Returns:
        height x width x 3, uint8, BGR.

    Raises:
        InputError: the file is missing, no regular file, empty, cut off, too large
            or no image, or the box reaches beyond it.
    """
    path = Path(root) / image.path
    data = read_file(path, f"an image of vehicle {image.vehicle_id}")
    try:
        photo = decode(data)
    except UnreadableImageError as error:
        raise InputError(
            f"corrupt image of vehicle {image.vehicle_id}: {error.what}",
            path,
            error.next_step,
        ) from error
    if note is not None and photo.damage:
        note(image, photo.damage)
    pixels = _cut_out(photo.pixels, image, path)
    if size is not None and pixels.shape[:2] != size:
        shrinks = pixels.shape[0] >= size[0] and pixels.shape[1] >= size[1]
        # Areas are averaged when both sides shrink, which avoids aliasing.
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = np.asarray(
            cv2.resize(pixels, size[::-1], interpolation=method), np.uint8
        )
    return pixels


def read_file(path: Path, what: str = "an image") -> bytes:
    """Reads an image's file.

    Raises:
        InputError: it is missing, no regular file or too large.
    """
    return read_bytes(path, what, AGAIN, most=MAX_BYTES)


def lies_inside(box: tuple[int, int, int, int], height: int, width: int) -> bool:
    """Whether a box (left, top, right, bottom) lies in a photograph of that size."""
    left, top, right, bottom = box
    return 0 <= left < right <= width and 0 <= top < bottom <= height


def _cut_out(pixels: Pixels, image: Image, path: Path) -> Pixels:
    if image.box is None:
        return pixels
    height, width = pixels.shape[:2]
    if not lies_inside(image.box, height, width):
        raise InputError(
            f"box {image.box} (left, top, right, bottom) of vehicle "
            f"{image.vehicle_id} is not in its photograph of {width} x {height} pixels",
            path,
            "get label and photograph from the same release, or correct the label",
        )
    left, top, right, bottom = image.box
    return pixels[top:bottom, left:right]
