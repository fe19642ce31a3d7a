"""The paper's nets that learn an embedding, their twins, and the demo's.

Three structures (Sec. 3.3 and 5.2) are written for two backbones:

- mixed_difference: Fig. 6, two branches behind a shared trunk;
- ccl: one branch, coupled clusters loss on its feature;
- triplet: one branch, triplet loss on its feature.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydrdl.messages import caffe_pb2
from pydrdl.nets import layers

Structure = Literal["mixed_difference", "ccl", "triplet"]
STRUCTURES: tuple[Structure, ...] = ("mixed_difference", "ccl", "triplet")

# Layers that a net has once for each branch, and the second branch's mark.
BRANCH = ("conv4", "conv5", "fc6", "fc7")
# Those of them that batch normalisation stands behind, in nets that have it.
NORMED = ("conv4", "conv5", "fc7")
SECOND = "_2"


def norm_of(name: str) -> str:
    """Name of the batch normalisation behind a layer, such as bn4_2 of conv4_2."""
    return name.replace("conv", "bn").replace("fc", "bn")


# What the second branch starts from, where pretrained weights have one branch:
# the statistics of batch normalisation with the weights that they are of.
SECOND_BRANCH = {name + SECOND: name for name in (*BRANCH, *map(norm_of, NORMED))}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Of a net of any build."""

    name: str  # for comments
    resize: int  # side of the LMDB's images, pixels
    crop: int  # side of the net's input, pixels
    # Batch normalisation behind every convolution and on the features, in place of LRN
    # and of pretrained weights. Without either, features of random weights point the
    # same way, and an embedding loss shrinks them to one point.
    batch_norm: bool
    # Ratio behind fc6 and fc7, or before the last classifier; 0 for none.
    dropout: float
    mean: tuple[float, float, float] = (104.0, 117.0, 123.0)  # blue, green, red
    scale: float = 1.0  # of the pixels after the mean is taken off
    mirror: bool = True  # half of the images, in training

    @property
    def transform_param(self) -> dict[str, Any]:
        """What the data layer does to an image in training."""
        return {
            "crop_size": self.crop,
            "mean_value": self.mean,
            "scale": self.scale,
            "mirror": self.mirror,
        }


@dataclass(frozen=True, kw_only=True)
class Backbone(Sizes):
    """A net of VGG_CNN_M's build."""

    # (outputs, kernel, stride, pad).
    conv1: tuple[int, int, int, int]
    conv2: tuple[int, int, int, int]
    width: int  # outputs of conv3 to conv5 (3 x 3, pad 1)
    # Outputs of the fully connected layers; fc7 is the feature's size too.
    fc6: int
    fc7: int
    # How weights start that no file gives.
    conv_filler: layers.Filler
    fc_filler: layers.Filler


VGG_CNN_M_1024 = Backbone(
    name="VGG_CNN_M_1024",
    resize=256,
    crop=224,
    conv1=(96, 7, 2, 0),
    conv2=(256, 5, 2, 1),
    width=512,
    fc6=4096,
    fc7=1024,
    batch_norm=False,
    dropout=0.5,
    # Small, as such nets were first trained: pixels of +-100 go in, and weights
    # that keep the variance would send them on to the softmax.
    conv_filler={"type": "gaussian", "std": 0.01},
    fc_filler={"type": "gaussian", "std": 0.005},
)
DEMO = Backbone(
    name="demo",
    resize=72,
    crop=64,
    conv1=(32, 5, 2, 2),
    conv2=(64, 3, 1, 1),
    width=96,
    fc6=256,
    fc7=128,
    batch_norm=True,
    dropout=0.0,
    conv_filler={"type": "msra"},
    fc_filler={"type": "xavier"},
    scale=1.0 / 64,
)


