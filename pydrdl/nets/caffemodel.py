"""Weights as Caffe keeps them: what a file of any age holds, what a net wants.

A .caffemodel is a NetParameter. Three forms of it are about (caffe.proto): today's
field `layer`; V1's `layers`, whose types are an enum; and V0, which keeps a layer's
name, type and blobs one message deeper. The old ones give a blob four dimensions,
filled up with ones in front: 1 x 1 x 4096 x 18432 for an inner product.
"""

import io
import zlib
from collections.abc import Iterable, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pydrdl import files
from pydrdl.errors import InputError, writing
from pydrdl.messages import caffe_pb2
from pydrdl.pycaffe import net_of

# A dimension is None where only the data, not the net, would tell it.
Dims = tuple[int | None, ...]
# The layers that held weights in the old forms, by today's names.
V1_TYPES = {
    caffe_pb2.V1LayerParameter.CONVOLUTION: "Convolution",
    caffe_pb2.V1LayerParameter.DECONVOLUTION: "Deconvolution",
    caffe_pb2.V1LayerParameter.INNER_PRODUCT: "InnerProduct",
}
V0_TYPES = {"conv": "Convolution", "innerproduct": "InnerProduct"}


class StoredLayer(NamedTuple):
    """The weights of one layer in a file."""

    name: str  # of the layer
    type: str  # by today's name, such as "InnerProduct"; "" where the file has none
    blobs: Sequence[Any]  # BlobProto messages, as the file has them


def read_weights(path: Path) -> dict[str, StoredLayer]:
    """Reads the layers that hold weights, by name.

    The file is in memory twice while it is parsed, once afterwards.

    Raises:
        InputError: no such file, not a caffemodel, cut off, of two forms at
            once, without weights, or with a blob that is not as long as its
            shape says; or it is damaged by its seal.
    """
    again = "give a .caffemodel that Caffe wrote; one that was cut off, get again"
    if not files.is_file(path):
        raise InputError("no such weights file", path, again)
    net = caffe_pb2.NetParameter()
    content = files.read_bytes(path, "the weights", "check the path")
    files.check_seal(io.BytesIO(content), "the weights", path, again)
    try:
        net.ParseFromString(content)
    except DecodeError as error:
        raise InputError(_what_else(content), path, again) from error
    if net.layer and net.layers:
        raise InputError(
            "layers of the old and of the new form in one file", path, again
        )
    every = [_stored(message) for message in (*net.layer, *net.layers)]
    # Of two layers with one name Caffe takes the last as well.
    layers = {layer.name: layer for layer in every if layer.blobs}
    if not layers:
        named = f"; it has {len(every)} layers, all without" if every else ""
        raise InputError(f"it holds no weights{named}", path, again)
    for layer in layers.values():
        for number, blob in enumerate(layer.blobs):
            shape, values = blob_shape(blob), len(blob.double_data or blob.data)
            if values != prod(shape) or min(shape, default=0) < 0:
                raise InputError(
                    f"blob {number} of layer {layer.name!r} holds {values:,} values; "
                    f"its shape {'x'.join(map(str, shape))} has {prod(shape):,}",
                    path,
                    again,
                )
    return layers


def blob_shape(blob: Any) -> tuple[int, ...]:
    """Shape of a BlobProto; an old one has four dimensions."""
    if any(map(blob.HasField, ("num", "channels", "height", "width"))):
        return (blob.num, blob.channels, blob.height, blob.width)
    return tuple(blob.shape.dim)


def fits(found: Dims, wanted: Dims) -> bool:
    """Whether a shape is the wanted one, but for the ones in front of the old form."""
    if len(found) == 4:
        wanted = (1,) * (4 - len(wanted)) + wanted
    return len(found) == len(wanted) and all(
        b in (a, None) for a, b in zip(found, wanted, strict=True)
    )


def blob_values(blob: Any) -> NDArray[np.float32]:
    """Values of a BlobProto, (n,) float32; whatever its shape is."""
    return np.asarray(blob.double_data or blob.data, dtype=np.float32)


def write_weights(
    path: Path, pieces: Iterable[Any], *, overwrite: bool = False
) -> None:
    """Writes a caffemodel in today's form; the file appears only when whole.

    It is the sum of pieces, NetParameter messages, of which one at a time is in memory.

    Raises:
        InputError: the file exists, and overwrite is not said, or cannot be written.
    """
    files.refuse_existing(path, overwrite=overwrite)
    with (
        writing("the weights", path),
        files.whole_file(path) as part,
        part.open("wb") as file,
    ):
        file.write(bytes(files.PROTO.length))  # for the seal
        size, crc = files.PROTO.length, 0
        for piece in pieces:
            data = piece.SerializeToString()
            file.write(data)
            size, crc = size + len(data), zlib.crc32(data, crc)
        file.seek(0)
        file.write(files.PROTO.head(size, crc))


