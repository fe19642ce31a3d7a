"""The baselines' nets: against the published ones, OpenCV, and a short training."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT, run_caffe
from google.protobuf import text_format
from helpers import caffe, make_fleet, read_net

from pydrdl import messages
from pydrdl.logs import reader
from pydrdl.nets import prototxt, softmax, structures

FULL = ("vgg_softmax", "googlenet_softmax")
DEMOS = tuple(f"demo/{name}" for name in FULL)
FEATURES = {"vgg_softmax": "fc7", "googlenet_softmax": "pool5/7x7_s1"}
# Szegedy et al. (CVPR 2015), Table 1: outputs of 224 x 224 pixels.
SIZES = {
    "conv1/7x7_s2": (64, 112, 112), "pool1/3x3_s2": (64, 56, 56),
    "conv2/3x3": (192, 56, 56), "pool2/3x3_s2": (192, 28, 28),
    "inception_3a/output": (256, 28, 28), "inception_3b/output": (480, 28, 28),
    "pool3/3x3_s2": (480, 14, 14), "inception_4a/output": (512, 14, 14),
    "inception_4b/output": (512, 14, 14), "inception_4c/output": (512, 14, 14),
    "inception_4d/output": (528, 14, 14), "inception_4e/output": (832, 14, 14),
    "pool4/3x3_s2": (832, 7, 7), "inception_5a/output": (832, 7, 7),
    "inception_5b/output": (1024, 7, 7), "pool5/7x7_s1": (1024, 1, 1),
}  # fmt: skip
BRANCHES = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
VEHICLES = {number: (2, number % 3) for number in range(12)}
Specification = structures.Backbone | softmax.GoogLeNet
SPECS: dict[str, Specification] = {
    "vgg_softmax": structures.VGG_CNN_M_1024,
    "googlenet_softmax": softmax.GOOGLENET,
}
IMAGENET = structures.Training("", "", num_models=1000)


def train_val(folder: str) -> "messages.caffe_pb2.NetParameter":
    return read_net(ROOT / f"prototxt/{folder}/train_val.prototxt")


def deploy(folder: str) -> "messages.caffe_pb2.NetParameter":
    return read_net(ROOT / f"prototxt/{folder}/deploy.prototxt")


def open_net(
    message: "messages.caffe_pb2.NetParameter", folder: Path, phase: int
) -> "caffe.Net":
    path = folder / "net.prototxt"
    path.write_text(text_format.MessageToString(message))
    return caffe.Net(str(path), phase)


@pytest.fixture(scope="module", params=FULL)
def published(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, "caffe.Net"]]:
    """Each training net with ImageNet's 1000 classes, fed by inputs."""
    caffe.set_random_seed(1)
    message = softmax.train_val_net(SPECS[request.param], IMAGENET)
    while message.layer[0].type in ("PairSetData", "Silence"):
        del message.layer[0]
    data = message.layer.add(name="data", type="Input", top=["data", "model_id"])
    data.input_param.shape.add(dim=[1, 3, 224, 224])
    data.input_param.shape.add(dim=[1])
    rest = [*message.layer]
    del message.layer[:]
    message.layer.extend([rest[-1], *rest[:-1]])
    net = open_net(message, tmp_path_factory.mktemp("net"), caffe.TRAIN)
    yield request.param, net
    del net
    gc.collect()


def parameters(net: "caffe.Net") -> dict[str, int]:
    return {n: sum(b.data.size for b in blobs) for n, blobs in net.params.items()}


def macs(net: "caffe.Net", until: str) -> int:
    """Multiply-adds of one image, of the layers before a blob."""
    total = 0
    for name in list(net._layer_names)[: list(net._layer_names).index(until)]:
        if name in net.params:
            _, *spatial = net.blobs[name].data.shape[1:]
            total += net.params[name][0].data.size * int(np.prod(spatial))
    return total


