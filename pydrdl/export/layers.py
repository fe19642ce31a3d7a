"""How each type of Caffe's layers is computed by ONNX's operators, in the TEST phase.

A rule takes the graph and a layer, and gives the names of the values of its tops.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto

from pydrdl.arrays import Float32
from pydrdl.errors import InputError
from pydrdl.export.compare import layers_until, refusal
from pydrdl.export.graph import Graph
from pydrdl.features.deploy_net import INPUT, Preprocess
from pydrdl.features.extract import Extractor

Rule = Callable[[Graph, "Layer"], list[str]]
RULES: dict[str, Rule] = {}
PIXELS = "pixels"  # the input's name where images are made ready inside


@dataclass(frozen=True)
class Layer:
    """A layer of a net that Caffe has opened.

    Attributes:
        message: its LayerParameter.
        inputs: names of its bottoms' values.
        shapes: of its bottoms, of one image.
        weights: its blobs.
    """

    message: Any
    inputs: list[str]
    shapes: list[tuple[int, ...]]
    weights: list[Float32]

    @property
    def name(self) -> str:
        """Its name in the prototxt."""
        return str(self.message.name)

    @property
    def top(self) -> str:
        """Its first top."""
        return str(self.message.top[0])

    def refuse(self, what: str) -> InputError:
        """What to raise for what ONNX, or this exporter, does not have."""
        return refusal("ONNX", what, self.message)


def rule(*kinds: str) -> Callable[[Rule], Rule]:
    """Declares a function to be the rule of these types."""

    def declare(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return declare


def _pair(repeated: Sequence[int], height: int, width: int, default: int) -> list[int]:
    """Height and width, which Caffe takes in three ways."""
    if height or width:
        return [height, width]
    values = list(repeated) or [default]
    return values * 2 if len(values) == 1 else values


def _weights(graph: Graph, layer: Layer) -> list[str]:
    """Adds a layer's weights and, if it has one, its bias as constants."""
    names = zip(layer.weights, ("weights", "bias"), strict=False)
    return [graph.constant(array, f"{layer.name}.{name}") for array, name in names]


