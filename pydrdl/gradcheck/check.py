"""Turns a case into rows: Backward in both precisions beside the derivative.

The losses are smooth only in pieces: a hinge, the nearest negative, a ReLU and a max
pool each switch somewhere. A difference across such a switch is no derivative. It is
told from a smooth one by the function's values alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from pydrdl.arrays import Bool, Float64, Int
from pydrdl.gradcheck.case import (
    BlobRef,
    Case,
    Coordinates,
    Function,
    Limits,
    MemoryNet,
    Point,
    Precision,
    representable,
)
from pydrdl.pycaffe import import_caffe

# Step sizes, tried in turn: the first has the smaller rounding error, the second
# fewer kinks in reach.
STEPS = (1e-5, 1e-6)
# Of random points, until there are hinges of both kinds.
TRIES = 50
STALE = 1000.0
# Of the tolerance: a kink too small to be noticed does not fail a row.
RESOLUTION = 1 / 8
PRECISIONS: tuple[Precision, ...] = ("f64", "f32")


class Verdict(Enum):
    """The outcome of a row."""

    OK = "ok"
    FAIL = "FAIL"
    VACUOUS = "VACUOUS"


@dataclass(frozen=True)
class Judgement:
    """A row's numbers."""

    # Coordinates compared, and left out at kinks.
    checked: int
    skipped: int
    max_gradient: float  # the largest component of either side
    error: float  # the largest difference, divided by max_gradient
    verdict: Verdict  # the outcome
    reason: str = ""  # of a verdict other than ok


@dataclass(frozen=True)
class GradientRow:
    """One line of the table."""

    # What was checked.
    layer: str
    bottom: str
    device: str
    precision: Precision
    mode: str
    # Of a mode that is not the derivative, the distance of what Backward gave from it,
    # relative to the larger's largest component.
    off_derivative: float | None
    judgement: Judgement  # the numbers


class Differences(NamedTuple):
    """Slopes of one function at some coordinates.

    They are no derivatives where it is kinked: where no step size gave one.
    """

    slope: Float64
    kinked: Bool


class Expectation(NamedTuple):
    """A part's flat indices, for each blob, and what belongs there.

    That is the derivative of the net's own forward pass, but for the modes of
    CoupledClustersLoss that promise something else.
    """

    where: tuple[Int, ...]
    derivative: Differences
    expected: Differences


def check(case: Case, device: str, seed: int) -> Iterator[GradientRow]:
    """Checks a case on the device that Caffe is set to; its name is for the table.

    Float is held against the same derivative as double: differences of a forward
    pass in float would show its rounding only. The seed is of the point and of the
    choice of coordinates.
    """
    rng = np.random.default_rng(seed)
    net, point, mixed = open_mixed(case, rng)
    expectations = []
    for part in case.parts.values():
        backward(case, net, point)
        expectations.append(_expect(case, part, net, point, rng))
    for precision in PRECISIONS:
        net = MemoryNet(case.message, precision)
        backward(case, net, point)
        for (name, part), of in zip(case.parts.items(), expectations, strict=True):
            pairs = zip(part, of.where, strict=True)
            found = np.concatenate([c.blob.gradient(net)[where] for c, where in pairs])
            off = None
            if case.frozen is not None or case.formula is not None:
                smooth = ~of.derivative.kinked
                off = relative_error(found[smooth], of.derivative.slope[smooth])[0]
            valid = ~of.expected.kinked
            skipped = int((~valid).sum())
            slope, limits = of.expected.slope[valid], case.limits
            yield GradientRow(
                case.layer,
                name,
                device,
                precision,
                case.mode,
                off,
                judge(found[valid], slope, skipped, mixed, limits, precision),
            )


def open_mixed(case: Case, rng: Generator) -> tuple[MemoryNet, Point, bool]:
    """Opens a net in double precision, at a point with hinges of both kinds if any."""
    blobs = [c.blob for part in case.parts.values() for c in part]
    for _ in range(TRIES):
        import_caffe().set_random_seed(int(rng.integers(2**31)))
        net, point = MemoryNet(case.message), case.draw(rng)
        for ref in blobs:
            if ref.param is not None:  # its filler's values
                point.values[ref] = representable(ref.blob(net).data)
        forward(case, net, point)
        if case.mixed(net):
            return net, point, True
    return net, point, False