def test_as_many_parameters_as_were_published(
    published: tuple[str, "caffe.Net"],
) -> None:
    name, net = published
    counts = parameters(net)
    if name == "vgg_softmax":
        assert sum(counts.values()) == 87_250_536
        return
    auxiliary = {n: c for n, c in counts.items() if n.startswith(("loss1", "loss2"))}
    # BVLC's caffemodel without its auxiliary classifiers has 6,998,552.
    assert sum(counts.values()) - sum(auxiliary.values()) == 6_998_552
    for loss, channels in (("loss1", 512), ("loss2", 528)):
        assert auxiliary[f"{loss}/conv"] == 128 * channels + 128
        assert auxiliary[f"{loss}/fc"] == 4 * 4 * 128 * 1024 + 1024
    # "a computational budget of 1.5 billion multiply-adds" (Sec. 1)
    assert 1.5e9 < macs(net, "pool5/7x7_s1") < 1.6e9


def test_table_1_of_googlenet(published: tuple[str, "caffe.Net"]) -> None:
    name, net = published
    if name != "googlenet_softmax":
        return
    for blob, shape in SIZES.items():
        assert net.blobs[blob].data.shape == (1, *shape), blob


def test_an_untrained_classifier_knows_nothing(
    published: tuple[str, "caffe.Net"],
) -> None:
    name, net = published
    rng = np.random.default_rng(0)
    net.blobs["data"].data[...] = rng.normal(0, 1, (1, 3, 224, 224))
    net.blobs["model_id"].data[...] = 7
    losses = net.forward()
    auxiliary = {"loss1/loss", "loss2/loss"} if name == "googlenet_softmax" else set()
    assert set(losses) == {"model_loss"} | auxiliary
    for loss in losses.values():
        # Dropout of 0.7 more than triples what is left of auxiliary features.
        assert np.isclose(loss, np.log(1000), atol=2)
    assert np.isclose(losses["model_loss"], np.log(1000), atol=0.5)
    net.blobs["model_id"].data[...] = -1
    assert all(loss == 0 for loss in net.forward().values())


def upstream() -> "messages.caffe_pb2.NetParameter":
    for preset in ("cpu", "cuda"):
        source = ROOT / "build" / preset / "caffe-source"
        path = source / "models/bvlc_googlenet/train_val.prototxt"
        if path.is_file():
            return read_net(path)
    pytest.skip("no Caffe source in build/: tools/setup.sh makes it")


def test_googlenet_is_bvlcs_layer_by_layer() -> None:
    """All but the images, the classifiers, and in-place dropout."""
    theirs = {n.name: n for n in upstream().layer if n.type != "Accuracy"}
    ours = {n.name.removesuffix("_model"): n for n in train_val(FULL[1]).layer}
    for name in ("data", "loss3/loss3"):
        del theirs[name]
    same = set(theirs) - {"loss1/classifier", "loss2/classifier", "loss3/classifier"}
    assert set(ours) == set(theirs) | {
        "images", "test_images", "silence", "accuracy",
    } | {"model_loss"}  # fmt: skip
    for name in sorted(same):
        a, b = theirs[name], ours[name]
        assert a.type == b.type, name
        if a.type in ("Dropout", "SoftmaxWithLoss"):
            continue
        assert [x.replace("/drop_fc", "/fc") for x in b.bottom] == [*a.bottom], name
        assert [*a.top] == [*b.top], name
        for field in ("convolution_param", "inner_product_param", "pooling_param",
                      "lrn_param"):  # fmt: skip
            assert settings(a, field) == settings(b, field), (name, field)
        assert [(p.lr_mult, p.decay_mult) for p in a.param] == [
            (p.lr_mult, p.decay_mult) for p in b.param
        ]
    dropout = {n: m.dropout_param.dropout_ratio for n, m in theirs.items()
               if m.type == "Dropout"}  # fmt: skip
    assert dropout == {n: ours[n].dropout_param.dropout_ratio for n in dropout}
    weights = {n: [*m.loss_weight] for n, m in theirs.items() if m.loss_weight}
    assert weights == {n: [*ours[n].loss_weight] for n in weights}


