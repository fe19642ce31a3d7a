"""Forward and backward passes of a case's net at a point."""

import numpy as np
from numpy.random import Generator

from pydrdl.gradcheck.case import Case, Place, Point, representable
from pydrdl.gradcheck.differences import Float
from pydrdl.gradcheck.memory_net import MemoryNet
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