@dataclass(frozen=True)
class Training:
    """What a train_val net needs beyond its structure."""

    # Folders with a pair index.
    train_lmdb: str
    test_lmdb: str
    num_models: int  # outputs of the vehicle model classifier
    # The batch (paper: 15, 5, 5).
    sets: int = 15
    positives: int = 5
    negatives: int = 5
    margin: float = 1.0  # alpha of Eq. 3 and 6, on unit vectors
    gradient: str = "EXACT"  # mode of CoupledClustersLoss
    wide_fc8: bool = False  # the 2048 box of Fig. 6 as a layer of its own
    hard_negatives: float = 0.0  # share of negatives of the positive's model
    cache: str = "NONE"  # of PairSetData
    seed: int = 1  # of the batches
    # The embedding losses see unit vectors; without it, the features as they are.
    normalize: bool = True

    @property
    def sources(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Each phase and its LMDB."""
        return ("TRAIN", self.train_lmdb), ("TEST", self.test_lmdb)


def train_val_net(structure: Structure, backbone: Backbone, training: Training) -> Any:
    """The net that `caffe train` and `caffe test` run: NetParameter."""
    net = caffe_pb2.NetParameter(name=f"{backbone.name} {structure}")
    # A top that nobody uses would be an output, printed image by image.
    tops = ["data", "vehicle_id"]
    if structure == "mixed_difference":
        tops.append("model_id")
    for phase, source in training.sources:
        layers.pair_set_data(
            net,
            phase,
            "pair_sets",
            tops,
            backbone.transform_param,
            source=source,
            sets=training.sets,
            positives=training.positives,
            negatives=training.negatives,
            seed=training.seed,
            hard_negatives=training.hard_negatives,
            cache=training.cache,
        )
    if structure == "mixed_difference":
        upper, lower, feature = _mixed_difference(net, backbone, training.wide_fc8)
        if backbone.dropout:
            upper = layers.dropout(net, upper, "drop7", backbone.dropout)
        names, models = ("fc8_model", "model_loss"), training.num_models
        layers.classify_models(net, upper, names, models, backbone.fc_filler, 0.5)
        _embedding_loss(net, "ccl_lower", lower, training, weight=0.5)
        _embedding_loss(net, "ccl", feature, training, weight=1.0)
    else:
        feature = branch(net, trunk(net, "data", backbone), "", backbone)
        _embedding_loss(net, structure, feature, training, weight=1.0)
    return net


def deploy_net(
    structure: Structure, backbone: Backbone, *, wide_fc8: bool = False
) -> Any:
    """The net that turns images into features, unit vectors: NetParameter."""
    net = caffe_pb2.NetParameter(name=f"{backbone.name} {structure}")
    data = layers.image_input(net, backbone.crop)
    if structure == "mixed_difference":
        _, _, feature = _mixed_difference(net, backbone, wide_fc8)
    else:
        feature = branch(net, trunk(net, data, backbone), "", backbone)
    layers.add(net, "L2Normalize", "feature", feature)
    return net


def _convolution(
    net: Any, bottom: str, name: str, shape: tuple[int, int, int, int], b: Backbone
) -> str:
    """A convolution and its ReLU, called relu<rest of the name>."""
    top = layers.convolution(net, bottom, name, shape, b.conv_filler)
    if b.batch_norm:
        layers.batch_norm(net, top, norm_of(name))
    return layers.relu(net, top, name.replace("conv", "relu"))


def trunk(net: Any, bottom: str, backbone: Backbone) -> str:
    """What both branches of Fig. 6 share: conv1 to conv3."""
    for number, shape in (("1", backbone.conv1), ("2", backbone.conv2)):
        bottom = _convolution(net, bottom, "conv" + number, shape, backbone)
        if not backbone.batch_norm:
            norm = "norm" + number
            bottom = layers.local_response_norm(net, bottom, norm, alpha=5e-4, k=2.0)
        bottom = layers.pool(net, bottom, "pool" + number)
    return _convolution(net, bottom, "conv3", (backbone.width, 3, 1, 1), backbone)


def branch(net: Any, bottom: str, suffix: str, backbone: Backbone) -> str:
    """conv4 to fc7, named with a suffix; fc7 stays linear."""
    conv4, conv5, fc6, fc7 = (name + suffix for name in BRANCH)
    for name in (conv4, conv5):
        shape = (backbone.width, 3, 1, 1)
        bottom = _convolution(net, bottom, name, shape, backbone)
    bottom = layers.pool(net, bottom, "pool5" + suffix)
    bottom = layers.inner_product(net, bottom, fc6, backbone.fc6, backbone.fc_filler)
    layers.relu(net, bottom, "relu6" + suffix)
    if backbone.dropout:
        bottom = layers.dropout(net, bottom, "drop6" + suffix, backbone.dropout)
    return _feature(net, bottom, fc7, backbone)


def _feature(net: Any, bottom: str, name: str, backbone: Backbone) -> str:
    """A linear layer whose output is, or leads to, an embedding."""
    top = layers.inner_product(net, bottom, name, backbone.fc7, backbone.fc_filler)
    if backbone.batch_norm:
        layers.batch_norm(net, top, norm_of(name))
    return top


def _mixed_difference(
    net: Any, backbone: Backbone, wide_fc8: bool
) -> tuple[str, str, str]:
    """Fig. 6: returns the model branch's, the lower branch's and the last feature."""
    shared = trunk(net, "data", backbone)
    upper = layers.relu(net, branch(net, shared, "", backbone), "relu7")
    lower = branch(net, shared, SECOND, backbone)
    both = layers.add(net, "Concat", "mixed", [upper, lower])
    if wide_fc8:
        both = layers.inner_product(
            net, both, "fc8_wide", 2 * backbone.fc7, backbone.fc_filler
        )
        layers.relu(net, both, "relu8_wide")
    # Not "fc8": the pretrained net has a layer of that name and another shape.
    return upper, lower, _feature(net, both, "fc8_mixed", backbone)


def _embedding_loss(
    net: Any, name: str, feature: str, training: Training, *, weight: float
) -> None:
    """A loss on the unit sphere, with tops that show a collapse in the log."""
    if training.normalize:
        feature = layers.add(net, "L2Normalize", name + "_unit", feature)
    param: dict[str, Any] = {
        "positives": training.positives,
        "negatives": training.negatives,
        "margin": training.margin,
    }
    if name == "triplet":
        kind, field = "TripletLoss", "triplet_loss_param"
        param["sampling"] = "RANDOM"
    else:
        kind, field = "CoupledClustersLoss", "coupled_clusters_loss_param"
        param["gradient"] = training.gradient
    layers.add(
        net,
        kind,
        name + "_loss",
        [feature, "vehicle_id"],
        [name + "_loss", name + "_active", name + "_d_pos", name + "_d_neg"],
        loss_weight=[weight, 0, 0, 0],
        **{field: param},
    )


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the paper's by default (Sec. 3.4)."""

    max_iter: int = 64000
    base_lr: float = 0.01
    gamma: float = 0.7
    stepsize: int = 8000
    display: int = 20
    snapshot: int = 8000
    test_interval: int = 0
    test_iter: int = 0
    seed: int = 1


def solver(net: str, snapshot_prefix: str, schedule: Schedule) -> Any:
    """SGD as in Sec. 3.4: momentum 0.9, weight decay 2e-4, step policy."""
    s = schedule
    tests = {"test_interval": s.test_interval, "test_iter": [s.test_iter]}
    return caffe_pb2.SolverParameter(
        net=net,
        base_lr=s.base_lr,
        lr_policy="step",
        gamma=s.gamma,
        stepsize=s.stepsize,
        momentum=0.9,
        weight_decay=2e-4,
        display=s.display,
        max_iter=s.max_iter,
        snapshot=s.snapshot,
        snapshot_prefix=snapshot_prefix,
        random_seed=s.seed,
        solver_mode="CPU",
        **(tests | {"test_initialization": False} if s.test_interval else {}),
    )