def settings(layer: "messages.caffe_pb2.LayerParameter", field: str) -> object:
    """A layer's parameters with every default filled in."""
    message = getattr(layer, field)
    values = {f.name: getattr(message, f.name) for f in message.DESCRIPTOR.fields}
    for name in ("kernel_size", "stride", "pad"):
        if field == "convolution_param":
            default = 0 if name == "pad" else 1
            values[name] = [*values[name]] or [default]
    for name in ("weight_filler", "bias_filler"):
        if name in values:
            values[name] = (values[name].type, values[name].value)
    # BVLC's last pooling, 7 x 7 of 7 x 7, is ours over everything.
    if layer.name == "pool5/7x7_s1":
        values = {n: values[n] for n in values if n in ("pool", "pad", "num_output")}
    return {n: str(v) for n, v in values.items()}


def test_pretrained_weights_find_their_layers() -> None:
    names = {n.name for n in train_val("googlenet_softmax").layer}
    modules = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    expected = {f"inception_{m}/{b}" for m in modules for b in BRANCHES}
    expected |= {"conv1/7x7_s2", "conv2/3x3_reduce", "conv2/3x3"}
    expected |= {f"loss{k}/{n}" for k in (1, 2) for n in ("conv", "fc")}
    learned = {n.name for n in train_val("googlenet_softmax").layer
               if n.type in ("Convolution", "InnerProduct")}  # fmt: skip
    own = {f"loss{k}/classifier_model" for k in (1, 2, 3)}
    assert learned == expected | own
    # Of those names ImageNet's classifiers have another shape.
    assert not names & {"loss1/classifier", "loss2/classifier", "loss3/classifier"}
    vgg = [n.name for n in train_val("vgg_softmax").layer
           if n.type in ("Convolution", "InnerProduct")]  # fmt: skip
    assert vgg == [*(f"conv{k}" for k in range(1, 6)), "fc6", "fc7", "fc8_model"]


@pytest.mark.parametrize("folder", (*FULL, *DEMOS))
def test_deploy_is_a_part_of_what_is_trained(folder: str) -> None:
    trained = {n.SerializeToString() for n in train_val(folder).layer}
    layers = deploy(folder).layer
    assert layers[0].type == "Input"
    for layer in layers[1:]:
        assert layer.SerializeToString() in trained, layer.name
    assert layers[-1].top[0] == FEATURES[Path(folder).name]


@pytest.mark.parametrize("folder", (*FULL, *DEMOS))
def test_batches_and_losses(folder: str) -> None:
    net = train_val(folder)
    sources = [n for n in net.layer if n.type == "PairSetData"]
    assert [n.include[0].phase for n in sources] == [caffe.TRAIN, caffe.TEST]
    for source in sources:
        batch = source.pair_set_data_param
        # As many images as the paper's batch (Sec. 3.4), all of distinct vehicles.
        assert (batch.sets, batch.positives, batch.negatives) == (150, 1, 0)
        assert source.transform_param.mirror == (source is sources[0])
    losses = [n for n in net.layer if n.type == "SoftmaxWithLoss"]
    assert all(n.loss_param.ignore_label == -1 for n in losses)
    shares = [round(n.loss_weight[0], 6) for n in losses]
    assert shares == ([0.3, 0.3, 1] if folder == "googlenet_softmax" else [1])
    (accuracy,) = [n for n in net.layer if n.type == "Accuracy"]
    assert accuracy.include[0].phase == caffe.TEST
    assert accuracy.bottom[0] == losses[-1].bottom[0]


