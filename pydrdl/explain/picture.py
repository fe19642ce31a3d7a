"""Maps over their photographs, two rows of them."""

from collections.abc import Sequence

import cv2
import numpy as np

from pydrdl.arrays import Float32, Pixels
from pydrdl.explain.maps import Explanation, placed
from pydrdl.features.deploy_net import Preprocess
from pydrdl.pictures import in_square, within, write_line

SIDE, GAP, LINE = 256, 8, 18  # pixels
WHITE, INK, GROUND = 255, 40, 236  # grey
FAR, NEAR = (20, 20, 225), (225, 90, 10)  # BGR
STRONG = 0.85  # of the colour, where a map is largest
FADED = 0.65  # of the photograph's own colours, which go where a map lies over it
SOFT = 1 / 64  # of the side: sigma by which a gradient is softened to be seen


def draw_explanation(
    photographs: Sequence[Pixels],
    names: Sequence[str],
    explanation: Explanation,
    preprocess: Preprocess,
) -> Pixels:
    """Draws a row for each photograph: itself, its gradient, its activation.

    The maps of both are drawn to one scale. Of the gradient its length is drawn,
    softened, which is in proportion to what a pixel changes.

    Args:
        photographs: two, height x width x 3, BGR.
        names: of them.
        explanation: of them.
        preprocess: how they were made the net's input.

    Returns: height x width x 3, uint8, BGR.
    """
    told = f"squared distance {explanation.distance:.4g}"
    columns: dict[str, list[Float32] | None] = {told: None}
    columns["what changes the distance"] = [
        _softened(np.sqrt(one.gradient)) for one in explanation.maps
    ]
    active = [one.activation for one in explanation.maps if one.activation is not None]
    if active:
        columns["activation: red far, blue near"] = active
    row = SIDE + LINE
    shape = (LINE + 2 * row + GAP, GAP + len(columns) * (SIDE + GAP), 3)
    picture = np.full(shape, WHITE, np.uint8)
    for column, (head, maps) in enumerate(columns.items()):
        left = GAP + column * (SIDE + GAP)
        write_line(picture, head, left, LINE - 5, SIDE, INK)
        most = max(float(np.abs(one).max()) for one in maps) if maps else 1.0
        for number, photograph in enumerate(photographs):
            top = LINE + number * row
            shown = within(photograph, SIDE)
            if maps:
                over = placed(maps[number] / most, preprocess, shown.shape[:2])
                shown = laid_over(shown, over)
            cell = in_square(shown, SIDE, GROUND)
            picture[top : top + SIDE, left : left + SIDE] = cell
    for number, name in enumerate(names):
        base = LINE + number * row + SIDE + LINE - 5
        write_line(picture, name, GAP, base, shape[1] - 2 * GAP, INK)
    return picture


def laid_over(photograph: Pixels, values: Float32) -> Pixels:
    """A photograph under a map of its size, from -1 (NEAR) to 1 (FAR)."""
    grey = cv2.cvtColor(photograph, cv2.COLOR_BGR2GRAY)[..., None]
    ground = photograph * (1 - FADED) + grey * FADED
    strength = np.minimum(np.abs(values), 1)[..., None] * STRONG
    colour = np.where(values[..., None] > 0, np.array(FAR), np.array(NEAR))
    mixed = ground * (1 - strength) + colour * strength
    return np.asarray(mixed.round(), np.uint8)


def _softened(values: Float32) -> Float32:
    soft = cv2.GaussianBlur(values, (0, 0), values.shape[0] * SOFT)
    return np.asarray(soft, np.float32)
