"""Nets that learn vehicle models by softmax (Fig. 10), for the paper's baselines.

- vgg_softmax: VGG_CNN_M, feature fc7;
- googlenet_softmax: GoogLeNet (Szegedy et al., CVPR 2015) as BVLC published it, or a
  small twin, feature pool5/7x7_s1, with its auxiliary classifiers while it trains.

Their features, as they are, feed Joint Bayesian and SVM. GoogLeNet's layers bear the
names of BVLC's bvlc_googlenet, so that its weights load by name; the classifiers do
not, since ImageNet's have 1000 outputs.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydrdl.messages import caffe_pb2
from pydrdl.nets import layers, structures
from pydrdl.nets.structures import Backbone, Sizes, Training

Baseline = Literal["vgg_softmax", "googlenet_softmax"]
BASELINES: tuple[Baseline, ...] = ("vgg_softmax", "googlenet_softmax")

FEATURE = "pool5/7x7_s1"
BIAS: layers.Filler = {"type": "constant", "value": 0.2}
XAVIER: layers.Filler = {"type": "xavier"}
AUXILIARY_WEIGHT = 0.3  # as published


@dataclass(frozen=True)
class Inception:
    """Outputs of one inception module's convolutions (Table 1's columns)."""

    name: str  # such as "3a"
    one: int  # of the 1 x 1 convolution
    # Of the 1 x 1 before, and of the 3 x 3 convolution.
    reduce3: int
    three: int
    # The same of the 5 x 5 convolution.
    reduce5: int
    five: int
    pool: int  # of the 1 x 1 convolution behind the pooling


@dataclass(frozen=True, kw_only=True)
class GoogLeNet(Sizes):
    """A net of GoogLeNet's build."""

    conv1: int  # outputs of the first convolution, 7 x 7 at stride 2
    # Outputs of the second one's 1 x 1 and 3 x 3.
    reduce2: int
    conv2: int
    # Inception modules, with max pooling between the stages.
    stages: tuple[tuple[Inception, ...], ...]
    # Modules behind which another classifier sits in training.
    auxiliary: tuple[str, ...]
    auxiliary_fc: int  # outputs of its fully connected layer


GOOGLENET = GoogLeNet(
    name="GoogLeNet",
    resize=256,
    crop=224,
    conv1=64,
    reduce2=64,
    conv2=192,
    stages=(
        (
            Inception("3a", 64, 96, 128, 16, 32, 32),
            Inception("3b", 128, 128, 192, 32, 96, 64),
        ),
        (
            Inception("4a", 192, 96, 208, 16, 48, 64),
            Inception("4b", 160, 112, 224, 24, 64, 64),
            Inception("4c", 128, 128, 256, 24, 64, 64),
            Inception("4d", 112, 144, 288, 32, 64, 64),
            Inception("4e", 256, 160, 320, 32, 128, 128),
        ),
        (
            Inception("5a", 256, 160, 320, 32, 128, 128),
            Inception("5b", 384, 192, 384, 48, 128, 128),
        ),
    ),
    auxiliary=("4a", "4d"),
    auxiliary_fc=1024,
    batch_norm=False,
    dropout=0.4,
)
DEMO_GOOGLENET = GoogLeNet(
    name="demo GoogLeNet",
    resize=72,
    crop=64,
    conv1=32,
    reduce2=32,
    conv2=64,
    stages=(
        (Inception("3a", 16, 24, 32, 8, 16, 16),),
        (Inception("4a", 32, 32, 64, 8, 16, 16),),
    ),
    auxiliary=(),
    auxiliary_fc=0,
    batch_norm=True,
    dropout=0.0,
    scale=1.0 / 64,
)


def train_val_net(spec: Backbone | GoogLeNet, training: Training) -> Any:
    """The net that `caffe train` and `caffe test` run: NetParameter."""
    net = caffe_pb2.NetParameter(name=f"{spec.name} softmax")
    for phase, source in training.sources:
        # As many images a batch as the other nets have. Sets of one image: every
        # vehicle once an epoch, in random order, each time with a random image.
        # (Caffe's Data layer would read an LMDB as it is sorted.)
        layers.pair_set_data(
            net,
            phase,
            "images",
            ["data", "vehicle_id", "model_id"],
            spec.transform_param,
            source=source,
            sets=training.sets * (training.positives + training.negatives),
            positives=1,
            negatives=0,
            seed=training.seed,
            cache=training.cache,
        )
    models = training.num_models
    # A top that nobody uses would be an output, printed image by image.
    net.layer.add(name="silence", type="Silence", bottom=["vehicle_id"])
    if isinstance(spec, GoogLeNet):
        feature, auxiliary = trunk(net, "data", spec)
        for number, blob in enumerate(auxiliary, start=1):
            loss = f"loss{number}"
            top = _auxiliary_branch(net, blob, loss, spec)
            names = (f"{loss}/classifier_model", f"{loss}/loss")
            layers.classify_models(net, top, names, models, XAVIER, AUXILIARY_WEIGHT)
        drop, name, filler = "pool5/drop_7x7_s1", "loss3/classifier_model", XAVIER
    else:
        feature = _vgg_feature(net, spec)
        drop, name, filler = "drop7", "fc8_model", spec.fc_filler
    if spec.dropout:
        feature = layers.dropout(net, feature, drop, spec.dropout)
    layers.classify_models(net, feature, (name, "model_loss"), models, filler, 1.0)
    layers.add(
        net,
        "Accuracy",
        "accuracy",
        [name, "model_id"],
        include=[{"phase": "TEST"}],
        accuracy_param={"ignore_label": -1},
    )
    return net


