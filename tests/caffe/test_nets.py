"""prototxt/: what is committed, against the paper and VGG_CNN_M's own tables."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT
from google.protobuf import text_format
from helpers import caffe, read_net

from pydrdl import messages
from pydrdl.nets import prototxt

FOLDERS = ("mixed_difference", "vgg_ccl", "vgg_triplet")
DEMOS = ("demo/mixed_difference", "demo/ccl", "demo/triplet")
# VGG_CNN_M_1024 on 224 x 224 (Chatfield et al., BMVC 2014): outputs and
# numbers of parameters.
CONVOLUTIONS = {
    "conv1": ((96, 109, 109), 14_208),
    "conv2": ((256, 26, 26), 614_656),
    "conv3": ((512, 13, 13), 1_180_160),
    "conv4": ((512, 13, 13), 2_359_808),
    "conv5": ((512, 13, 13), 2_359_808),
}
POOLS = {"pool1": (96, 54, 54), "pool2": (256, 13, 13), "pool5": (512, 6, 6)}
FULLY_CONNECTED = {"fc6": ((4096,), 75_501_568), "fc7": ((1024,), 4_195_328)}
PUBLISHED = CONVOLUTIONS | FULLY_CONNECTED


@pytest.fixture(scope="module", params=(*FOLDERS, *DEMOS))
def deployed(request: pytest.FixtureRequest) -> Iterator[tuple[str, "caffe.Net"]]:
    """Every committed deploy net, one at a time: the largest takes 0.7 GB."""
    net = caffe.Net(str(ROOT / f"prototxt/{request.param}/deploy.prototxt"), caffe.TEST)
    yield request.param, net
    del net
    gc.collect()


def train_val(folder: str) -> "messages.caffe_pb2.NetParameter":
    return read_net(ROOT / f"prototxt/{folder}/train_val.prototxt")


def layers(folder: str) -> dict[str, "messages.caffe_pb2.LayerParameter"]:
    return {layer.name: layer for layer in train_val(folder).layer}


def test_regenerating_changes_no_byte() -> None:
    written = {}
    for family in (prototxt.PAPER_FAMILY, prototxt.DEMO_FAMILY):
        for name, text in prototxt.prototxt_files(family):
            assert (ROOT / name).read_bytes() == text.encode(), name
            assert name not in written, "two authors of one file"
            written[name] = text
    committed = {
        str(path.relative_to(ROOT))
        for folder in (*FOLDERS, "vgg_softmax", "googlenet_softmax", "demo")
        for path in (ROOT / "prototxt" / folder).rglob("*")
        if path.is_file()
    }
    assert committed <= set(written)


def parameters(net: "caffe.Net", layer: str) -> int:
    return sum(blob.data.size for blob in net.params[layer])


def test_every_net_gives_unit_vectors(deployed: tuple[str, "caffe.Net"]) -> None:
    name, net = deployed
    dim, crop = (128, 64) if name in DEMOS else (1024, 224)
    assert net.blobs["data"].data.shape == (1, 3, crop, crop)
    net.blobs["data"].data[...] = np.random.default_rng(0).normal(
        0, 50, net.blobs["data"].data.shape
    )
    feature = net.forward()["feature"]
    assert feature.shape == (1, dim)
    assert np.isclose(np.linalg.norm(feature), 1, atol=1e-5)


def test_the_sizes_that_were_published(deployed: tuple[str, "caffe.Net"]) -> None:
    name, net = deployed
    if name in DEMOS:
        return
    suffixes = ("", "_2") if name == "mixed_difference" else ("",)
    trunk = {"conv1", "conv2", "conv3", "pool1", "pool2"}
    for suffix in suffixes:
        for layer, (shape, count) in PUBLISHED.items():
            if not (suffix and layer in trunk):
                assert net.blobs[layer + suffix].data.shape == (1, *shape)
                assert parameters(net, layer + suffix) == count
        for layer, shape in POOLS.items():
            if not (suffix and layer in trunk):
                assert net.blobs[layer + suffix].data.shape == (1, *shape)
    # Without the classifier VGG_CNN_M_1024 has 86,225,536 parameters.
    if name == "mixed_difference":
        last = 2048 * 1024 + 1024
        branch = 2 * 2_359_808 + 75_501_568 + 4_195_328
        expected = 86_225_536 + branch + last
        assert net.blobs["mixed"].data.shape == (1, 2048)
        assert net.blobs["fc8_mixed"].data.shape == (1, 1024)
    else:
        expected = 86_225_536
    assert sum(parameters(net, layer) for layer in net.params) == expected


@pytest.mark.parametrize("folder", FOLDERS)
def test_pretrained_weights_find_their_layers(folder: str) -> None:
    """By name; a layer called fc8 would meet the 1000-way classifier's."""
    names = [layer.name for layer in train_val(folder).layer]
    assert len(names) == len(set(names))
    assert [n for n in names if n in PUBLISHED] == list(PUBLISHED)
    assert "fc8" not in names and "prob" not in names


