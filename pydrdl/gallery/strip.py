"""What was found in one picture: the query, and behind it the first matches."""

from collections.abc import Sequence

import cv2
import numpy as np

from pydrdl.arrays import Pixels
from pydrdl.pictures import in_square, write_line

SIDE, GAP, LINE = 160, 8, 17  # pixels
WHITE, INK, FRAME = 255, 40, (190, 120, 30)  # grey, grey, BGR of the query's frame
GROUND = 236  # beside photographs that are not square, and in place of missing ones
ACROSS = 8


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
        picture[top : top + SIDE, left : left + SIDE] = in_square(pixels, SIDE, GROUND)
        for k, line in enumerate(lines):
            base = top + SIDE + (k + 1) * LINE - 4
            write_line(picture, line, left, base, SIDE, INK)
    corners = (GAP - 3, GAP - 3), (GAP + SIDE + 2, GAP + SIDE + 2)
    cv2.rectangle(picture, *corners, FRAME, 2)
    return picture
