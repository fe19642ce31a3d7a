"""The baselines' nets: vehicle model classifiers, trained by softmax (Fig. 10).

- vgg_softmax: VGG_CNN_M, feature fc7;
- googlenet_softmax: GoogLeNet, feature pool5/7x7_s1, with its auxiliary
  classifiers while it trains.

Their features, as they are, feed Joint Bayesian and SVM.
"""

from typing import Any, Literal

from pydrdl.messages import caffe_pb2
from pydrdl.nets import googlenet, layers, structures
from pydrdl.nets.googlenet import GoogLeNet
from pydrdl.nets.structures import POSITION_FIXED, Backbone, Training

Baseline = Literal["vgg_softmax", "googlenet_softmax"]
BASELINES: tuple[Baseline, ...] = ("vgg_softmax", "googlenet_softmax")

AUXILIARY_WEIGHT = 0.3  # as published


def train_val_net(spec: Backbone | GoogLeNet, training: Training) -> Any:
    """The net that `caffe train` and `caffe test` run: NetParameter.

    The classifiers' names are not the published ones, which have ImageNet's
    1000 outputs.
    """
    net = caffe_pb2.NetParameter(name=f"{spec.name} softmax")
    for phase in ("TRAIN", "TEST"):
        _images(net, phase, spec, training)
    # A top that nobody uses would be an output, printed image by image.
    net.layer.add(name="silence", type="Silence", bottom=["vehicle_id"])
    if isinstance(spec, GoogLeNet):
        feature, auxiliary = googlenet.trunk(net, "data", spec)
        for number, blob in enumerate(auxiliary, start=1):
            loss = f"loss{number}"
            top = googlenet.auxiliary_branch(net, blob, loss, spec)
            _classify(net, top, f"{loss}/classifier_model", f"{loss}/loss", training,
                      filler=googlenet.XAVIER, weight=AUXILIARY_WEIGHT)  # fmt: skip
        drop, name, filler = (
            "pool5/drop_7x7_s1",
            "loss3/classifier_model",
            googlenet.XAVIER,
        )
    else:
        feature = _vgg_feature(net, spec)
        drop, name, filler = "drop7", "fc8_model", spec.fc_filler
    if spec.dropout:
        feature = layers.dropout(net, feature, drop, spec.dropout)
    _classify(net, feature, name, "model_loss", training, filler=filler, weight=1.0)
    layers.add(
        net,
        "Accuracy",
        "accuracy",
        [name, "model_id"],
        ["accuracy"],
        include=[{"phase": "TEST"}],
        accuracy_param={"ignore_label": -1},
    )
    return net


def deploy_net(spec: Backbone | GoogLeNet) -> Any:
    """The net that turns images into features, as they are: NetParameter."""
    net = caffe_pb2.NetParameter(name=f"{spec.name} softmax")
    shape = {"dim": [1, 3, spec.crop, spec.crop]}
    layers.add(net, "Input", "data", [], ["data"], input_param={"shape": [shape]})
    if isinstance(spec, GoogLeNet):
        googlenet.trunk(net, "data", spec)
    else:
        _vgg_feature(net, spec)
    return net


def _vgg_feature(net: Any, spec: Backbone) -> str:
    """fc7 behind its ReLU."""
    feature = structures.branch(net, structures.trunk(net, "data", spec), "", spec)
    return layers.relu(net, feature, "relu7")


def _images(
    net: Any, phase: str, spec: Backbone | GoogLeNet, training: Training
) -> None:
    """As many images a batch as the other nets have, all of distinct vehicles.

    Sets of one image: every vehicle once an epoch, in random order, each time
    with a random image. (Caffe's Data layer would read an LMDB as it is sorted,
    vehicle by vehicle.) Images without a label do not count in the losses.
    """
    train = phase == "TRAIN"
    images = training.sets * (training.positives + training.negatives)
    layers.add(
        net,
        "PairSetData",
        "images" if train else "test_images",
        [],
        ["data", "vehicle_id", "model_id"],
        include=[{"phase": phase}],
        param=POSITION_FIXED,
        transform_param={
            "crop_size": spec.crop,
            "mirror": train,
            "mean_value": spec.mean,
            "scale": spec.scale,
        },
        pair_set_data_param={
            "source": training.train_lmdb if train else training.test_lmdb,
            "sets": images,
            "positives": 1,
            "negatives": 0,
            "seed": training.seed,
            "cache": training.cache,
        },
    )


def _classify(
    net: Any,
    feature: str,
    name: str,
    loss: str,
    training: Training,
    *,
    filler: layers.Filler,
    weight: float,
) -> None:
    """A classifier of vehicle models and its loss."""
    scores = layers.inner_product(net, feature, name, training.num_models, filler)
    layers.add(
        net,
        "SoftmaxWithLoss",
        loss,
        [scores, "model_id"],
        [loss],
        loss_weight=[weight],
        loss_param={"ignore_label": -1},
    )