def _stored(message: Any) -> StoredLayer:
    """A layer of any form."""
    if isinstance(message, caffe_pb2.LayerParameter):
        kind = _text(message.type)
    elif message.HasField("layer"):
        message = message.layer
        kind = V0_TYPES.get(_text(message.type), _text(message.type))
    else:
        kind = V1_TYPES.get(message.type, "")
    return StoredLayer(_text(message.name), kind, message.blobs)


def _text(value: str | bytes) -> str:
    """A string of a message, which protobuf gives as bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode(errors="backslashreplace")


def _what_else(content: bytes) -> str:
    """What bytes are that do not parse as a NetParameter."""
    start = content[:1000]
    if start.startswith(b"\x89HDF\r\n"):
        return "not a caffemodel but an HDF5 file; net.save() writes a caffemodel"
    # Up to a line's end, so that no character is cut.
    text = (start.rpartition(b"\n")[0] or start).decode("utf-8", "replace")
    if all(c.isprintable() or c in "\t\r\n" for c in text) and "\ufffd" not in text:
        return "not a caffemodel but a text, such as a prototxt"
    return "not a caffemodel, or one that is cut off"


# What a net wants is asked of Caffe, which builds it. The data that it is trained on
# need not be there.


class WantedLayer(NamedTuple):
    """A layer of a net in training."""

    type: str  # such as "InnerProduct"
    shapes: list[Dims]  # of its weights


# Layers of images that open their files when they are built, by their parameters.
IMAGE_LAYERS = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "PairSetData": "pair_set_data_param",
    "WindowData": "window_data_param",
}
# Channels and side of images where the net does not say them: what differs between
# the two is not known. Multiples, for groups and for nets that halve.
GUESSES = ((12, 256), (24, 320))


def wanted_layers(net: Any, where: object) -> dict[str, WantedLayer]:
    """The layers of a NetParameter in training, by name, in its order.

    Raises:
        InputError: Caffe cannot build it.
    """
    layers = _built(net, GUESSES[0], where)
    if all(all(_images(x)) for x in net.layer if x.type in IMAGE_LAYERS):
        return layers
    others = _built(net, GUESSES[1], where)
    return {
        name: WantedLayer(kind, list(map(_common, shapes, others[name].shapes)))
        for name, (kind, shapes) in layers.items()
    }


def _built(net: Any, guess: tuple[int, int], where: object) -> dict[str, WantedLayer]:
    """wanted_layers, where images that the net does not tell of are as guessed."""
    changed = caffe_pb2.NetParameter.FromString(net.SerializeToString())
    types = {layer.name: layer.type for layer in net.layer}
    for layer in changed.layer:
        for name in ("convolution_param", "inner_product_param"):
            if layer.HasField(name):  # random numbers would take seconds
                getattr(layer, name).ClearField("weight_filler")
        if layer.type in IMAGE_LAYERS:
            _replace_images(layer, guess)
        elif layer.type == "HDF5Output":  # which would empty its file
            layer.type = "Silence"
    built = net_of(changed, caffe_pb2.TRAIN, where)
    return {
        name: WantedLayer(
            types[name], [tuple(blob.data.shape) for blob in built.params.get(name, ())]
        )
        for name in built._layer_names
        if name in types  # others are Caffe's own
    }


def _images(layer: Any) -> tuple[int | None, int | None]:
    """Channels and side of a data layer's images, as far as the net says them."""
    transform = layer.transform_param
    # A single mean is for any number of channels; several are one for each.
    means = len(transform.mean_value)
    return (means if means > 1 else None), transform.crop_size or None


def _replace_images(layer: Any, guess: tuple[int, int]) -> None:
    """Makes a data layer one of inputs of the same shapes."""
    batch = getattr(layer, IMAGE_LAYERS[layer.type])
    if layer.type == "PairSetData":
        size = batch.sets * (batch.positives + batch.negatives)
    else:
        size = batch.batch_size
    size = max(1, size)
    channels, side = (a or b for a, b in zip(_images(layer), guess, strict=True))
    for top in range(len(layer.top)):
        shape = [size] if top else [size, channels, side, side]
        layer.input_param.shape.add(dim=shape)
    layer.type = "Input"
    for name in (*IMAGE_LAYERS.values(), "transform_param", "param"):
        layer.ClearField(name)


def _common(one: Dims, other: Dims) -> Dims:
    """A shape with None where two differ."""
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))
