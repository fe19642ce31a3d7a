"""What was found in one picture: the query, and behind it the first matches."""

from collections.abc import Sequence

import cv2
import numpy as np

from pydrdl.arrays import Pixels

SIDE, GAP, LINE = 160, 8, 17  # pixels
WHITE, INK, FRAME = 255, 40, (190, 120, 30)  # grey, grey, BGR of the query's frame
GROUND = 236  # beside photographs that are not square, and in place of missing ones
ACROSS = 8
FONT, SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.42


def draw_strip(
    query: Pixels, matches: Sequence[tuple[Pixels | None, Sequence[str]]]
) -> Pixels:
    """Draws a query and matches, ACROSS in a row.

    Args:
        query: height x width x 3, uint8, BGR.
        matches: pixels as well, None where the photograph is not to be had, and up
            to three lines of text below.

    Returns: height x width x 3, uint8, BGR.
    """
    cells = [(query, ("query",)), *matches]
    rows = -(-len(cells) // ACROSS)
    pitch = SIDE + GAP, SIDE + 3 * LINE + GAP
    width = GAP + min(len(cells), ACROSS) * pitch[0]
    picture = np.full((GAP + rows * pitch[1], width, 3), WHITE, np.uint8)
    for number, (pixels, lines) in enumerate(cells):
        left = GAP + number % ACROSS * pitch[0]
        top = GAP + number // ACROSS * pitch[1]
        picture[top : top + SIDE, left : left + SIDE] = in_square(pixels, SIDE)
        for k, line in enumerate(lines):
            base = top + SIDE + (k + 1) * LINE - 4
            _write(picture, line, left, base)
    corners = (GAP - 3, GAP - 3), (GAP + SIDE + 2, GAP + SIDE + 2)
    cv2.rectangle(picture, *corners, FRAME, 2)
    return picture


def in_square(pixels: Pixels | None, side: int) -> Pixels:
    """A photograph in the middle of a square, its aspect ratio kept."""
    cell = np.full((side, side, 3), GROUND, np.uint8)
    if pixels is None:
        return cell
    scaled = within(pixels, side)
    height, width = scaled.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    cell[top : top + height, left : left + width] = scaled
    return cell


def within(pixels: Pixels, side: int) -> Pixels:
    """A photograph scaled so that its longer side has so many pixels."""
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def _write(picture: Pixels, text: str, left: int, base: int) -> None:
    """Writes a line, smaller where it would not fit; OpenCV's fonts are ASCII."""
    text = text.encode("ascii", "replace").decode()
    width = max(1, cv2.getTextSize(text, FONT, SCALE, 1)[0][0])
    scale = SCALE * min(1.0, SIDE / width)
    cv2.putText(picture, text, (left, base), FONT, scale, (INK,) * 3, 1, cv2.LINE_AA)
