"""A deploy net and its weights so that OpenCV's cv2.dnn computes what Caffe does.

It reads Caffe's nets, but some of them otherwise than Caffe, and silently: of LRN it
ignores k, of InnerProduct `transpose`; others it does not know. What it would read
otherwise is written as what it reads right, which is exact:

- LRN: x / (k + a s)^b = k^-b x / (1 + (a / k) s)^b, where s are the squares around x.
- L2Normalize: its own Normalize, with an epsilon that no float32 row is changed by.
- InnerProduct: transposed weights. Bias: a Scale by ones. Pooling: `ceil_mode`.

What it cannot compute right is refused by its layer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from google.protobuf import text_format

from pydrdl import __version__
from pydrdl.arrays import Float32, Pixels
from pydrdl.errors import InputError
from pydrdl.export.compare import largest_difference, layers_until, refusal
from pydrdl.features.deploy_net import INPUT
from pydrdl.features.extract import Extractor

SAME = (
    "AbsVal", "BNLL", "Concat", "Dropout", "ELU", "Eltwise", "Flatten", "PReLU",
    "Power", "ReLU", "Reshape", "Sigmoid", "Slice", "Softmax", "TanH",
)  # fmt: skip
NORMALIZE = "norm_param { across_spatial: true channel_shared: true eps: 1e-37 }"
IGNORED = ("param", "include", "exclude", "propagate_down", "loss_weight", "blobs")


@dataclass
class Written:
    """A layer as OpenCV is given it."""

    message: Any  # LayerParameter
    weights: list[Float32] = field(default_factory=list)
    further: str = ""  # fields that Caffe's messages do not have, as text

    @property
    def text(self) -> str:
        """As it stands in a prototxt."""
        body = text_format.MessageToString(self.message)
        body = body.replace("round_mode: FLOOR", "ceil_mode: false")
        lines = [*body.splitlines(), *self.further.splitlines()]
        return "layer {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


@dataclass(frozen=True)
class OpenCvNet:
    """What cv2.dnn.readNetFromCaffe takes."""

    prototxt: bytes
    caffemodel: bytes
    # Each of Caffe's layers, in order: its name, and that of OpenCV's with its values.
    layers: tuple[tuple[str, str], ...]


Rule = Callable[[Written], list[Written]]
RULES: dict[str, Rule] = {kind: lambda layer: [layer] for kind in SAME}


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Declares a function to be the rule of these types."""

    def declare(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return declare


def _refuse(layer: Written, what: str) -> InputError:
    return refusal("way in OpenCV", what, layer.message)


@rule("Convolution", "Deconvolution")
def _convolution(layer: Written) -> list[Written]:
    p = layer.message.convolution_param
    if len(layer.message.bottom) > 1:
        raise _refuse(layer, "one convolution of several blobs")
    if layer.weights[0].ndim != 4 or p.axis != 1:
        raise _refuse(layer, "convolutions that are not over height and width")
    if layer.message.type == "Deconvolution" and any(d != 1 for d in p.dilation):
        raise _refuse(layer, "a Deconvolution with dilation")
    return [layer]


@rule("InnerProduct")
def _inner_product(layer: Written) -> list[Written]:
    p = layer.message.inner_product_param
    if p.axis != 1:
        raise _refuse(layer, f"an InnerProduct over axis {p.axis}")
    if p.transpose:
        layer.weights[0] = np.ascontiguousarray(layer.weights[0].T)
        p.ClearField("transpose")
    return [layer]


@rule("LRN")
def _lrn(layer: Written) -> list[Written]:
    p = layer.message.lrn_param
    if p.norm_region != p.ACROSS_CHANNELS:
        raise _refuse(layer, "an LRN within channels")
    if p.k == 1:
        return [layer]
    if not p.k > 0:
        raise _refuse(layer, f"an LRN whose k is {p.k:g}")
    factor = type(layer.message)(name=f"{layer.message.name}.k", type="Power")
    factor.bottom.append(layer.message.top[0])
    factor.top.append(layer.message.top[0])
    factor.power_param.scale = p.k**-p.beta
    p.alpha /= p.k
    p.ClearField("k")
    return [layer, Written(factor)]


@rule("Pooling")
def _pooling(layer: Written) -> list[Written]:
    p = layer.message.pooling_param
    if len(layer.message.top) > 1 or p.pool == p.STOCHASTIC:
        raise _refuse(layer, "a pooling that is stochastic or has two tops")
    p.pool = p.pool  # OpenCV asks for what is the default
    return [layer]


@rule("BatchNorm")
def _batch_norm(layer: Written) -> list[Written]:
    p = layer.message.batch_norm_param
    if p.HasField("use_global_stats") and not p.use_global_stats:
        raise _refuse(layer, "a BatchNorm by the statistics of the batch")
    return [layer]


@rule("Scale", "Bias")
def _scale(layer: Written) -> list[Written]:
    message = layer.message
    p = message.scale_param if message.type == "Scale" else message.bias_param
    if len(message.bottom) > 1:
        raise _refuse(layer, f"a {message.type} with factors from a bottom")
    if p.axis != 1 or p.num_axes != 1:
        raise _refuse(layer, f"a {message.type} that is not one by channels")
    if message.type == "Bias":
        message.type = "Scale"
        message.ClearField("bias_param")
        message.scale_param.bias_term = True
        layer.weights.insert(0, np.ones_like(layer.weights[0]))
    return [layer]


@rule("L2Normalize")
def _l2_normalize(layer: Written) -> list[Written]:
    layer.message.type = "Normalize"
    layer.message.ClearField("l2_normalize_param")
    layer.further = NORMALIZE
    return [layer]


def require_importer() -> None:
    """Refuses an OpenCV that reads no nets of Caffe, as 5 does.

    Raises:
        InputError: it is one.
    """
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        raise InputError(
            f"OpenCV {cv2.__version__} reads no nets of Caffe",
            "cv2.dnn",
            "export to ONNX, which it reads, or: pip install "
            "'opencv-python-headless<5'",
        )


def to_opencv(extractor: Extractor, net_path: Path) -> OpenCvNet:
    """What an extractor's net computes, as far as the blob that it reads.

    Args:
        extractor: net, weights and how images are made.
        net_path: its prototxt.

    Raises:
        InputError: a layer that OpenCV does not compute right.
    """
    net, source = extractor.net, extractor.source
    written: list[Written] = []
    layers: list[tuple[str, str]] = []
    for message in layers_until(net, net_path, extractor.blob):
        blobs = net.params.get(message.name, ())
        # Of one number, as PReLU's shared slope is, it wants an axis too.
        weights = [np.atleast_1d(np.array(blob.data)) for blob in blobs]
        layer = Written(_plain(message), weights)
        if message.type not in RULES:
            raise _refuse(layer, f"layers of type {message.type}")
        made = RULES[message.type](layer)
        written += made
        layers.append((str(message.name), str(made[-1].message.name)))
    sides = "".join(f" dim: {side}" for side in tuple(net.blobs[INPUT].shape)[1:])
    head = (
        f"# For cv2.dnn of OpenCV 4; written by drdl export, version {__version__}.\n"
        f"# Net {source.net_sha256}\n# Weights {source.weights_sha256 or 'none'}\n"
        f"# Images: {source.preprocess}\n"
        f'layer {{\n  name: "{INPUT}"\n  type: "Input"\n  top: "{INPUT}"\n'
        f"  input_param {{ shape {{ dim: 1{sides} }} }}\n}}\n"
    )
    from caffe.proto import caffe_pb2

    model = caffe_pb2.NetParameter()
    for layer in written:
        if layer.weights:
            held = model.layer.add(name=layer.message.name, type=layer.message.type)
            for array in layer.weights:
                blob = held.blobs.add()
                blob.shape.dim.extend(array.shape)
                blob.MergeFromString(_packed(array))
    text = head + "".join(layer.text for layer in written)
    return OpenCvNet(text.encode(), model.SerializeToString(), tuple(layers))


def _packed(array: Float32) -> bytes:
    """BlobProto's field 5, data, on the wire: value by value it takes minutes."""
    values = array.astype("<f4").tobytes()
    length, left = bytearray(), len(values)
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    length.append(left)
    return b"\x2a" + bytes(length) + values


def _plain(message: Any) -> Any:
    """A layer without what is for training, some of which OpenCV does not know."""
    plain = type(message)()
    plain.CopyFrom(message)
    for name in IGNORED:
        plain.ClearField(name)
    for _, own in plain.ListFields():
        for name in getattr(own, "DESCRIPTOR", plain.DESCRIPTOR).fields_by_name:
            if hasattr(own, "DESCRIPTOR") and re.search("filler$|^engine$", name):
                own.ClearField(name)
    return plain


def run(made: OpenCvNet, given: Float32) -> Float32:
    """What OpenCV computes with a net of to_opencv.

    Raises:
        InputError: OpenCV does not take the net.
    """
    (found,) = _computed(made, [*given], [made.layers[-1][1]])
    return found


def first_that_differs(
    made: OpenCvNet, extractor: Extractor, images: Sequence[Pixels], most: float
) -> str:
    """The name of the first layer whose values differ by more than most."""
    inputs = [extractor.preprocess(image) for image in images]
    net = extractor.net
    values = _computed(made, inputs, [name for _, name in made.layers])
    for (name, _), found in zip(made.layers, values, strict=True):
        net.blobs[INPUT].data[...] = np.stack(inputs)
        net.forward(end=name)
        top = net.blobs[net.top_names[name][0]]
        expected = np.array(top.data, np.float32).reshape(len(inputs), -1)
        if not largest_difference(found, expected) <= most:
            return name
    return made.layers[-1][0]


def _computed(
    made: OpenCvNet, inputs: Sequence[Float32], names: Sequence[str]
) -> list[Float32]:
    """What OpenCV computes in layers, (n, D) each."""
    try:
        net = cv2.dnn.readNetFromCaffe(
            np.frombuffer(made.prototxt, np.uint8),
            np.frombuffer(made.caffemodel, np.uint8),
        )
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        # Fused layers have no values of their own; 4.10 fails to part them again.
        net.enableFusion(len(names) == 1)
        net.setInput(np.stack(inputs))
        outputs = [np.array(net.forward(name), np.float32) for name in names]
    except cv2.error as error:
        what = f"OpenCV does not run the net: {' '.join(str(error).split())}"
        raise InputError(what, "cv2.dnn", "report this, with the net") from error
    return [one.reshape(len(inputs), -1) for one in outputs]
