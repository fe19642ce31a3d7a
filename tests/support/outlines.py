"""What is drawn as one piece, and what shines through it."""

import cv2
import numpy as np
from numpy.typing import NDArray


def largest_hole(body: NDArray[np.uint8]) -> tuple[int, float]:
    """How many pixels the largest hole has, and how many the largest outline holds.

    Args:
        body: 1 where something is drawn, else 0.
    """
    edges, _ = cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(edges, key=cv2.contourArea)
    filled = np.zeros_like(body)
    cv2.drawContours(filled, [largest], -1, 1, cv2.FILLED)
    holes = (filled > body).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(holes)
    hole = 0 if count == 1 else int(stats[1:, cv2.CC_STAT_AREA].max())
    return hole, cv2.contourArea(largest)
