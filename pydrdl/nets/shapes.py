"""The shapes of a net's weights, found from its prototxt alone.

Caffe finds them by building the net, which for the paper's takes gigabytes, an
LMDB and a process to end if something is wrong. Known are the layers that the
nets here and ImageNet's classics are made of. What cannot be known without
building (the size of a data layer's images, layers of other types) is None.
"""

from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from pydrdl.errors import InputError
from pydrdl.files import read_bytes
from pydrdl.messages import caffe_pb2

# A dimension, or a whole shape, is None where it is not known.
Dims = tuple[int | None, ...]

# Their first top is as their first bottom. Scale, Bias and PReLU hold weights, of
# shapes that are not looked at here.
ELEMENTWISE = {
    "AbsVal", "Bias", "BNLL", "Dropout", "ELU", "Eltwise", "Exp", "L2Normalize", "LRN",
    "Log", "MVN", "Power", "PReLU", "ReLU", "Scale", "Sigmoid", "Softmax", "Split",
    "TanH",
}  # fmt: skip


def read_net(path: Path) -> Any:
    """Reads a net's prototxt: NetParameter.

    Raises:
        InputError: no such file, not a net, no layers, or layers of the old form.
    """
    net = caffe_pb2.NetParameter()
    data = read_bytes(path, "the net", "give a net's .prototxt")
    try:
        text_format.Parse(data.decode(), net)
    except UnicodeDecodeError as error:
        raise InputError(
            "not a net: it is no text", path, "give a net's .prototxt"
        ) from error
    except (text_format.ParseError, RecursionError) as error:
        raise InputError(
            f"not a net: {error}", path, "correct the line and column named above"
        ) from error
    if net.layers:
        raise InputError(
            "a net of the old form, `layers`",
            path,
            "write it in today's, `layer`; Caffe's upgrade_net_proto_text does",
        )
    if not net.layer:
        raise InputError("the net has no layers", path, "give a net's .prototxt")
    return net


def layers_in_training(net: Any) -> list[Any]:
    """The layers of the TRAIN phase, without stages, at level 0."""
    return [
        layer
        for layer in net.layer
        if not any(map(_met, layer.exclude))
        and (not layer.include or any(map(_met, layer.include)))
    ]


def weight_shapes(net: Any) -> dict[str, list[Dims]]:
    """Shapes of the weights of each (de)convolution, inner product and batch norm.

    Args:
        net: NetParameter.

    Returns:
        By layer name, in the net's order.

    Raises:
        InputError: a layer that Caffe could not build.
    """
    blobs: dict[str, Dims | None] = dict(_inputs(net))
    found = {}
    for layer in layers_in_training(net):
        bottoms = [blobs.get(name) for name in layer.bottom]
        try:
            weights, top = _infer(layer, bottoms)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise InputError(
                f"{layer.type} {layer.name!r} cannot work on a bottom of shape "
                f"{bottoms[0] if bottoms else None}",
                f"net {net.name!r}",
                "correct its parameters or its bottom",
            ) from error
        if weights:
            found[layer.name] = weights
        for number, name in enumerate(layer.top):
            blobs[name] = top if number == 0 or layer.type == "Split" else None
        if layer.type == "Input":
            shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
            # One shape may stand for all tops.
            blobs.update(zip(layer.top, shapes * len(layer.top), strict=False))
    return found


def _met(rule: Any) -> bool:
    """Whether the state of a training run meets a NetStateRule."""
    return (
        (not rule.HasField("phase") or rule.phase == caffe_pb2.TRAIN)
        and rule.min_level <= 0
        and (not rule.HasField("max_level") or rule.max_level >= 0)
        and not rule.stage
    )


def _inputs(net: Any) -> Iterator[tuple[str, Dims]]:
    """The inputs that an old deploy net declares outside of its layers."""
    for number, name in enumerate(net.input):
        if number < len(net.input_shape):
            yield name, tuple(net.input_shape[number].dim)
        elif net.input_dim:
            yield name, tuple(net.input_dim[4 * number : 4 * number + 4])


