"""Weights as Caffe keeps them: reads .caffemodel files of every age, writes new.

A .caffemodel is a NetParameter. Three forms of it are about (caffe.proto): today's
field `layer`; V1's `layers`, whose types are an enum; and V0, which keeps a layer's
name, type and blobs one message deeper. The old ones give a blob four dimensions,
filled up with ones in front: 1 x 1 x 4096 x 18432 for an inner product.
"""

import io
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pydrdl import atomic
from pydrdl.atomic import refuse_existing
from pydrdl.errors import InputError, writing
from pydrdl.files import PROTO, check_seal, is_file, read_bytes
from pydrdl.messages import caffe_pb2

Shape = tuple[int, ...]
Float32 = NDArray[np.float32]
# The layers that held weights in the old forms, by today's names.
V1_TYPES = {
    caffe_pb2.V1LayerParameter.CONVOLUTION: "Convolution",
    caffe_pb2.V1LayerParameter.DECONVOLUTION: "Deconvolution",
    caffe_pb2.V1LayerParameter.INNER_PRODUCT: "InnerProduct",
}
V0_TYPES = {"conv": "Convolution", "innerproduct": "InnerProduct"}
HDF5_START = b"\x89HDF\r\n"


@dataclass(frozen=True)
class Layer:
    """The weights of one layer.

    Attributes:
        name: of the layer.
        type: by today's name, such as "InnerProduct"; "" where the file has none.
        blobs: BlobProto messages, as the file has them.
    """

    name: str
    type: str
    blobs: Sequence[Any]


def read_weights(path: Path) -> dict[str, Layer]:
    """Reads the layers that hold weights, by name.

    The file is in memory twice while it is parsed, once afterwards.

    Raises:
        InputError: no such file, not a caffemodel, cut off, of two forms at
            once, without weights, or with a blob that is not as long as its
            shape says; or it is damaged by its seal.
    """
    again = "give a .caffemodel that Caffe wrote; one that was cut off, get again"
    if not is_file(path):
        raise InputError("no such weights file", path, again)
    net = caffe_pb2.NetParameter()
    content = read_bytes(path, "the weights", "check the path")
    check_seal(io.BytesIO(content), "the weights", path, again)
    try:
        net.ParseFromString(content)
    except DecodeError as error:
        raise InputError(_what_else(content), path, again) from error
    if net.layer and net.layers:
        raise InputError(
            "layers of the old and of the new form in one file", path, again
        )
    every = [_layer(message) for message in (*net.layer, *net.layers)]
    # Of two layers with one name Caffe takes the last as well.
    layers = {layer.name: layer for layer in every if layer.blobs}
    if not layers:
        named = f"; it has {len(every)} layers, all without" if every else ""
        raise InputError(f"it holds no weights{named}", path, again)
    for layer in layers.values():
        _check_lengths(layer, path, again)
    return layers


def blob_shape(blob: Any) -> Shape:
    """Shape of a BlobProto; an old one has four dimensions."""
    if any(map(blob.HasField, ("num", "channels", "height", "width"))):
        return (blob.num, blob.channels, blob.height, blob.width)
    return tuple(blob.shape.dim)


def blob_values(blob: Any) -> Float32:
    """Values of a BlobProto, (n,) float32; whatever its shape is."""
    return np.asarray(blob.double_data or blob.data, dtype=np.float32)


def write_weights(
    path: Path,
    name: str,
    layers: Iterable[tuple[str, str, Sequence[Float32]]],
    *,
    overwrite: bool = False,
) -> None:
    """Writes a caffemodel in today's form; the file appears only when whole.

    Args:
        path: the file to make.
        name: of the net.
        layers: name, type and blobs of each layer; taken one at a time, so that
            only one needs to be in memory.
        overwrite: whether a file of this name is replaced.

    Raises:
        InputError: the file exists or cannot be written.
    """
    refuse_existing(path, overwrite=overwrite)
    with (
        writing("the weights", path),
        atomic.whole_file(path) as part,
        part.open("wb") as file,
    ):
        file.write(bytes(PROTO.length))  # for the seal
        size, crc = PROTO.length, 0
        start = caffe_pb2.NetParameter(name=name).SerializeToString()
        for piece in chain([start], *(_encoded(*layer) for layer in layers)):
            file.write(piece)
            size, crc = size + memoryview(piece).nbytes, zlib.crc32(piece, crc)
        file.seek(0)
        file.write(PROTO.head(size, crc))


def _layer(message: Any) -> Layer:
    """A layer of any form."""
    if isinstance(message, caffe_pb2.LayerParameter):
        return Layer(_text(message.name), _text(message.type), message.blobs)
    if message.HasField("layer"):
        old, kind = message.layer, _text(message.layer.type)
        return Layer(_text(old.name), V0_TYPES.get(kind, kind), old.blobs)
    return Layer(_text(message.name), V1_TYPES.get(message.type, ""), message.blobs)


def _text(value: str | bytes) -> str:
    """A string of a message, which protobuf gives as bytes where it is no UTF-8."""
    return value if isinstance(value, str) else value.decode(errors="backslashreplace")


def _encoded(name: str, kind: str, blobs: Sequence[Float32]) -> list[Any]:
    """A layer as it stands in a serialized NetParameter, in pieces.

    Big blobs would be copied three times by way of messages; so only their
    surroundings are, and the values follow as they lie in memory: the encoding
    of a packed field is its length and little-endian floats.
    """
    pieces: list[Any] = [
        caffe_pb2.LayerParameter(name=name, type=kind).SerializeToString()
    ]
    for blob in blobs:
        shape = caffe_pb2.BlobProto(shape={"dim": blob.shape}).SerializeToString()
        start = shape + _before(caffe_pb2.BlobProto, "data", blob.nbytes)
        size = len(start) + blob.nbytes
        pieces.append(_before(caffe_pb2.LayerParameter, "blobs", size) + start)
        pieces.append(np.ascontiguousarray(blob, "<f4").data)
    size = sum(memoryview(piece).nbytes for piece in pieces)
    return [_before(caffe_pb2.NetParameter, "layer", size), *pieces]


def _before(message: Any, field: str, size: int) -> bytes:
    """What stands before a field of `size` bytes: its number and its length."""
    length_delimited = 2
    number = message.DESCRIPTOR.fields_by_name[field].number
    return _varint(number << 3 | length_delimited) + _varint(size)


def _varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    groups = []
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])


def _check_lengths(layer: Layer, path: Path, again: str) -> None:
    """Raises InputError where a blob has fewer or more values than its shape."""
    for number, blob in enumerate(layer.blobs):
        shape = blob_shape(blob)
        values = len(blob.double_data or blob.data)
        if values != prod(shape) or min(shape, default=0) < 0:
            raise InputError(
                f"blob {number} of layer {layer.name!r} holds {values:,} values; "
                f"its shape {'x'.join(map(str, shape))} has {prod(shape):,}",
                path,
                again,
            )


def _what_else(content: bytes) -> str:
    """What bytes are that do not parse as a NetParameter."""
    start = content[:1000]
    if start.startswith(HDF5_START):
        return "not a caffemodel but an HDF5 file; net.save() writes a caffemodel"
    # Up to a line's end, so that no character is cut.
    text = (start.rpartition(b"\n")[0] or start).decode("utf-8", "replace")
    if all(c.isprintable() or c in "\t\r\n" for c in text) and "\ufffd" not in text:
        return "not a caffemodel but a text, such as a prototxt"
    return "not a caffemodel, or one that is cut off"