@rule("Convolution", "Deconvolution")
def _convolution(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.convolution_param
    if len(layer.shapes[0]) != 4 or p.axis != 1:
        raise layer.refuse("convolutions that are not over height and width")
    pad = _pair(p.pad, p.pad_h, p.pad_w, 0)
    transposed = layer.message.type == "Deconvolution"
    outputs: list[str] = []
    constants = _weights(graph, layer)
    for bottom in layer.inputs:  # each has a top, and all the same weights
        outputs.append(
            graph.node(
                "ConvTranspose" if transposed else "Conv",
                [bottom, *constants],
                str(layer.message.top[len(outputs)]),
                kernel_shape=_pair(p.kernel_size, p.kernel_h, p.kernel_w, 1),
                strides=_pair(p.stride, p.stride_h, p.stride_w, 1),
                dilations=_pair(p.dilation, 0, 0, 1),
                pads=pad * 2,
                group=p.group,
            )
        )
    return outputs


@rule("InnerProduct")
def _inner_product(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.inner_product_param
    if p.axis != 1:
        raise layer.refuse(f"an InnerProduct over axis {p.axis}")
    flat = graph.node("Flatten", layer.inputs, f"{layer.name}.flat", axis=1)
    turned = 0 if p.transpose else 1
    inputs = [flat, *_weights(graph, layer)]
    return [graph.node("Gemm", inputs, layer.top, transB=turned)]


@rule("ReLU")
def _relu(graph: Graph, layer: Layer) -> list[str]:
    slope = layer.message.relu_param.negative_slope
    if slope:
        return [graph.node("LeakyRelu", layer.inputs, layer.top, alpha=slope)]
    return [graph.node("Relu", layer.inputs, layer.top)]


@rule("PReLU")
def _prelu(graph: Graph, layer: Layer) -> list[str]:
    (slopes,) = layer.weights
    shape = (slopes.size, *[1] * (len(layer.shapes[0]) - 2))
    if slopes.size == 1:
        shape = (1,)
    slope = graph.constant(slopes.reshape(shape), f"{layer.name}.slope")
    return [graph.node("PRelu", [*layer.inputs, slope], layer.top)]


@rule("Sigmoid", "TanH", "AbsVal", "BNLL")
def _plain(graph: Graph, layer: Layer) -> list[str]:
    kinds = {"TanH": "Tanh", "AbsVal": "Abs", "BNLL": "Softplus"}
    kind = kinds.get(layer.message.type, layer.message.type)
    return [graph.node(kind, layer.inputs, layer.top)]


@rule("ELU")
def _elu(graph: Graph, layer: Layer) -> list[str]:
    alpha = layer.message.elu_param.alpha
    return [graph.node("Elu", layer.inputs, layer.top, alpha=alpha)]


@rule("Power")
def _power(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.power_param  # (shift + scale * x) ^ power
    value = layer.inputs[0]
    for kind, number, neutral in (
        ("Mul", p.scale, 1), ("Add", p.shift, 0), ("Pow", p.power, 1),
    ):  # fmt: skip
        if number != neutral:
            constant = graph.constant(np.float32(number), f"{layer.name}.{kind}")
            value = graph.node(kind, [value, constant], layer.top)
    return [value]


@rule("LRN")
def _lrn(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.lrn_param
    if p.norm_region != p.ACROSS_CHANNELS:
        raise layer.refuse("an LRN within channels")
    # Both divide alpha by the size.
    settings = {"size": p.local_size, "alpha": p.alpha, "beta": p.beta, "bias": p.k}
    return [graph.node("LRN", layer.inputs, layer.top, **settings)]


@rule("Pooling")
def _pooling(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.pooling_param
    if len(layer.message.top) > 1 or p.pool == p.STOCHASTIC:
        raise layer.refuse("a pooling that is stochastic or has two tops")
    largest = p.pool == p.MAX
    if p.global_pooling:
        kind = "GlobalMaxPool" if largest else "GlobalAveragePool"
        return [graph.node(kind, layer.inputs, layer.top)]
    kernel = [p.kernel_h or p.kernel_size, p.kernel_w or p.kernel_size]
    stride = [p.stride_h or p.stride, p.stride_w or p.stride]
    pad = [p.pad_h or p.pad, p.pad_w or p.pad]
    sides = list(zip(layer.shapes[0][2:], kernel, stride, pad, strict=True))
    outputs = [_outputs(*side, up=p.round_mode == p.CEIL) for side in sides]
    # Pads at the far edge, with which rounding down gives as many outputs.
    ends = [
        max(0, (count - 1) * s + k - n - edge)
        for count, (n, k, s, edge) in zip(outputs, sides, strict=True)
    ]
    shape = {"kernel_shape": kernel, "strides": stride, "pads": pad + ends}
    if largest:
        return [graph.node("MaxPool", layer.inputs, layer.top, **shape)]
    pooled = graph.node(
        "AveragePool", layer.inputs, layer.top, count_include_pad=1, **shape
    )
    # Caffe divides by the part of a window that lies in the image and its pads.
    lengths = []
    for count, (n, k, s, edge) in zip(outputs, sides, strict=True):
        begins = np.arange(count) * s - edge
        lengths.append(np.minimum(begins + k, n + edge) - begins)
    factors = np.float32(kernel[0] * kernel[1]) / np.outer(*lengths)
    if (factors == 1).all():
        return [pooled]
    constant = graph.constant(factors.astype(np.float32), f"{layer.name}.factors")
    return [graph.node("Mul", [pooled, constant], layer.top)]


def _outputs(size: int, kernel: int, stride: int, pad: int, *, up: bool) -> int:
    """How many windows Caffe pools along a side; none begins behind the image."""
    steps = (size + 2 * pad - kernel) / stride
    count = (math.ceil(steps) if up else math.floor(steps)) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    return count


@rule("Concat")
def _concat(graph: Graph, layer: Layer) -> list[str]:
    axis = layer.message.concat_param.axis
    return [graph.node("Concat", layer.inputs, layer.top, axis=axis)]


@rule("Slice")
def _slice(graph: Graph, layer: Layer) -> list[str]:
    p, tops = layer.message.slice_param, list(layer.message.top)
    size = layer.shapes[0][p.axis]
    bounds = [0, *p.slice_point, size]
    if not p.slice_point:
        bounds = [size * k // len(tops) for k in range(len(tops) + 1)]
    sizes = np.diff(np.array(bounds, np.int64))
    lengths = graph.constant(sizes, f"{layer.name}.lengths")
    return graph.nodes_outputs("Split", [layer.inputs[0], lengths], tops, axis=p.axis)


@rule("Dropout")
def _same(graph: Graph, layer: Layer) -> list[str]:
    return layer.inputs * len(layer.message.top)


@rule("Eltwise")
def _eltwise(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.eltwise_param
    values = list(layer.inputs)
    if p.operation == p.SUM:
        for k, factor in enumerate(p.coeff):
            if factor != 1:
                constant = graph.constant(np.float32(factor), f"{layer.name}.factor")
                values[k] = graph.node("Mul", [values[k], constant], layer.top)
        return [graph.node("Sum", values, layer.top)]
    if p.operation == p.MAX:
        return [graph.node("Max", values, layer.top)]
    product = values[0]
    for other in values[1:]:
        product = graph.node("Mul", [product, other], layer.top)
    return [product]


@rule("BatchNorm")
def _batch_norm(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.batch_norm_param
    if p.HasField("use_global_stats") and not p.use_global_stats:
        raise layer.refuse("a BatchNorm by the statistics of the batch")
    mean, variance, weight = layer.weights
    factor = 0 if weight.flat[0] == 0 else 1 / weight.flat[0]
    channels = mean.size
    named = {
        "scale": np.ones(channels),
        "bias": np.zeros(channels),
        "mean": mean.ravel() * factor,
        "variance": variance.ravel() * factor,
    }
    constants = [
        graph.constant(values.astype(np.float32), f"{layer.name}.{name}")
        for name, values in named.items()
    ]
    inputs = [*layer.inputs, *constants]
    return [graph.node("BatchNormalization", inputs, layer.top, epsilon=p.eps)]


@rule("Scale", "Bias")
def _scale(graph: Graph, layer: Layer) -> list[str]:
    kind = layer.message.type
    p = layer.message.scale_param if kind == "Scale" else layer.message.bias_param
    if len(layer.inputs) > 1:
        raise layer.refuse(f"a {kind} with factors from a bottom")
    value, rank = layer.inputs[0], len(layer.shapes[0])
    steps = ("Mul", "Add") if kind == "Scale" else ("Add",)
    for step, weights in zip(steps, layer.weights, strict=False):
        after = rank - p.axis % rank - weights.ndim
        shaped = weights.reshape(*weights.shape, *[1] * after)
        constant = graph.constant(shaped, f"{layer.name}.{step}")
        value = graph.node(step, [value, constant], layer.top)
    return [value]


@rule("Flatten")
def _flatten(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.flatten_param
    if (p.axis, p.end_axis) != (1, -1):
        raise layer.refuse("a Flatten of some axes only")
    return [graph.node("Flatten", layer.inputs, layer.top, axis=1)]


@rule("Reshape")
def _reshape(graph: Graph, layer: Layer) -> list[str]:
    p = layer.message.reshape_param
    if p.axis or p.num_axes != -1 or not p.shape.dim or p.shape.dim[0] != 0:
        raise layer.refuse("a Reshape that does not keep the images apart")
    shape = graph.constant(np.array(p.shape.dim, np.int64), f"{layer.name}.shape")
    return [graph.node("Reshape", [*layer.inputs, shape], layer.top)]


@rule("Softmax")
def _softmax(graph: Graph, layer: Layer) -> list[str]:
    axis = layer.message.softmax_param.axis
    return [graph.node("Softmax", layer.inputs, layer.top, axis=axis)]


@rule("L2Normalize")
def _l2_normalize(graph: Graph, layer: Layer) -> list[str]:
    """Rows of no more than epsilon have no direction, and become zeros."""
    epsilon = np.float32(layer.message.l2_normalize_param.epsilon)
    axes = list(range(1, len(layer.shapes[0])))
    own = f"{layer.name}.norm"
    norm = graph.node("ReduceL2", layer.inputs, own, axes=axes, keepdims=1)
    least = graph.constant(epsilon, f"{layer.name}.epsilon")
    zero = graph.constant(np.float32(0), f"{layer.name}.zero")
    short = graph.node("LessOrEqual", [norm, least], f"{layer.name}.short")
    unit = graph.node("Div", [*layer.inputs, norm], f"{layer.name}.unit")
    return [graph.node("Where", [short, zero, unit], layer.top)]


def graph_of(extractor: Extractor, net_path: Path, *, pixels: bool) -> Graph:
    """What an extractor's net computes, as far as the blob that it reads.

    Args:
        extractor: net, weights and how images are made.
        net_path: its prototxt.
        pixels: whether the input is images, and is made ready inside.

    Raises:
        InputError: a layer for which there is no rule.
    """
    net, graph = extractor.net, Graph()
    if pixels:
        graph.name(PIXELS)
        graph.values[INPUT] = _made_ready(graph, extractor.preprocess)
    else:
        graph.values[INPUT] = graph.name(INPUT)
    for message in layers_until(net, net_path, extractor.blob):
        _add(graph, net, message)
    return graph


def _made_ready(graph: Graph, preprocess: Preprocess) -> str:
    """What Preprocess does of one image, of all."""
    first = (preprocess.resize - preprocess.crop) // 2
    bounds = [[first] * 2, [first + preprocess.crop] * 2, [1, 2]]
    names = ("begins", "ends", "axes")
    cut = graph.node(
        "Slice",
        [PIXELS]
        + [
            graph.constant(np.array(one, np.int64), f"crop.{name}")
            for one, name in zip(bounds, names, strict=True)
        ],
        "cropped",
    )
    values = graph.node("Cast", [cut], "values", to=TensorProto.FLOAT)
    mean = graph.constant(np.array(preprocess.mean, np.float32), "mean")
    values = graph.node("Sub", [values, mean], "centred")
    scale = graph.constant(np.array(preprocess.scale, np.float32), "scale")
    values = graph.node("Mul", [values, scale], "scaled")
    return graph.node("Transpose", [values], INPUT, perm=[0, 3, 1, 2])


def _add(graph: Graph, net: Any, message: Any) -> None:
    weights = [np.array(blob.data) for blob in net.params.get(message.name, ())]
    inputs = [graph.values[bottom] for bottom in message.bottom]
    shapes = [tuple(net.blobs[bottom].shape) for bottom in message.bottom]
    layer = Layer(message, inputs, shapes, weights)
    if message.type not in RULES:
        raise layer.refuse(f"layers of type {message.type}")
    made = RULES[message.type](graph, layer)
    graph.values.update(zip(message.top, made, strict=False))
