"""One net whose gradients are to be checked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from pydrdl.gradcheck.differences import Float, Function, Int
from pydrdl.gradcheck.memory_net import MemoryNet
from pydrdl.gradcheck.verdict import LAYER_LIMITS, Limits


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
