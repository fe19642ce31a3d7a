"""One net whose gradients are to be checked, in float or in double precision.

pycaffe computes in float only. Its neighbour caffe._net64, built with it, runs
the double instances of the same layers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from google.protobuf import text_format
from numpy.random import Generator

from pydrdl.arrays import Float64, Int
from pydrdl.errors import InputError
from pydrdl.pycaffe import import_caffe, net_of

Precision = Literal["f64", "f32"]
Function = Callable[[Float64], float]


class MemoryNet:
    """A net in memory, of a NetParameter, in the phase that its state names."""

    # By name; each has data and diff, arrays to be taken anew after every pass.
    blobs: Mapping[str, Any]
    # The parameter blobs of every layer that has any.
    params: Mapping[str, Sequence[Any]]
    # Computes every blob; returns the losses' sum, weighted.
    forward: Callable[[], float]
    # Computes every diff of that sum, from the last forward pass.
    backward: Callable[[], None]

    def __init__(self, message: Any, precision: Precision = "f64") -> None:
        if precision == "f64":
            net = _double_net(message)
            self.blobs, self.params = net.blobs(), net.params()
            self.forward, self.backward = net.forward, net.backward
            return
        net = net_of(message, message.state.phase, "a net in memory")
        last = len(net.layers) - 1
        self.blobs, self.params = net.blobs, net.params

        def backward() -> None:
            net.clear_param_diffs()
            net._backward(last, 0)

        # pycaffe's own forward() does not return the loss.
        self.forward = lambda: float(net._forward(0, last))
        self.backward = backward


def _double_net(message: Any) -> Any:
    import_caffe()
    try:
        from caffe import _net64
    except ImportError as error:
        what = f"cannot import nets in double precision: {error}"
        advice = "run tools/setup.sh, which builds it beside pycaffe"
        raise InputError(what, "caffe._net64", advice) from error
    return _net64.Net(text_format.MessageToString(message))


@dataclass(frozen=True)
class BlobRef:
    """A blob of a net."""

    name: str  # of the blob, or of the layer whose parameter it is
    param: int | None = None  # number of the parameter blob

    def blob(self, net: MemoryNet) -> Any:
        """Finds it."""
        if self.param is None:
            return net.blobs[self.name]
        return net.params[self.name][self.param]

    def gradient(self, net: MemoryNet) -> Float64:
        """What the last backward pass gave it, flat."""
        return np.array(self.blob(net).diff, np.float64).ravel()


@dataclass(frozen=True)
class Coordinates:
    """Some of one blob."""

    blob: BlobRef  # which
    where: Int | None = None  # flat indices; None for all
    # Check so many of them, one of the largest gradient and others by chance; None for
    # all.
    samples: int | None = None


@dataclass(frozen=True)
class Point:
    """Where a net is differentiated."""

    values: dict[BlobRef, Float64]  # of input and parameter blobs
    weights: Float64 | None = None  # of the components of Case.top


@dataclass(frozen=True)
class Limits:
    """What a row must keep to."""

    # Largest relative error in this precision.
    f64: float = 1e-6
    f32: float = 1e-5
    floor: float = 1.0  # smallest meaningful max |g|
    skipped: float = 0.1  # largest share of coordinates at kinks


LAYER_LIMITS = Limits()


@dataclass(frozen=True)
class Case:
    """A net, values for its inputs, and what its gradients should be."""

    # For the table.
    layer: str
    mode: str
    message: Any  # NetParameter with Input layers
    draw: Callable[[Generator], Point]  # a point for the input blobs
    # What to check, by its name: a bottom's, or a layer's parameters.
    parts: Mapping[str, Sequence[Coordinates]]
    limits: Limits = LAYER_LIMITS  # what its rows must keep to
    # Whether hinges of both kinds are there, found by the NumPy reference from a net's
    # blobs.
    mixed: Callable[[MemoryNet], bool] = lambda _: True
    # Of a layer that is no loss: the blob whose weighted sum is differentiated.
    top: str | None = None
    # Given the only input, the function to differentiate in place of the net's own
    # forward pass.
    frozen: Callable[[Float64], Function] | None = None
    # Given the only input, the gradient to expect, in place of differences.
    formula: Callable[[Float64], Float64] | None = None


def representable(values: Any) -> Float64:
    """Rounded to float, so that both precisions stand at the same point."""
    return np.asarray(values).astype(np.float32).astype(np.float64)