def _infer(
    layer: Any, bottoms: Sequence[Dims | None]
) -> tuple[list[Dims], Dims | None]:
    """Shapes of a layer's weights and of its first top."""
    first = bottoms[0] if bottoms else None
    if layer.type == "PairSetData":
        side = layer.transform_param.crop_size or None
        # A single mean is for any number of channels; several are one for each.
        means = len(layer.transform_param.mean_value)
        return [], (None, means if means > 1 else None, side, side)
    if layer.type in ELEMENTWISE:
        return [], first
    if layer.type in ("Convolution", "Deconvolution"):
        return _convolution(layer.convolution_param, first, layer.type)
    if layer.type == "InnerProduct":
        return _inner_product(layer.inner_product_param, first)
    if layer.type == "BatchNorm":
        channels = first[1] if first else None
        return [(channels,), (channels,), (1,)], first
    if layer.type == "Pooling":
        return [], _pooling(layer.pooling_param, first)
    if layer.type == "Concat":
        return [], _concat(layer.concat_param, bottoms)
    return [], None


def _convolution(
    p: Any, bottom: Dims | None, kind: str
) -> tuple[list[Dims], Dims | None]:
    """Weights (outputs, inputs of a group, kernel), and the top.

    A Deconvolution has them the other way round: (inputs, outputs of a group).
    """
    bottom = bottom or (None,) * 4
    axes = len(bottom) - 2
    kernel = _per_axis(p.kernel_size, p.kernel_h, p.kernel_w, axes, 1)
    stride = _per_axis(p.stride, p.stride_h, p.stride_w, axes, 1)
    pad = _per_axis(p.pad, p.pad_h, p.pad_w, axes, 0)
    dilation = _per_axis(p.dilation, 0, 0, axes, 1)
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    inputs, sizes = bottom[1], bottom[2:]
    bias: list[Dims] = [(p.num_output,)] if p.bias_term else []
    weights: Dims
    top: list[int | None]
    if kind == "Deconvolution":
        weights = (inputs, p.num_output // p.group, *kernel)
        top = [
            None if n is None else stride[i] * (n - 1) + extent[i] - 2 * pad[i]
            for i, n in enumerate(sizes)
        ]
    else:
        weights = (p.num_output, inputs and inputs // p.group, *kernel)
        top = [
            None if n is None else (n + 2 * pad[i] - extent[i]) // stride[i] + 1
            for i, n in enumerate(sizes)
        ]
    return [weights, *bias], (bottom[0], p.num_output, *top)


def _per_axis(
    values: Sequence[int], height: int, width: int, axes: int, usual: int
) -> list[int]:
    """A value for each axis; given for all, for each, or as height and width."""
    given = list(values) or ([height, width] if height or width else [usual])
    return given if len(given) == axes else given * axes


def _inner_product(p: Any, bottom: Dims | None) -> tuple[list[Dims], Dims | None]:
    """Weights (outputs, values of one item), and the top."""
    values = None
    if bottom is not None:
        item = bottom[p.axis :]
        values = None if None in item else prod(n for n in item if n is not None)
    weights = (values, p.num_output) if p.transpose else (p.num_output, values)
    bias: list[Dims] = [(p.num_output,)] if p.bias_term else []
    top = None if bottom is None else (*bottom[: p.axis], p.num_output)
    return [weights, *bias], top


def _pooling(p: Any, bottom: Dims | None) -> Dims | None:
    """The top; a last window that would start behind the image is dropped."""
    if bottom is None:
        return None
    if p.global_pooling:
        return (*bottom[:2], 1, 1)
    kernel = (p.kernel_h or p.kernel_size, p.kernel_w or p.kernel_size)
    stride = (p.stride_h or p.stride, p.stride_w or p.stride)
    pad = (p.pad_h or p.pad, p.pad_w or p.pad)
    top: list[int | None] = []
    for axis, size in enumerate(bottom[2:]):
        if size is None:
            top.append(None)
            continue
        room, step = size + 2 * pad[axis] - kernel[axis], stride[axis]
        windows = (-(-room // step) if p.round_mode == p.CEIL else room // step) + 1
        dropped = (windows - 1) * step >= size + pad[axis]
        top.append(windows - dropped)
    return (*bottom[:2], *top)


def _concat(p: Any, bottoms: Sequence[Dims | None]) -> Dims | None:
    """The top: the bottoms one behind the other along one axis."""
    known = [bottom for bottom in bottoms if bottom is not None]
    if len(known) < len(bottoms) or not known:
        return None
    axis = p.concat_dim if p.HasField("concat_dim") else p.axis
    sizes = [bottom[axis] for bottom in known]
    total = None if None in sizes else sum(n for n in sizes if n is not None)
    shape = list(known[0])
    shape[axis] = total
    return tuple(shape)
