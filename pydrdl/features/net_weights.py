"""Weights of a net that is there: they must fit, every layer of them.

Caffe only logs layers that a file does not hold. An HDF5 file is never parsed in
this process, nor by Caffe in it, unless its seal says that it is whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.features.hdf5 import HEAD, looks_like_hdf5
from pydrdl.features.hdf5_apart import load_hdf5
from pydrdl.files import open_bytes

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
    from pydrdl.weights.caffemodel import blob_shape, read_weights

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