def forward(case: Case, net: MemoryNet, point: Point) -> float:
    """Returns the loss at a point."""
    for ref, value in point.values.items():
        ref.blob(net).data[...] = value
    if case.top is not None:  # Caffe takes a top's weights from its diff
        net.blobs[case.top].diff[...] = point.weights
    return net.forward()


def backward(case: Case, net: MemoryNet, point: Point) -> None:
    """Fills the gradients at a point.

    Backward has to overwrite what is in its bottoms' gradients, so something is
    there.
    """
    forward(case, net, point)
    for ref in point.values:
        if ref.param is None and ref.name != case.top:
            ref.blob(net).diff[...] = STALE
    net.backward()


def _expect(
    case: Case,
    part: Sequence[Coordinates],
    net: MemoryNet,
    point: Point,
    rng: Generator,
) -> Expectation:
    """Differentiates by a part, without the layer's Backward.

    The last pass of net, in double precision, must be a backward pass at point:
    its gradient's size sets what counts as a kink, and its largest component is
    among those that are checked.
    """
    found = [c.blob.gradient(net) for c in part]
    where = [_choose(c, g, rng) for c, g in zip(part, found, strict=True)]
    scale = max(case.limits.floor, *(abs(g).max() for g in found))
    resolution = RESOLUTION * case.limits.f64 * scale

    def loss(ref: BlobRef) -> Function:
        return lambda x: forward(
            case, net, Point({**point.values, ref: x}, point.weights)
        )

    def differences(function: Callable[[BlobRef], Function]) -> Differences:
        parts = [
            differentiate(function(c.blob), point.values[c.blob], at, resolution)
            for c, at in zip(part, where, strict=True)
        ]
        return Differences(
            np.concatenate([d.slope for d in parts]),
            np.concatenate([d.kinked for d in parts]),
        )

    expected = derivative = differences(loss)
    if (frozen := case.frozen) is not None:
        expected = differences(lambda ref: frozen(point.values[ref]))
    elif case.formula is not None:
        (only,) = part
        slope = case.formula(point.values[only.blob]).ravel()[where[0]]
        expected = Differences(slope, np.zeros(slope.size, np.bool_))
    return Expectation(tuple(where), derivative, expected)


def _choose(wanted: Coordinates, found: Float64, rng: Generator) -> Int:
    """The flat indices to check."""
    where = np.arange(found.size) if wanted.where is None else wanted.where
    if wanted.samples is None or wanted.samples >= where.size:
        return where
    largest = abs(found[where]).argmax()
    others = rng.choice(np.delete(where, largest), wanted.samples - 1, replace=False)
    return np.concatenate([where[[largest]], others])


def differentiate(
    function: Function, x: Float64, where: Int, resolution: float
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
    function: Function, x: Float64, coordinate: int, step: float, middle: float
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


def relative_error(found: Float64, expected: Float64) -> tuple[float, float]:
    """The largest difference relative to the largest component, and the latter.

    Not component by component: those near zero would show rounding only.
    """
    if not found.size:
        return 0.0, 0.0
    largest = float(max(abs(found).max(), abs(expected).max()))
    difference = float(abs(found - expected).max())
    return (difference / largest if largest else difference), largest


def judge(
    found: Float64,
    expected: Float64,
    skipped: int,
    mixed: bool,
    limits: Limits,
    precision: Precision,
) -> Judgement:
    """Compares a gradient with what it should be; a NaN fails.

    Both are without the coordinates at kinks, of which so many were skipped; mixed
    says whether hinges of both kinds, active and not, were there.
    """
    error, largest = relative_error(found, expected)
    total = found.size + skipped
    tolerance = limits.f64 if precision == "f64" else limits.f32
    verdict, reason = Verdict.OK, ""
    if not np.isfinite(found).all():
        verdict, reason = Verdict.FAIL, "the gradient has a NaN or an infinity"
    elif skipped > limits.skipped * total:
        verdict = Verdict.FAIL
        reason = f"{skipped} of {total} at kinks; at most {limits.skipped:.0%} may be"
    elif not error <= tolerance:
        verdict = Verdict.FAIL
        reason = f"relative error {error:.1e}; at most {tolerance:.0e}"
    elif not found.size:
        verdict, reason = Verdict.VACUOUS, "nothing was checked"
    elif not largest >= limits.floor:
        verdict = Verdict.VACUOUS
        reason = f"max |g| {largest:.1e}; at least {limits.floor:g} says something"
    elif not mixed:
        verdict, reason = Verdict.VACUOUS, "all hinges were active, or none"
    return Judgement(found.size, skipped, largest, error, verdict, reason)
