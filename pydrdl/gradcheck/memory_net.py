"""Nets built from a message, without files, in float or in double precision.

pycaffe computes in float only. Its neighbour caffe._net64, built with it, runs
the double instances of the same layers.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

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