def deploy_net(spec: Backbone | GoogLeNet) -> Any:
    """The net that turns images into features, as they are: NetParameter."""
    net = caffe_pb2.NetParameter(name=f"{spec.name} softmax")
    data = layers.image_input(net, spec.crop)
    if isinstance(spec, GoogLeNet):
        trunk(net, data, spec)
    else:
        _vgg_feature(net, spec)
    return net


def trunk(net: Any, bottom: str, spec: GoogLeNet) -> tuple[str, list[str]]:
    """Everything up to the average pooling, whose output is the feature.

    Returns:
        The feature, and the blobs that auxiliary classifiers sit on.
    """
    top = _convolution(net, bottom, "conv1", "7x7_s2", (spec.conv1, 7, 2, 3), spec)
    top = layers.pool(net, top, "pool1/3x3_s2")
    top = _norm(net, top, "pool1/norm1", spec)
    top = _convolution(net, top, "conv2", "3x3_reduce", (spec.reduce2, 1, 1, 0), spec)
    top = _convolution(net, top, "conv2", "3x3", (spec.conv2, 3, 1, 1), spec)
    top = _norm(net, top, "conv2/norm2", spec)
    top = layers.pool(net, top, "pool2/3x3_s2")
    auxiliary = []
    for number, stage in enumerate(spec.stages):
        if number:
            top = layers.pool(net, top, f"pool{number + 2}/3x3_s2")
        for module in stage:
            top = _inception(net, top, module, spec)
            if module.name in spec.auxiliary:
                auxiliary.append(top)
    # All that is left, which is 7 x 7 at the published size.
    return layers.pool(net, top, FEATURE, pool="AVE", global_pooling=True), auxiliary


def _auxiliary_branch(net: Any, bottom: str, loss: str, spec: GoogLeNet) -> str:
    """What stands before an auxiliary classifier; loss is "loss1" or "loss2"."""
    name = f"{loss}/ave_pool"
    top = layers.pool(net, bottom, name, pool="AVE", kernel_size=5, stride=3)
    top = _convolution(net, top, loss, "conv", (128, 1, 1, 0), spec)
    fc = f"{loss}/fc"
    top = layers.inner_product(net, top, fc, spec.auxiliary_fc, XAVIER, bias=BIAS)
    layers.relu(net, top, f"{loss}/relu_fc")
    return layers.dropout(net, top, f"{loss}/drop_fc", 0.7)


def _inception(net: Any, bottom: str, module: Inception, spec: GoogLeNet) -> str:
    """Four branches side by side, joined along the channels."""
    group = f"inception_{module.name}"

    def convolution(bottom: str, name: str, outputs: int, side: int) -> str:
        shape = (outputs, side, 1, side // 2)
        return _convolution(net, bottom, group, name, shape, spec)

    one = convolution(bottom, "1x1", module.one, 1)
    three = convolution(bottom, "3x3_reduce", module.reduce3, 1)
    three = convolution(three, "3x3", module.three, 3)
    five = convolution(bottom, "5x5_reduce", module.reduce5, 1)
    five = convolution(five, "5x5", module.five, 5)
    window = {"pool": "MAX", "kernel_size": 3, "stride": 1, "pad": 1}
    pool = layers.pool(net, bottom, f"{group}/pool", **window)
    pool = convolution(pool, "pool_proj", module.pool, 1)
    return layers.add(net, "Concat", f"{group}/output", [one, three, five, pool])


def _convolution(
    net: Any,
    bottom: str,
    group: str,
    name: str,
    shape: tuple[int, int, int, int],
    spec: GoogLeNet,
) -> str:
    """<group>/<name> and its ReLU, <group>/relu_<name>."""
    top = layers.convolution(net, bottom, f"{group}/{name}", shape, XAVIER, bias=BIAS)
    if spec.batch_norm:
        layers.batch_norm(net, top, f"{group}/bn_{name}")
    # conv1's is called after its kernel alone.
    return layers.relu(net, top, f"{group}/relu_{name.removesuffix('_s2')}")


def _norm(net: Any, bottom: str, name: str, spec: GoogLeNet) -> str:
    """Local response normalisation, k = 1; none with batch normalisation."""
    if spec.batch_norm:
        return bottom
    return layers.local_response_norm(net, bottom, name, alpha=1e-4)


def _vgg_feature(net: Any, spec: Backbone) -> str:
    """fc7 and its ReLU."""
    feature = structures.branch(net, structures.trunk(net, "data", spec), "", spec)
    return layers.relu(net, feature, "relu7")
