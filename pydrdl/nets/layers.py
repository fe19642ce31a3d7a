"""The layers that the nets are made of, as LayerParameter messages.

Every function appends one layer to a net and returns the name of its top, so that a
net reads as nested calls do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

# Caffe's habit: biases learn twice as fast and do not decay.
LEARNED = (
    {"lr_mult": 1.0, "decay_mult": 1.0},
    {"lr_mult": 2.0, "decay_mult": 0.0},
)
FIXED = ({"lr_mult": 0.0, "decay_mult": 0.0},)

# A FillerParameter's fields: how weights start; biases start at 0 without one.
Filler = Mapping[str, Any]
Names = str | Sequence[str]


def add(
    net: Any,
    kind: str,
    name: str,
    bottoms: Names = (),
    tops: Names | None = None,
    **more: Any,
) -> str:
    """Appends one layer to a caffe_pb2.NetParameter; returns its first top.

    No tops: one, called as the layer. more are fields of LayerParameter, of which
    messages are given as dictionaries.
    """
    below = [bottoms] if isinstance(bottoms, str) else bottoms
    above = [name] if tops is None else [tops] if isinstance(tops, str) else tops
    net.layer.add(name=name, type=kind, bottom=below, top=above, **more)
    return above[0]


def image_input(net: Any, side: int) -> str:
    """The input of a deploy net: one image."""
    shape = {"dim": [1, 3, side, side]}
    return add(net, "Input", "data", input_param={"shape": [shape]})


def pair_set_data(
    net: Any,
    phase: str,
    name: str,
    tops: Sequence[str],
    transform: Mapping[str, Any],
    **param: Any,
) -> str:
    """Batches of one phase; the test's name differs, and nothing is mirrored there."""
    train = phase == "TRAIN"
    return add(
        net,
        "PairSetData",
        name if train else f"test_{name}",
        tops=tops,
        include=[{"phase": phase}],
        param=FIXED,
        transform_param={**transform, "mirror": train and transform["mirror"]},
        pair_set_data_param=param,
    )


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
    param = {
        "num_output": outputs,
        "kernel_size": [kernel],
        "stride": [stride],
        "pad": [pad],
        "weight_filler": filler,
        "bias_filler": bias,
    }
    return add(net, "Convolution", name, bottom, param=LEARNED, convolution_param=param)


def relu(net: Any, blob: str, name: str) -> str:
    """ReLU in place."""
    return add(net, "ReLU", name, blob, blob)


def inner_product(
    net: Any,
    bottom: str,
    name: str,
    outputs: int,
    filler: Filler,
    bias: Filler | None = None,
) -> str:
    """A fully connected layer."""
    param = {"num_output": outputs, "weight_filler": filler, "bias_filler": bias}
    return add(
        net, "InnerProduct", name, bottom, param=LEARNED, inner_product_param=param
    )


def pool(net: Any, bottom: str, name: str, **param: Any) -> str:
    """Pooling; max pooling, 3 x 3 at stride 2, where nothing else is said."""
    usual = {"pool": "MAX", "kernel_size": 3, "stride": 2}
    return add(net, "Pooling", name, bottom, pooling_param=param or usual)


def local_response_norm(net: Any, bottom: str, name: str, **constants: Any) -> str:
    """Local response normalisation over 5 channels, beta 0.75."""
    param = {"local_size": 5, "beta": 0.75} | constants
    return add(net, "LRN", name, bottom, lrn_param=param)


def batch_norm(net: Any, blob: str, name: str) -> str:
    """Batch normalisation in place, without a learned scale.

    The statistics forget half of a batch in 14 iterations: the default of 700
    is more than a short run has.
    """
    param = {"moving_average_fraction": 0.95}
    return add(net, "BatchNorm", name, blob, blob, batch_norm_param=param)


def dropout(net: Any, bottom: str, name: str, ratio: float) -> str:
    """Dropout into a blob of its own, so that others see the blob before it."""
    param = {"dropout_ratio": ratio}
    return add(net, "Dropout", name, bottom, dropout_param=param)


def classify_models(
    net: Any,
    feature: str,
    names: tuple[str, str],
    models: int,
    filler: Filler,
    weight: float,
) -> str:
    """A classifier of vehicle models and its loss; unlabelled images do not count."""
    name, loss = names
    scores = inner_product(net, feature, name, models, filler)
    param = {"ignore_label": -1}
    bottoms = [scores, "model_id"]
    return add(
        net, "SoftmaxWithLoss", loss, bottoms, loss_weight=[weight], loss_param=param
    )
