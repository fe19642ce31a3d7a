"""Opens a deploy net with its weights, and refuses what Caffe lets pass.

Caffe ends the process on a net that it cannot build, and only logs layers that
the weights do not hold: a net with a renamed layer would be evaluated on random
numbers. Both become errors that can be read.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydrdl.errors import InputError
from pydrdl.features.net_weights import load_weights
from pydrdl.gpu import why_no_gpu
from pydrdl.pycaffe import import_caffe

INPUT = "data"


def open_net(
    path: Path,
    *,
    weights: Path | None = None,
    untrained: int | None = None,
    gpu: int | None = None,
) -> Any:
    """Opens a deploy net in the TEST phase.

    Args:
        path: prototxt with an Input layer whose blob "data" is 1 x 3 x H x W.
        weights: caffemodel, or its HDF5 form.
        untrained: in place of weights, the seed of the net's own fillers.
        gpu: number of the GPU; None computes on the CPU.

    Returns:
        A caffe.Net.

    Raises:
        InputError: no such file, no such layer type, no such input, weights
            that do not fit the net, or no such GPU.
    """
    caffe = import_caffe()
    _check_net(path, caffe.layer_type_list())
    if gpu is not None:
        _check_gpu(gpu)
        caffe.set_mode_gpu()
        caffe.set_device(gpu)
    else:
        caffe.set_mode_cpu()
    if untrained is not None:
        caffe.set_random_seed(untrained)
    net = caffe.Net(str(path), caffe.TEST)
    shape = tuple(net.blobs[INPUT].shape) if INPUT in net.inputs else ()
    if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
        raise InputError(
            f"input {INPUT!r} of shape {shape or 'none'}; expected 1 x 3 x H x H",
            path,
            "use a deploy net with an Input layer",
        )
    if weights is not None:
        load_weights(net, weights)
    return net


def last_top(net: Any) -> str:
    """Name of the last layer's first top: what the net is there to compute."""
    tops = next(tops for tops in reversed(net.top_names.values()) if tops)
    return str(tops[0])


def _check_net(path: Path, known: Iterable[str]) -> None:
    """Raises InputError for a prototxt that would end the process."""
    from pydrdl.weights.shapes import read_net

    message = read_net(path)
    unknown = {layer.type for layer in message.layer} - set(known)
    if unknown:
        raise InputError(
            f"this Caffe has no layer type {', '.join(sorted(unknown))}",
            path,
            "correct the type, or build Caffe with it",
        )


def _check_gpu(number: int) -> None:
    """Raises InputError where Caffe would end the process for want of a GPU."""
    reason = why_no_gpu(number)
    if reason is not None:
        raise InputError(
            f"no GPU {number}: {reason}",
            f"--gpu {number}",
            "leave the option out, or build Caffe with CUDA (CMake preset cuda)",
        )
