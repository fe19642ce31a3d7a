"""Central differences in double precision that notice kinks.

The losses are smooth only in pieces: a hinge, the nearest negative, a ReLU and
a max pool each switch somewhere. A difference across such a switch is no
derivative. It is told from a smooth one by the function's values alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Function = Callable[[Float], float]

# Tried in turn: the first has the smaller rounding error, the second fewer
# kinks in reach.
STEPS = (1e-5, 1e-6)


@dataclass(frozen=True)
class Differences:
    """Of one function, at some coordinates.

    Attributes:
        slope: the derivative at each.
        kinked: where no step size gave one.
    """

    slope: Float
    kinked: NDArray[np.bool_]


def differentiate(
    function: Function, x: Float, where: Int, resolution: float
) -> Differences:
    """Differentiates by some coordinates.

    Args:
        function: of an array shaped as x.
        x: the point; function sees it changed in one coordinate at a time.
        where: flat indices of the coordinates.
        resolution: an error of the slope that does not matter. A kink that
            could cause five times as much is noticed.

    Returns:
        Slope and kinks, in the order of where.
    """
    middle = function(x.copy())
    slope, kinked = np.zeros(len(where)), np.ones(len(where), np.bool_)
    for i, coordinate in enumerate(where):
        for step in STEPS:
            slope[i], rough = _slope(function, x, coordinate, step, middle)
            kinked[i] = not rough <= resolution  # NaN is a kink too
            if not kinked[i]:
                break
    return Differences(slope, kinked)


def _slope(
    function: Function, x: Float, coordinate: int, step: float, middle: float
) -> tuple[float, float]:
    """The slope over half a step each way, and by how much it is in doubt.

    A kink at a distance d with a jump of J changes the slope over a whole step
    by another amount than that over half a step, but for d near 0. There, the
    bend changes by J when the step is halved, while that of a smooth function
    halves.
    """

    def at(offset: float) -> float:
        moved = x.copy()
        moved.flat[coordinate] += offset
        return function(moved)

    half = step / 2
    far_up, up, down, far_down = at(step), at(half), at(-half), at(-step)
    slope = (up - down) / step
    whole_slope = (far_up - far_down) / (2 * step)
    bend = (up + down - 2 * middle) / half
    whole_bend = (far_up + far_down - 2 * middle) / step
    # Rounding weighs more in the bend.
    return slope, max(abs(whole_slope - slope), abs(whole_bend - 2 * bend) / 4)
