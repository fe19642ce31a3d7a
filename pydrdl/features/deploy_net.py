"""Weights of a net that is there: they must fit, every layer of them.

Caffe only logs layers that a file does not hold. An HDF5 file is never parsed in
this process, nor by Caffe in it, unless its seal says that it is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pydrdl import pycaffe
from pydrdl.errors import InputError
from pydrdl.features.hdf5 import HEAD, load_hdf5, looks_like_hdf5
from pydrdl.files import open_bytes
from pydrdl.pycaffe import import_caffe, read_net, why_no_gpu

Shape = tuple[int, ...]
WHAT = "the weights"
OTHERWISE = "check the path"
AGAIN = "copy it again from where it was whole, or take an earlier snapshot"


def load_weights(net: Any, path: Path) -> None:
    """Gives a net its weights.

    Args:
        net: a caffe.Net.
        path: a caffemodel, or its HDF5 form.

    Raises:
        InputError: no such file, not weights, cut off, damaged, or of another net.
    """
    wanted = {
        name: [tuple(blob.data.shape) for blob in blobs]
        for name, blobs in net.params.items()
    }
    with open_bytes(path, WHAT, OTHERWISE) as file:
        hdf5 = looks_like_hdf5(file.read(HEAD))
    if hdf5:
        arrays = read_hdf5_weights(path)
        found = {name: [blob.shape for blob in blobs] for name, blobs in arrays.items()}
        check_weights(wanted, found, path)
        for name, blobs in net.params.items():
            for blob, values in zip(blobs, arrays[name], strict=True):
                blob.data[...] = values.reshape(blob.data.shape)
        return
    from pydrdl.nets.caffemodel import blob_shape, read_weights

    layers = read_weights(path).items()
    found = {name: [blob_shape(blob) for blob in layer.blobs] for name, layer in layers}
    check_weights(wanted, found, path)
    net.copy_from(str(path))


def read_hdf5_weights(path: Path) -> dict[str, list[NDArray[Any]]]:
    """Blobs of a .caffemodel.h5 by layer: data/<layer>/<number of the blob>.

    Raises:
        InputError: it is damaged, or holds no weights.
    """
    content, _ = load_hdf5(path, WHAT, OTHERWISE, AGAIN)
    numbered: dict[str, dict[int, NDArray[Any]]] = {}
    for name, values in content.numbers.items():
        place, _, number = name.rpartition("/")
        if place.startswith("data/") and number.isdecimal():
            numbered.setdefault(place[5:], {})[int(number)] = values
    layers = {
        name: [blobs[number] for number in sorted(blobs)]
        for name, blobs in numbered.items()
    }
    if not layers:
        raise InputError(
            "it holds no weights", path, "give a .caffemodel.h5 that Caffe wrote"
        )
    return layers


def check_weights(
    wanted: Mapping[str, Sequence[Shape]],
    found: Mapping[str, Sequence[Shape]],
    where: object,
) -> None:
    """Requires every learnable layer of a net in a weights file.

    Args:
        wanted: blob shapes of the net's learnable layers.
        found: blob shapes of the weights file; it may hold more layers.
        where: the weights file, for messages.

    Raises:
        InputError: a layer is absent or has other shapes.
    """
    again = "give the weights of this net, or the deploy net of these weights"
    absent = [name for name in wanted if name not in found]
    if absent:
        raise InputError(
            f"{len(absent)} of the net's {len(wanted)} learnable layers are not in "
            f"the weights: {', '.join(absent)}; these hold {_some(found)}",
            where,
            again,
        )
    for name, shapes in wanted.items():
        fits = len(shapes) == len(found[name]) and all(
            a == b or (len(b) == 4 and _plain(a) == _plain(b))
            for a, b in zip(shapes, found[name], strict=True)
        )
        if not fits:
            raise InputError(
                f"layer {name!r} has blobs {list(shapes)}; "
                f"the weights hold {list(found[name])}",
                where,
                again,
            )


def _plain(shape: Shape) -> Shape:
    """The shape as Caffe's four old dimensions."""
    return (1,) * (4 - len(shape)) + tuple(shape)


def _some(names: Iterable[str], limit: int = 8) -> str:
    """The first names, and how many follow."""
    all_names = list(names)
    more = f" and {len(all_names) - limit} more" if len(all_names) > limit else ""
    return ", ".join(all_names[:limit]) + more


# Opens a deploy net with its weights, and refuses what Caffe lets pass.
#
# Caffe ends the process on a net that it cannot build, and only logs layers that
# the weights do not hold: a net with a renamed layer would be evaluated on random
# numbers. Both become errors that can be read.


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
    read_net(path)
    if gpu is not None:
        _check_gpu(gpu)
        caffe.set_mode_gpu()
        caffe.set_device(gpu)
    else:
        caffe.set_mode_cpu()
    if untrained is not None:
        caffe.set_random_seed(untrained)
    net = pycaffe.open_net(path, caffe.TEST)
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


def _check_gpu(number: int) -> None:
    """Raises InputError where Caffe would end the process for want of a GPU."""
    reason = why_no_gpu(number)
    if reason is not None:
        raise InputError(
            f"no GPU {number}: {reason}",
            f"--gpu {number}",
            "leave the option out, or build Caffe with CUDA (CMake preset cuda)",
        )
