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
    """A net in memory, in the phase that its message's state names.

    Args:
        message: a NetParameter.
        precision: f64 or f32.

    Attributes:
        blobs: by name; each has data and diff, arrays to be taken anew after
            every pass.
        params: the parameter blobs of every layer that has any.
        forward: computes every blob; returns the losses' sum, weighted.
        backward: computes every diff of that sum, from the last forward pass.
    """

    blobs: Mapping[str, Any]
    params: Mapping[str, Sequence[Any]]
    forward: Callable[[], float]
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
        raise InputError(
            f"cannot import nets in double precision: {error}",
            "caffe._net64",
            "run tools/setup.sh, which builds it beside pycaffe",
        ) from error
    return _net64.Net(text_format.MessageToString(message))


@dataclass(frozen=True)
class BlobRef:
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

    def gradient(self, net: MemoryNet) -> Float64:
        """What the last backward pass gave it, flat."""
        return np.array(self.blob(net).diff, np.float64).ravel()


@dataclass(frozen=True)
class Coordinates:
    """Some of one blob.

    Attributes:
        blob: which.
        where: flat indices; None for all.
        samples: check so many of them, one of the largest gradient and others
            by chance; None for all.
    """

    blob: BlobRef
    where: Int | None = None
    samples: int | None = None


@dataclass(frozen=True)
class Point:
    """Where a net is differentiated.

    Attributes:
        values: of input and parameter blobs.
        weights: of the components of Case.top.
    """

    values: dict[BlobRef, Float64]
    weights: Float64 | None = None


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


LAYER_LIMITS = Limits()


@dataclass(frozen=True)
class Case:
    """A net, values for its inputs, and what its gradients should be.

    Attributes:
        layer, mode: for the table.
        message: NetParameter with Input layers.
        draw: a point for the input blobs.
        parts: what to check, by its name: a bottom's, or a layer's parameters.
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
    parts: Mapping[str, Sequence[Coordinates]]
    limits: Limits = LAYER_LIMITS
    mixed: Callable[[MemoryNet], bool] = lambda _: True
    top: str | None = None
    frozen: Callable[[Float64], Function] | None = None
    formula: Callable[[Float64], Float64] | None = None


def representable(values: Any) -> Float64:
    """Rounded to float, so that both precisions stand at the same point."""
    return np.asarray(values).astype(np.float32).astype(np.float64)