@pytest.mark.parametrize("folder", FOLDERS)
def test_vgg_cnn_ms_details(folder: str) -> None:
    net = layers(folder)
    sizes = {"conv1": (7, 2, 0), "conv2": (5, 2, 1), "conv3": (3, 1, 1),
             "conv4": (3, 1, 1), "conv5": (3, 1, 1)}  # fmt: skip
    for name, (kernel, stride, pad) in sizes.items():
        for suffix in ("", "_2"):
            if name + suffix in net:
                shape = net[name + suffix].convolution_param
                assert list(shape.kernel_size) == [kernel]
                assert list(shape.stride) == [stride]
                assert list(shape.pad) == [pad]
                assert shape.group == 1
    for name in ("norm1", "norm2"):
        norm = net[name].lrn_param
        assert norm.norm_region == norm.ACROSS_CHANNELS
        assert norm.local_size == 5
        constants = (norm.alpha, norm.beta, norm.k)
        assert np.allclose(constants, (5e-4, 0.75, 2), rtol=1e-6)
    for name, layer in net.items():
        if layer.type == "Pooling":
            pool = layer.pooling_param
            assert (pool.pool, pool.kernel_size, pool.stride) == (pool.MAX, 3, 2), name
        if layer.type == "Dropout":
            assert layer.dropout_param.dropout_ratio == 0.5
    # conv, relu, norm, pool: each stands on the one before.
    assert net["norm1"].bottom[0] == net["relu1"].top[0] == "conv1"
    assert net["pool1"].bottom[0] == "norm1"
    assert net["conv2"].bottom[0] == "pool1"


def test_the_mixed_difference_net_of_figure_6() -> None:
    net = layers("mixed_difference")
    assert [*net["conv4"].bottom] == [*net["conv4_2"].bottom] == ["conv3"]
    assert net["conv5"].bottom[0] == "conv4" and net["conv5_2"].bottom[0] == "conv4_2"
    assert [*net["mixed"].bottom] == ["fc7", "fc7_2"]
    assert [*net["fc8_mixed"].bottom] == ["mixed"]
    assert net["fc8_mixed"].inner_product_param.num_output == 1024
    assert net["fc8_model"].inner_product_param.num_output == 250
    assert [*net["model_loss"].bottom] == ["fc8_model", "model_id"]
    assert net["model_loss"].loss_param.ignore_label == -1
    assert [*net["ccl_lower_loss"].bottom] == ["ccl_lower_unit", "vehicle_id"]
    assert [*net["ccl_lower_unit"].bottom] == ["fc7_2"]
    assert [*net["ccl_loss"].bottom] == ["ccl_unit", "vehicle_id"]
    assert [*net["ccl_unit"].bottom] == ["fc8_mixed"]


def test_the_loss_weights_of_section_3_4() -> None:
    net = layers("mixed_difference")
    weights = {
        layer.name: layer.loss_weight[0]
        for layer in net.values()
        if layer.type.endswith("Loss")
    }
    assert weights == {"model_loss": 0.5, "ccl_lower_loss": 0.5, "ccl_loss": 1.0}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_solver_of_section_3_4(folder: str) -> None:
    name = "solver" if folder == "mixed_difference" else f"{folder}/solver"
    solver = text_format.Parse(
        (ROOT / f"prototxt/{name}.prototxt").read_text(),
        messages.caffe_pb2.SolverParameter(),
    )
    assert solver.net == f"prototxt/{folder}/train_val.prototxt"
    assert solver.type == "SGD" and solver.lr_policy == "step"
    values = (solver.base_lr, solver.gamma, solver.momentum, solver.weight_decay)
    assert np.allclose(values, (0.01, 0.7, 0.9, 2e-4), rtol=1e-6)
    assert solver.stepsize == 8000
    assert solver.iter_size == 1
    assert not solver.HasField("clip_gradients") or solver.clip_gradients < 0


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_batches_of_section_3_4(folder: str) -> None:
    """150 images: 15 sets of 5 positives and 5 negatives; the loss knows it."""
    sources = [n for n in layers(folder).values() if n.type == "PairSetData"]
    assert [s.include[0].phase for s in sources] == [caffe.TRAIN, caffe.TEST]
    for source in sources:
        batch = source.pair_set_data_param
        assert (batch.sets, batch.positives, batch.negatives) == (15, 5, 5)
        assert source.param[0].lr_mult == source.param[0].decay_mult == 0
        assert source.transform_param.crop_size == 224
        assert source.transform_param.mirror == (source is sources[0])
    for layer in layers(folder).values():
        for field in ("coupled_clusters_loss_param", "triplet_loss_param"):
            if layer.HasField(field):
                loss = getattr(layer, field)
                assert (loss.positives, loss.negatives) == (5, 5)


def layer_key(layer: "messages.caffe_pb2.LayerParameter") -> bytes:
    return layer.SerializeToString()


@pytest.mark.parametrize("folder", (*FOLDERS, *DEMOS))
def test_deploy_is_a_part_of_what_is_trained(folder: str) -> None:
    """Layer by layer, so that no weight is read into another function."""
    trained = {layer_key(layer) for layer in train_val(folder).layer}
    deploy = read_net(ROOT / f"prototxt/{folder}/deploy.prototxt").layer
    assert deploy[0].type == "Input" and deploy[-1].type == "L2Normalize"
    for layer in deploy[1:-1]:
        assert layer_key(layer) in trained, layer.name


@pytest.mark.parametrize("folder", (*FOLDERS, *DEMOS))
def test_extraction_sees_what_testing_sees(folder: str) -> None:
    """preprocess.json says what the TEST data layer does."""
    path = ROOT / f"prototxt/{folder}/preprocess.json"
    preprocess = json.loads(Path(path).read_text())
    (source,) = [
        layer
        for layer in train_val(folder).layer
        if layer.type == "PairSetData" and layer.include[0].phase == caffe.TEST
    ]
    transform = source.transform_param
    assert preprocess["crop"] == transform.crop_size < preprocess["resize"]
    assert preprocess["mean"] == list(transform.mean_value)
    assert preprocess["scale"] == transform.scale
    assert not transform.mirror
