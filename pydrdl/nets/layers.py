"""The layers that the nets are made of, as LayerParameter messages.

Every function appends one layer (with its activation where it has one) to a
net and returns the name of its top, so that a net reads as nested calls do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

# Caffe's habit: biases learn twice as fast and do not decay.
LEARNED = ({"lr_mult": 1.0, "decay_mult": 1.0}, {"lr_mult": 2.0, "decay_mult": 0.0})

# A FillerParameter's fields: how weights start; biases start at 0 without one.
Filler = Mapping[str, Any]


def add(
    net: Any,
    kind: str,
    name: str,
    bottoms: Sequence[str],
    tops: Sequence[str],
    **more: Any,
) -> str:
    """Appends one layer; returns its first top.

    Args:
        net: the caffe_pb2.NetParameter to extend.
        kind: the layer type.
        name: the layer name.
        bottoms: names of its bottoms.
        tops: names of its tops.
        more: fields of LayerParameter; messages are given as dictionaries.
    """
    net.layer.add(name=name, type=kind, bottom=bottoms, top=tops, **more)
    return tops[0]


def convolution(
    net: Any,
    bottom: str,
    name: str,
    shape: tuple[int, int, int, int],
    filler: Filler,
    bias: Filler | None = None,
) -> str:
    """A convolution; its shape is (outputs, kernel, stride, pad)."""
    outputs, kernel, stride, pad = shape
    return add(
        net,
        "Convolution",
        name,
        [bottom],
        [name],
        param=LEARNED,
        convolution_param={
            "num_output": outputs,
            "kernel_size": [kernel],
            "stride": [stride],
            "pad": [pad],
            "weight_filler": filler,
            "bias_filler": bias,
        },
    )


def relu(net: Any, blob: str, name: str) -> str:
    """ReLU in place."""
    return add(net, "ReLU", name, [blob], [blob])


def inner_product(
    net: Any,
    bottom: str,
    name: str,
    outputs: int,
    filler: Filler,
    bias: Filler | None = None,
) -> str:
    """A fully connected layer."""
    return add(
        net,
        "InnerProduct",
        name,
        [bottom],
        [name],
        param=LEARNED,
        inner_product_param={
            "num_output": outputs,
            "weight_filler": filler,
            "bias_filler": bias,
        },
    )


def max_pool(net: Any, bottom: str, name: str) -> str:
    """Max pooling, 3 x 3 at stride 2."""
    return add(
        net,
        "Pooling",
        name,
        [bottom],
        [name],
        pooling_param={"pool": "MAX", "kernel_size": 3, "stride": 2},
    )


def local_response_norm(net: Any, bottom: str, name: str) -> str:
    """Local response normalisation with VGG_CNN_M's constants."""
    return add(
        net,
        "LRN",
        name,
        [bottom],
        [name],
        lrn_param={"local_size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0},
    )


def batch_norm(net: Any, blob: str, name: str) -> str:
    """Batch normalisation in place, without a learned scale.

    The statistics forget half of a batch in 14 iterations: the default of 700
    is more than a short run has.
    """
    return add(
        net,
        "BatchNorm",
        name,
        [blob],
        [blob],
        batch_norm_param={"moving_average_fraction": 0.95},
    )


def dropout(net: Any, bottom: str, name: str, ratio: float) -> str:
    """Dropout into a blob of its own, so that others see the blob before it."""
    return add(
        net, "Dropout", name, [bottom], [name], dropout_param={"dropout_ratio": ratio}
    )
