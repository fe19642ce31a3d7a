"""Photographs as they are shown: scaled, in a square, with text, as JPEG or PNG."""

from pathlib import Path

import cv2
import numpy as np

from pydrdl.arrays import Pixels
from pydrdl.errors import writing
from pydrdl.files import write_bytes

FONT, SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


def within(pixels: Pixels, side: int) -> Pixels:
    """A photograph scaled so that its longer side has so many pixels."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale == 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def in_square(pixels: Pixels | None, side: int, ground: int) -> Pixels:
    """A photograph in the middle of a square of grey, its aspect ratio kept.

    Args:
        pixels: height x width x 3, uint8; None leaves the square empty.
        side: of the square, in pixels.
        ground: grey level beside the photograph.

    Returns: side x side x 3, uint8.
    """
    cell = np.full((side, side, 3), ground, np.uint8)
    if pixels is not None:
        scaled = within(pixels, side)
        height, width = scaled.shape[:2]
        top, left = (side - height) // 2, (side - width) // 2
        cell[top : top + height, left : left + width] = scaled
    return cell


def write_line(
    picture: Pixels, text: str, left: int, base: int, room: int, grey: int
) -> None:
    """Writes a line into a picture, smaller where it would not fit into the room.

    OpenCV's fonts are ASCII; other characters become "?".
    """
    text = text.encode("ascii", "replace").decode()
    width = max(1, cv2.getTextSize(text, FONT, SCALE, 1)[0][0])
    scale = SCALE * min(1.0, room / width)
    cv2.putText(picture, text, (left, base), FONT, scale, (grey,) * 3, 1, cv2.LINE_AA)


def jpeg_of(pixels: Pixels, side: int, quality: int) -> bytes:
    """A JPEG, without metadata, of a photograph of at most so many pixels a side."""
    if max(pixels.shape[:2]) > side:
        pixels = within(pixels, side)
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def png_of(pixels: Pixels) -> bytes:
    """A PNG of a picture."""
    return cv2.imencode(".png", pixels)[1].tobytes()


def write_png(path: Path, pixels: Pixels, what: str) -> None:
    """Writes a PNG, whole or not at all.

    Raises:
        InputError: it cannot be written; what, such as "the strip", is for its words.
    """
    data = png_of(pixels)
    with writing(what, path):
        write_bytes(path, data)
