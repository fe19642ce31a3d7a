"""Nets built from a message, without files, in float or in double precision.

pycaffe computes in float only. Its neighbour caffe._net64, built with it, runs
the double instances of the same layers.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.pycaffe import import_caffe

Precision = Literal["f64", "f32"]


class MemoryNet:
    """A net in memory, in the phase that its message's state names.

    Args:
        message: a NetParameter; Caffe ends the process where it is not valid.
        precision: f64 or f32.

    Attributes:
        blobs: by name; each has data and diff, arrays to be taken anew after
            every pass.
        params: the parameter blobs of every layer that has any.
    """

    blobs: Mapping[str, Any]
    params: Mapping[str, Sequence[Any]]
    _forward: Callable[[], float]
    _backward: Callable[[], None]

    def __init__(self, message: Any, precision: Precision = "f64") -> None:
        from google.protobuf import text_format

        text = text_format.MessageToString(message)
        if precision == "f64":
            self._open_double(text)
        else:
            self._open_float(text, message.state.phase)

    def forward(self) -> float:
        """Computes every blob; returns the losses' sum, weighted."""
        return self._forward()

    def backward(self) -> None:
        """Computes every diff of that sum, from the last forward pass."""
        self._backward()

    def _open_double(self, text: str) -> None:
        import_caffe()
        try:
            from caffe import _net64
        except ImportError as error:
            raise InputError(
                f"cannot import nets in double precision: {error}",
                "caffe._net64",
                "run tools/setup.sh, which builds it beside pycaffe",
            ) from error
        net = _net64.Net(text)
        self.blobs, self.params = net.blobs(), net.params()
        self._forward, self._backward = net.forward, net.backward

    def _open_float(self, text: str, phase: int) -> None:
        caffe = import_caffe()
        with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
            file.write(text)
            file.flush()
            net = caffe.Net(file.name, phase)
        self.blobs, self.params = net.blobs, net.params

        def backward() -> None:
            net.clear_param_diffs()
            net._backward(len(net.layers) - 1, 0)

        # pycaffe's own forward() does not return the loss.
        self._forward = lambda: float(net._forward(0, len(net.layers) - 1))
        self._backward = backward


# Central differences in double precision that notice kinks.
#
# The losses are smooth only in pieces: a hinge, the nearest negative, a ReLU and
# a max pool each switch somewhere. A difference across such a switch is no
# derivative. It is told from a smooth one by the function's values alone.


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


# What makes a comparison of gradients pass, fail or say nothing.


class Verdict(Enum):
    """The outcome of a row."""

    OK = "ok"
    FAIL = "FAIL"
    VACUOUS = "VACUOUS"


@dataclass(frozen=True)
class Limits:
    """What a row must keep to.

    Attributes:
        f64, f32: largest relative error in this precision.
        floor: smallest meaningful max |g|.
        skipped: largest share of coordinates at kinks.
    """

    f64: float = 1e-6
    f32: float = 1e-5
    floor: float = 1.0
    skipped: float = 0.1

    def of(self, precision: Precision) -> float:
        """The tolerance."""
        return self.f64 if precision == "f64" else self.f32


LAYER_LIMITS = Limits()


@dataclass(frozen=True)
class Judgement:
    """A row's numbers.

    Attributes:
        checked, skipped: coordinates compared, and left out at kinks.
        max_gradient: the largest component of either side.
        error: the largest difference, divided by max_gradient.
        verdict: the outcome.
        reason: of a verdict other than ok.
    """

    checked: int
    skipped: int
    max_gradient: float
    error: float
    verdict: Verdict
    reason: str = ""


def relative_error(found: Float, expected: Float) -> tuple[float, float]:
    """The largest difference relative to the largest component, and the latter.

    Not component by component: those near zero would show rounding only.
    """
    if not found.size:
        return 0.0, 0.0
    largest = float(max(abs(found).max(), abs(expected).max()))
    difference = float(abs(found - expected).max())
    return (difference / largest if largest else difference), largest


def judge(
    found: Float,
    expected: Float,
    skipped: int,
    mixed: bool,
    limits: Limits,
    precision: Precision,
) -> Judgement:
    """Compares a gradient with what it should be.

    Args:
        found: what Backward gave, without the skipped coordinates.
        expected: the derivative there.
        skipped: number of coordinates at kinks.
        mixed: whether hinges of both kinds, active and not, were there.
        limits: what to keep to.
        precision: of found.

    Returns:
        The numbers and the verdict; a NaN fails.
    """
    error, largest = relative_error(found, expected)
    total, tolerance = found.size + skipped, limits.of(precision)
    verdict, reason = Verdict.OK, ""
    if skipped > limits.skipped * total:
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
        verdict = Verdict.VACUOUS
        reason = "all hinges were active, or none"
    if not np.isfinite(found).all():
        verdict, reason = Verdict.FAIL, "the gradient has a NaN or an infinity"
    return Judgement(found.size, skipped, largest, error, verdict, reason)


# One net whose gradients are to be checked.


@dataclass(frozen=True)
class Place:
    """A blob of a net.

    Attributes:
        name: of the blob, or of the layer whose parameter it is.
        param: number of the parameter blob.
    """

    name: str
    param: int | None = None

    def blob(self, net: MemoryNet) -> Any:
        """Finds it."""
        if self.param is None:
            return net.blobs[self.name]
        return net.params[self.name][self.param]


@dataclass(frozen=True)
class Piece:
    """Coordinates of one blob.

    Attributes:
        place: the blob.
        where: flat indices; None for all.
        samples: check so many of them, one of the largest gradient and others
            by chance; None for all.
    """

    place: Place
    where: Int | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Part:
    """What one row of the table is about: a bottom, or a layer's parameters."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Point:
    """Where a net is differentiated.

    Attributes:
        values: of input and parameter blobs.
        weights: of the components of Case.top.
    """

    values: dict[Place, Float]
    weights: Float | None = None


@dataclass(frozen=True)
class Case:
    """A net, values for its inputs, and what its gradients should be.

    Attributes:
        layer, mode: for the table.
        message: NetParameter with Input layers.
        draw: a point for the input blobs.
        parts: what to check.
        limits: what its rows must keep to.
        mixed: whether hinges of both kinds are there, found by the NumPy
            reference from a net's blobs.
        top: of a layer that is no loss: the blob whose weighted sum is
            differentiated.
        frozen: given the only input, the function to differentiate in place of
            the net's own forward pass.
        formula: given the only input, the gradient to expect, in place of
            differences.
    """

    layer: str
    mode: str
    message: Any
    draw: Callable[[Generator], Point]
    parts: tuple[Part, ...]
    limits: Limits = LAYER_LIMITS
    mixed: Callable[[MemoryNet], bool] = lambda _: True
    top: str | None = None
    frozen: Callable[[Float], Function] | None = None
    formula: Callable[[Float], Float] | None = None


def representable(values: Any) -> Float:
    """Rounded to float, so that both precisions stand at the same point."""
    return np.asarray(values).astype(np.float32).astype(np.float64)