@pytest.fixture(scope="module")
def lmdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve vehicles of three models."""
    folder = tmp_path_factory.mktemp("fleet")
    fleet = make_fleet(folder / "images", VEHICLES, 80, 90)
    return fleet.build(folder / "lmdb", None, (72, 72))


@pytest.fixture(scope="module")
def trained(lmdb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both demo nets trained for 60 iterations of 12 images, with their logs."""
    folder = tmp_path_factory.mktemp("nets")
    training = replace(
        prototxt.DEMO_FAMILY.training, train_lmdb=str(lmdb), test_lmdb=str(lmdb),
        sets=3, positives=2, negatives=2, num_models=3,
    )  # fmt: skip
    schedule = structures.Schedule(
        max_iter=60, display=2, snapshot=60, test_interval=60, test_iter=1
    )
    family = prototxt.own_family(prototxt.DEMO_FAMILY, str(folder), training, schedule)
    for name, text in prototxt.prototxt_files(family):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    for name in FULL:
        done = run_caffe("train", "--solver", folder / name / "solver.prototxt")
        assert done.returncode == 0, done.stderr[-3000:]
        (folder / name / "train.log").write_text(done.stderr)
    return folder


@pytest.mark.parametrize("name", FULL)
def test_the_small_twins_learn(trained: Path, name: str) -> None:
    log = reader.read_log(trained / name / "train.log")
    shown = [row.values["model_loss"] for row in log.of("train") if row.values]
    assert len(shown) == 30 and np.isfinite(shown).all()
    assert abs(shown[0] - np.log(3)) < 1
    assert np.mean(shown[-5:]) < 0.7 * np.mean(shown[:5])
    (tested,) = log.of("test")
    assert set(tested.values) == {"accuracy", "model_loss"}
    assert 0 <= tested.values["accuracy"] <= 1


def test_every_vehicle_once_an_epoch(trained: Path, lmdb: Path) -> None:
    """12 vehicles, 12 images a batch: every batch shows each of them once."""
    source = read_net(trained / "vgg_softmax/train_val.prototxt").layer[0]
    source.transform_param.Clear()
    message = messages.caffe_pb2.NetParameter(layer=[source])
    net = open_net(message, trained, caffe.TRAIN)
    seen: dict[bytes, set[int]] = {}
    orders = set()
    for _ in range(12):
        net.forward()
        ids = net.blobs["vehicle_id"].data.astype(int)
        assert sorted(ids) == sorted(VEHICLES)
        assert [*net.blobs["model_id"].data] == [VEHICLES[i][1] for i in ids]
        orders.add(tuple(ids))
        for vehicle, image in zip(ids, net.blobs["data"].data, strict=True):
            seen.setdefault(image.tobytes(), set()).add(vehicle)
    assert len(orders) == 12
    assert len(seen) == 24  # both images of each


@pytest.mark.parametrize("name", FULL)
def test_features_as_opencv_computes_them(trained: Path, name: str) -> None:
    folder = trained / name
    weights = f"{folder / name}_iter_60.caffemodel"
    net = caffe.Net(str(folder / "deploy.prototxt"), weights, caffe.TEST)
    inputs = np.random.default_rng(1).normal(0, 1, (1, 3, 64, 64)).astype(np.float32)
    net.blobs["data"].data[...] = inputs
    (feature,) = net.forward().values()
    oracle = cv2.dnn.readNetFromCaffe(str(folder / "deploy.prototxt"), weights)
    oracle.setInput(inputs)
    expected = oracle.forward().reshape(feature.shape)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(feature, expected, rtol=1e-3, atol=1e-4)


def test_full_googlenet_as_opencv_computes_it(tmp_path: Path) -> None:
    """At 224 x 224 with random weights: pads, ceilings, LRN, the order of joins."""
    path = ROOT / "prototxt/googlenet_softmax/deploy.prototxt"
    caffe.set_random_seed(3)
    net = caffe.Net(str(path), caffe.TEST)
    weights = tmp_path / "random.caffemodel"
    net.save(str(weights))
    inputs = np.random.default_rng(2).normal(0, 50, (1, 3, 224, 224))
    net.blobs["data"].data[...] = inputs
    feature = net.forward()["pool5/7x7_s1"].ravel()
    oracle = cv2.dnn.readNetFromCaffe(str(path), str(weights))
    oracle.setInput(inputs.astype(np.float32))
    expected = oracle.forward().ravel()
    assert expected.size == 1024 and np.ptp(expected) > 0.1
    np.testing.assert_allclose(feature, expected, rtol=1e-3, atol=1e-3)
