"""Forward and backward passes of a case's net at a point."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from pydrdl.gradcheck.case import (
    Case,
    Differences,
    Float,
    Function,
    Int,
    Judgement,
    MemoryNet,
    Part,
    Piece,
    Place,
    Point,
    Precision,
    differentiate,
    judge,
    relative_error,
    representable,
)
from pydrdl.pycaffe import import_caffe

# Of random points, until there are hinges of both kinds.
TRIES = 50
STALE = 1000.0


def open_mixed(case: Case, rng: Generator) -> tuple[MemoryNet, Point, bool]:
    """Opens a net in double precision and finds a point for it.

    Returns:
        The net, the point and whether it has hinges of both kinds.
    """
    places = [piece.place for part in case.parts for piece in part.pieces]
    for _ in range(TRIES):
        import_caffe().set_random_seed(int(rng.integers(2**31)))
        net, point = MemoryNet(case.message), case.draw(rng)
        for place in places:
            if place.param is not None:  # its filler's values
                point.values[place] = representable(place.blob(net).data)
        forward(case, net, point)
        if case.mixed(net):
            return net, point, True
    return net, point, False


def forward(case: Case, net: MemoryNet, point: Point) -> float:
    """Returns the loss at a point."""
    for place, value in point.values.items():
        place.blob(net).data[...] = value
    if case.top is not None:  # Caffe takes a top's weights from its diff
        net.blobs[case.top].diff[...] = point.weights
    return net.forward()


def backward(case: Case, net: MemoryNet, point: Point) -> None:
    """Fills the gradients at a point.

    Backward has to overwrite what is in its bottoms' gradients, so something is
    there.
    """
    forward(case, net, point)
    for place in point.values:
        if place.param is None and place.name != case.top:
            place.blob(net).diff[...] = STALE
    net.backward()


def gradient(place: Place, net: MemoryNet) -> Float:
    """What the last backward pass gave a blob, flat."""
    return np.array(place.blob(net).diff, np.float64).ravel()


# What a part's gradient should be, found without the layer's Backward.


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


# Turns a case into rows: Backward in both precisions beside the derivative.


PRECISIONS: tuple[Precision, ...] = ("f64", "f32")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        layer, bottom, device, precision, mode: what was checked.
        off_derivative: of a mode that is not the derivative, the distance of
            what Backward gave from it, relative to the larger's largest
            component.
        judgement: the numbers.
    """

    layer: str
    bottom: str
    device: str
    precision: Precision
    mode: str
    off_derivative: float | None
    judgement: Judgement


def check(case: Case, device: str, seed: int) -> Iterator[Row]:
    """Checks a case on the device that Caffe is set to.

    Float is held against the same derivative as double: differences of a
    forward pass in float would show its rounding only.

    Args:
        case: the net.
        device: its name, for the table.
        seed: of the point and of the choice of coordinates.

    Yields:
        A row for each precision and part.
    """
    rng = np.random.default_rng(seed)
    net, point, mixed = open_mixed(case, rng)
    targets = []
    for part in case.parts:
        backward(case, net, point)
        targets.append(find_target(case, part, net, point, rng))
    for precision in PRECISIONS:
        net = MemoryNet(case.message, precision)
        backward(case, net, point)
        for part, target in zip(case.parts, targets, strict=True):
            found = target.of(part, net)
            yield Row(
                case.layer,
                part.name,
                device,
                precision,
                case.mode,
                _off_derivative(case, found, target),
                _judge(case, found, target, mixed, precision),
            )


def _judge(
    case: Case, found: Float, target: Target, mixed: bool, precision: Precision
) -> Judgement:
    valid = ~target.expected.kinked
    return judge(
        found[valid],
        target.expected.slope[valid],
        int((~valid).sum()),
        mixed,
        case.limits,
        precision,
    )


def _off_derivative(case: Case, found: Float, target: Target) -> float | None:
    if case.frozen is None and case.formula is None:
        return None
    smooth = ~target.derivative.kinked
    return relative_error(found[smooth], target.derivative.slope[smooth])[0]
