"""What a part's gradient should be, found without the layer's Backward."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from pydrdl.gradcheck.case import Case, Part, Piece, Point
from pydrdl.gradcheck.differences import (
    Differences,
    Float,
    Function,
    Int,
    differentiate,
)
from pydrdl.gradcheck.memory_net import MemoryNet
from pydrdl.gradcheck.passes import forward, gradient

# Of the tolerance: a kink too small to be noticed does not fail a row.
RESOLUTION = 1 / 8


@dataclass(frozen=True)
class Target:
    """A part's coordinates and what belongs there.

    Attributes:
        where: flat indices, for each piece.
        derivative: of the net's own forward pass.
        expected: what the mode promises; the same, but for the modes of
            CoupledClustersLoss that are not the derivative.
    """

    where: tuple[Int, ...]
    derivative: Differences
    expected: Differences

    def of(self, part: Part, net: MemoryNet) -> Float:
        """What the last backward pass gave at the same coordinates."""
        pairs = zip(part.pieces, self.where, strict=True)
        return np.concatenate([gradient(p.place, net)[where] for p, where in pairs])


def find_target(
    case: Case, part: Part, net: MemoryNet, point: Point, rng: Generator
) -> Target:
    """Differentiates by a part.

    The last pass of net, in double precision, must be a backward pass at point:
    its gradient's size sets what counts as a kink, and its largest component is
    among those that are checked.
    """
    found = [gradient(piece.place, net) for piece in part.pieces]
    where = [_choose(p, g, rng) for p, g in zip(part.pieces, found, strict=True)]
    scale = max(case.limits.floor, *(abs(g).max() for g in found))
    resolution = RESOLUTION * case.limits.f64 * scale

    def loss(piece: Piece) -> Function:
        return lambda x: forward(
            case, net, Point({**point.values, piece.place: x}, point.weights)
        )

    def differences(function: Callable[[Piece], Function]) -> Differences:
        parts = [
            differentiate(function(p), point.values[p.place], w, resolution)
            for p, w in zip(part.pieces, where, strict=True)
        ]
        return Differences(
            np.concatenate([d.slope for d in parts]),
            np.concatenate([d.kinked for d in parts]),
        )

    expected = derivative = differences(loss)
    if case.frozen is not None:
        frozen = case.frozen
        expected = differences(lambda piece: frozen(point.values[piece.place]))
    elif case.formula is not None:
        (piece,) = part.pieces
        slope = case.formula(point.values[piece.place]).ravel()[where[0]]
        expected = Differences(slope, np.zeros(slope.size, np.bool_))
    return Target(tuple(where), derivative, expected)


def _choose(piece: Piece, found: Float, rng: Generator) -> Int:
    """The coordinates to check."""
    where = np.arange(found.size) if piece.where is None else piece.where
    if piece.samples is None or piece.samples >= where.size:
        return where
    largest = abs(found[where]).argmax()
    others = rng.choice(np.delete(where, largest), piece.samples - 1, replace=False)
    return np.concatenate([where[[largest]], others])
