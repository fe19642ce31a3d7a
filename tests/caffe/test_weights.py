"""Caffemodels of every form, the shapes that nets want, and init_weights.py.

What the old forms mean is asked of Caffe itself: it upgrades and loads the very
file, and its blobs are compared.
"""

import json
import math
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, Done, run_caffe, run_tool
from google.protobuf import text_format
from helpers import caffe, make_fleet, read_net
from helpers import read_weights as read_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.messages import caffe_pb2
from pydrdl.nets import structures
from pydrdl.nets.caffemodel import (
    blob_shape,
    blob_values,
    read_weights,
    wanted_layers,
    write_weights,
)
from pydrdl.nets.initialise import Outcome, init_weights, parse_copies

V1 = caffe_pb2.V1LayerParameter
Blobs = dict[str, list[NDArray[np.float32]]]
FORMS = ("v0", "v1", "v2", "v2 of v1")
# VGG_CNN_M_1024 as published (Chatfield et al., BMVC 2014).
PUBLISHED = {
    "conv1": (96, 3, 7, 7),
    "conv2": (256, 96, 5, 5),
    "conv3": (512, 256, 3, 3),
    "conv4": (512, 512, 3, 3),
    "conv5": (512, 512, 3, 3),
    "fc6": (4096, 18432),
    "fc7": (1024, 4096),
    "fc8": (1000, 1024),
}
# The same with a crop of 64 pixels, of which 1 x 1 is left at fc6.
SMALL = replace(structures.VGG_CNN_M_1024, crop=64, width=32, fc6=24, fc7=20)
SMALL_SHAPES = {
    "conv1": (96, 3, 7, 7),
    "conv2": (256, 96, 5, 5),
    "conv3": (32, 256, 3, 3),
    "conv4": (32, 32, 3, 3),
    "conv5": (32, 32, 3, 3),
    "fc6": (24, 32),
    "fc7": (20, 24),
    "fc8": (1000, 20),
}
BRANCH = ["conv4", "conv5", "fc6", "fc7"]


def values_of(shapes: Mapping[str, tuple[int, ...]]) -> Blobs:
    """Weights and a bias for each layer, all different."""
    rng = np.random.default_rng(7)
    return {
        name: [rng.random(s, np.float32), rng.random(s[:1], np.float32)]
        for name, s in shapes.items()
    }


def piece(
    name: str, layer: str = "", kind: str = "", *blobs: NDArray[np.float32]
) -> "caffe_pb2.NetParameter":
    """A part of a caffemodel: the net's name, and a layer if there are any blobs."""
    net = caffe_pb2.NetParameter(name=name) if name else caffe_pb2.NetParameter()
    if not name:
        message = net.layer.add(name=layer, type=kind)
        for values in blobs:
            message.blobs.add(shape={"dim": values.shape}, data=values.ravel().tolist())
    return net


def shapes_of(net: object) -> dict[str, list[tuple[int | None, ...]]]:
    """Shapes of the weights of a net's layers that have any, from its message."""
    layers = wanted_layers(net, "net.prototxt")
    return {name: layer.shapes for name, layer in layers.items() if layer.shapes}


def blob_message(values: NDArray[np.float32], *, legacy: bool) -> "caffe_pb2.BlobProto":
    # The packed field as bytes: from an array, 75 million floats take 11 s.
    size, groups = values.nbytes, b"\x2a"
    while size > 127:
        groups, size = groups + bytes([size & 127 | 128]), size >> 7
    blob = caffe_pb2.BlobProto.FromString(groups + bytes([size]) + values.tobytes())
    if legacy:
        shape = (1,) * (4 - values.ndim) + values.shape
        blob.num, blob.channels, blob.height, blob.width = shape
    else:
        blob.shape.dim.extend(values.shape)
    return blob


def write(path: Path, form: str, content: Blobs, **more: object) -> Path:
    """Writes a caffemodel of a form, with layers without weights among them."""
    net = caffe_pb2.NetParameter(name="CNN_M", **more)
    for name, arrays in content.items():
        blobs = [blob_message(values, legacy=form != "v2") for values in arrays]
        fc = name.startswith("fc")
        if form == "v0":
            inner = {"name": name, "type": "innerproduct" if fc else "conv"}
            net.layers.add(layer=inner | {"blobs": blobs})
            net.layers.add(layer={"name": name + "_relu", "type": "relu"})
        elif form == "v1":
            kind = V1.INNER_PRODUCT if fc else V1.CONVOLUTION
            net.layers.add(name=name, type=kind, blobs=blobs)
            net.layers.add(name=name + "_relu", type=V1.RELU)
        else:
            kind = "InnerProduct" if fc else "Convolution"
            net.layer.add(name=name, type=kind, blobs=blobs)
            net.layer.add(name=name + "_relu", type="ReLU")
    path.write_bytes(net.SerializeToString())
    return path


def net_file(
    folder: Path, structure: structures.Structure, backbone: structures.Backbone = SMALL
) -> Path:
    path = folder / f"{structure}.prototxt"
    net = structures.deploy_net(structure, backbone)
    path.write_text(text_format.MessageToString(net))
    return path


def loaded(net: Path, weights: Path) -> Blobs:
    """Every layer's blobs after Caffe loaded a file."""
    caffe.set_random_seed(1)
    opened = caffe.Net(str(net), caffe.TEST)
    opened.copy_from(str(weights))
    return {n: [blob.data.copy() for blob in b] for n, b in opened.params.items()}


def assert_same(a: Sequence[NDArray[np.float32]], b: object, name: str = "") -> None:
    for one, other in zip(a, b, strict=True):
        assert one.shape == other.shape, name
        np.testing.assert_array_equal(one, other, name)


def done(outcome: Outcome, what: str) -> list[str]:
    """Layers with a blob of which this was done, each once."""
    return list(dict.fromkeys(r.layer for r in outcome.rows if r.done == what))


# --- The forms of caffemodels


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_are_read_as_caffe_reads_them(tmp_path: Path, form: str) -> None:
    content = values_of({n: s for n, s in SMALL_SHAPES.items() if n != "fc8"})
    path = write(tmp_path / "m.caffemodel", form, content)
    layers = read_weights(path)
    by_caffe = loaded(net_file(tmp_path, "ccl"), path)
    assert list(layers) == list(by_caffe) == list(content)
    for name, layer in layers.items():
        fc = name.startswith("fc")
        assert layer.type == ("InnerProduct" if fc else "Convolution")
        for i, blob in enumerate(layer.blobs):
            shape = content[name][i].shape
            old = (1,) * (4 - len(shape)) + shape
            assert blob_shape(blob) == (shape if form == "v2" else old)
            values = blob_values(blob).reshape(shape)
            np.testing.assert_array_equal(values, by_caffe[name][i])
            np.testing.assert_array_equal(values, content[name][i])


def test_weights_in_double_precision(tmp_path: Path) -> None:
    net = caffe_pb2.NetParameter()
    blob = {"shape": {"dim": [1, 2]}, "double_data": [1 / 3, 2.0]}
    net.layer.add(name="fc", type="InnerProduct", blobs=[blob])
    path = tmp_path / "m.caffemodel"
    path.write_bytes(net.SerializeToString())
    values = blob_values(read_weights(path)["fc"].blobs[0])
    assert values.dtype == np.float32
    assert values.tolist() == [np.float32(1 / 3), 2.0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=200),
            st.sampled_from(["InnerProduct", "Convolution", ""]),
            st.lists(st.lists(st.integers(0, 9), max_size=4).map(tuple), max_size=3),
        ),
        max_size=4,
    )
)
def test_what_is_written_is_what_protobuf_writes(
    layers: list[tuple[str, str, list[tuple[int, ...]]]],
) -> None:
    pieces = [
        piece("net"),
        *(
            piece("", n, kind, *(np.arange(math.prod(s)).reshape(s) for s in shapes))
            for n, kind, shapes in layers
        ),
    ]
    expected = caffe_pb2.NetParameter(name="net")
    for name, kind, shapes in layers:
        layer = expected.layer.add(name=name, type=kind)
        for shape in shapes:
            layer.blobs.add(shape={"dim": shape}, data=range(math.prod(shape)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.caffemodel"
        write_weights(path, pieces)
        data = path.read_bytes()
    written = caffe_pb2.NetParameter.FromString(data)
    assert (written.seal.bytes, written.seal.crc32) == (
        len(data),
        zlib.crc32(data[17:]),
    )
    written.ClearField("seal")
    assert written == expected


# --- What a net wants


@pytest.mark.parametrize("structure", structures.STRUCTURES)
@pytest.mark.parametrize("backbone", [structures.DEMO, SMALL], ids=["demo", "small"])
@pytest.mark.parametrize("wide", [False, True])
def test_shapes_are_those_that_caffe_builds(
    tmp_path: Path,
    structure: structures.Structure,
    backbone: structures.Backbone,
    wide: bool,
) -> None:
    net = structures.deploy_net(structure, backbone, wide_fc8=wide)
    path = tmp_path / "net.prototxt"
    path.write_text(text_format.MessageToString(net))
    built = caffe.Net(str(path), caffe.TEST).params
    assert shapes_of(net) == {
        name: [tuple(blob.data.shape) for blob in blobs]
        for name, blobs in built.items()
    }


@pytest.mark.parametrize("folder", ["mixed_difference", "vgg_ccl", "vgg_triplet"])
def test_shapes_of_the_papers_nets(folder: str) -> None:
    """As published; in training as deployed, with the classifier besides."""
    train = shapes_of(read_net(ROOT / f"prototxt/{folder}/train_val.prototxt"))
    deploy = shapes_of(read_net(ROOT / f"prototxt/{folder}/deploy.prototxt"))
    mixed = folder == "mixed_difference"
    assert (train.pop("fc8_model", None) == [(250, 1024), (250,)]) is mixed
    assert train == deploy
    for name, shape in PUBLISHED.items():
        if name != "fc8":
            assert deploy[name] == [shape, shape[:1]]
        if name in BRANCH and mixed:
            assert deploy[name + "_2"] == [shape, shape[:1]]


LEARNED = (
    'layer { name: "c" type: "Convolution" bottom: "x" top: "c" '
    "convolution_param { num_output: 6 kernel_size: 3 group: 2 } }"
    'layer { name: "s" type: "Scale" bottom: "c" top: "c" }'
    'layer { name: "f" type: "InnerProduct" bottom: "c" top: "f" '
    "inner_product_param { num_output: 7 } }"
)


def test_inputs_of_old_deploy_nets() -> None:
    """input_dim and input_shape."""

    def shapes(text: str) -> object:
        net = text_format.Parse(text + LEARNED, caffe_pb2.NetParameter())
        return shapes_of(net)

    known = {"c": [(6, 2, 3, 3), (6,)], "s": [(6,)], "f": [(7, 6 * 8 * 6), (7,)]}
    dims = "input_dim: 1 input_dim: 4 input_dim: 10 input_dim: 8 "
    assert shapes(f'input: "x" {dims}') == known
    other = 'input: "y" input: "x" input_dim: 9 input_dim: 9 input_dim: 9 input_dim: 9 '
    assert shapes(other + dims) == known
    dims = "dim: 1 dim: 4 dim: 10 dim: 8"
    assert shapes(f'input: "x" input_shape {{ {dims} }}') == known


@pytest.mark.parametrize("kind", ["Data", "ImageData", "PairSetData", "WindowData"])
@pytest.mark.parametrize(
    ("said", "channels", "side"),
    [
        ("", None, None),
        ("mean_value: 9", None, None),
        ("mean_value: 1 mean_value: 2 mean_value: 3 mean_value: 4", 4, None),
        ("crop_size: 10 mean_value: 1", None, 10),
        ("crop_size: 10 mean_value: 1 mean_value: 2", 2, 10),
    ],
)
def test_what_the_net_does_not_say_of_its_images_is_not_known(
    kind: str, said: str, channels: int | None, side: int | None
) -> None:
    """No file is there, and Caffe opens none."""
    data = f'layer {{ name: "d" type: "{kind}" top: "x" top: "y" include {{ phase: '
    text = "".join(
        f"{data} {phase} }} transform_param {{ {said} }} }}"
        for phase in ("TRAIN", "TEST")
    )
    text += LEARNED + (
        'layer { name: "l" type: "SoftmaxWithLoss" bottom: "f" bottom: "y" top: "l" }'
    )
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    assert shapes_of(net) == {
        "c": [(6, channels and channels // 2, 3, 3), (6,)],
        "s": [(6,)],
        "f": [(7, side and 6 * (side - 2) ** 2), (7,)],
    }


def test_asking_for_shapes_writes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "output.h5"
    file.write_text("precious")
    text = LEARNED + (
        'input: "x" input_shape { dim: 1 dim: 4 dim: 9 dim: 9 } '
        'layer { name: "o" type: "HDF5Output" bottom: "f" bottom: "f" '
        f'hdf5_output_param {{ file_name: "{file}" }} }}'
    )
    assert "f" in shapes_of(text_format.Parse(text, caffe_pb2.NetParameter()))
    assert file.read_text() == "precious"


def test_layers_of_other_phases_and_stages_do_not_count() -> None:
    rules = {
        "a": "",
        "b": "include { phase: TRAIN }",
        "c": "include { phase: TEST }",
        "d": 'include { stage: "s" }',
        "e": "exclude { phase: TRAIN }",
        "f": "exclude { phase: TEST }",
        "g": "include { phase: TEST } include { phase: TRAIN max_level: 0 }",
        "h": "include { min_level: 1 }",
        "i": "include { max_level: -1 }",
        "j": 'include { not_stage: "s" }',
    }
    text = "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" {rule} '
        "input_param { shape { dim: 1 } } }"
        for name, rule in rules.items()
    )
    net = text_format.Parse(text, caffe_pb2.NetParameter())
    assert "".join(wanted_layers(net, "net.prototxt")) == "abfgj"


# --- init_weights


@pytest.mark.parametrize("form", FORMS)
def test_both_branches_start_from_one(tmp_path: Path, form: str) -> None:
    """What Caffe makes of the old file is what it finds in the new one, twice."""
    old = write(tmp_path / "old.caffemodel", form, values_of(SMALL_SHAPES))
    mixed = net_file(tmp_path, "mixed_difference")
    outcome = init_weights(old, mixed, tmp_path / "new.caffemodel")
    single = loaded(net_file(tmp_path, "ccl"), old)
    both = loaded(mixed, tmp_path / "new.caffemodel")
    assert list(both) == [*single, *(n + "_2" for n in BRANCH), "fc8_mixed"]
    for name, blobs in single.items():
        assert_same(blobs, both[name], name)
    for name in BRANCH:
        assert_same(single[name], both[name + "_2"], name)
    assert done(outcome, "missing") == ["fc8_mixed"]
    assert done(outcome, "skipped") == ["fc8"]
    assert done(outcome, "copied") == [*single, *(n + "_2" for n in BRANCH)]
    written = caffe_pb2.NetParameter.FromString(outcome.output.read_bytes())
    assert not written.layers and {x.type for x in written.layer} == {
        "Convolution",
        "InnerProduct",
    }


def test_batch_normalisations_statistics_start_both_branches(tmp_path: Path) -> None:
    """So that the second branch says at first what the net of one branch says."""
    single = net_file(tmp_path, "ccl", structures.DEMO)
    mixed = net_file(tmp_path, "mixed_difference", structures.DEMO)
    rng = np.random.default_rng(3)
    caffe.set_random_seed(1)
    old = caffe.Net(str(single), caffe.TEST)
    for blobs in old.params.values():
        for blob in blobs:
            blob.data[...] += rng.uniform(0.1, 0.2, blob.data.shape)
    old.save(str(tmp_path / "old.caffemodel"))
    outcome = init_weights(
        tmp_path / "old.caffemodel", mixed, tmp_path / "new.caffemodel"
    )
    normed = {
        layer.name for layer in read_net(mixed).layer if layer.type == "BatchNorm"
    }
    assert {"bn4_2", "bn5_2", "bn7_2"} < normed
    assert done(outcome, "missing") == ["fc8_mixed", "bn8_mixed"]
    both = loaded(mixed, tmp_path / "new.caffemodel")
    for name in ("bn4", "bn5", "bn7", *BRANCH):
        assert_same([b.data for b in old.params[name]], both[name + "_2"], name)

    new = caffe.Net(str(mixed), str(tmp_path / "new.caffemodel"), caffe.TEST)
    image = rng.normal(0, 1, old.blobs["data"].data.shape)
    for net in (old, new):
        net.blobs["data"].data[...] = image
        net.forward()
    expected = old.blobs["fc7"].data
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(new.blobs["fc7_2"].data, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("structure", ["ccl", "triplet"])
def test_nets_of_one_branch(tmp_path: Path, structure: structures.Structure) -> None:
    old = write(tmp_path / "old.caffemodel", "v1", values_of(SMALL_SHAPES))
    net = net_file(tmp_path, structure)
    outcome = init_weights(old, net, tmp_path / "new.caffemodel")
    a, b = loaded(net, old), loaded(net, outcome.output)
    for name in a:
        assert_same(a[name], b[name], name)
    assert done(outcome, "copied") == list(a) and not done(outcome, "missing")


def test_caffe_train_starts_from_it(tmp_path: Path) -> None:
    """One iteration at learning rate 0 on photographs, then the snapshot."""
    fleet = make_fleet(tmp_path / "i", {v: (3, v % 2) for v in range(6)}, 72, 72)
    lmdb = fleet.build(tmp_path / "lmdb")
    training = structures.Training(
        str(lmdb), str(lmdb), 2, sets=1, positives=2, negatives=2
    )
    net = tmp_path / "train_val.prototxt"
    message = structures.train_val_net("mixed_difference", SMALL, training)
    net.write_text(text_format.MessageToString(message))
    schedule = structures.Schedule(max_iter=1, base_lr=0, snapshot=1)
    solver = tmp_path / "solver.prototxt"
    parameters = structures.solver(str(net), str(tmp_path / "s"), schedule)
    solver.write_text(text_format.MessageToString(parameters))
    content = values_of(SMALL_SHAPES)
    old = write(tmp_path / "old.caffemodel", "v1", content)
    start = init_weights(old, net, tmp_path / "start.caffemodel").output
    result = run_caffe("train", "--solver", solver, "--weights", start)
    assert result.returncode == 0, result.stderr
    trained = read_arrays(tmp_path / "s_iter_1.caffemodel")
    assert trained["pair_sets"][0].tolist() == [1]
    for name in content:
        if name != "fc8":
            assert_same([v.ravel() for v in content[name]], trained[name], name)
        if name in BRANCH:
            assert_same([v.ravel() for v in content[name]], trained[name + "_2"], name)
    assert trained["fc8_mixed"][0].any() and "fc8" not in trained

    # What was trained starts another training, at the first batch.
    again = init_weights(
        tmp_path / "s_iter_1.caffemodel", net, tmp_path / "again.caffemodel"
    )
    assert done(again, "skipped") == ["pair_sets"] and not done(again, "missing")
    assert "pair_sets" not in read_arrays(again.output)


def test_the_files_own_second_branch_goes_first(tmp_path: Path) -> None:
    content = values_of(SMALL_SHAPES | {"conv4_2": SMALL_SHAPES["conv4"]})
    old = write(tmp_path / "old.caffemodel", "v2", content)
    net = net_file(tmp_path, "mixed_difference")
    new = read_arrays(init_weights(old, net, tmp_path / "a.caffemodel").output)
    assert_same([v.ravel() for v in content["conv4_2"]], new["conv4_2"])
    assert_same([v.ravel() for v in content["conv5"]], new["conv5_2"])


def test_copies_go_before_names(tmp_path: Path) -> None:
    content = values_of(SMALL_SHAPES | {"fc_mine": (20, 40)})
    old = write(tmp_path / "old.caffemodel", "v1", content)
    net = net_file(tmp_path, "mixed_difference")
    copies = parse_copies(["conv4=conv5", "conv5=conv4_2", "fc_mine=fc8_mixed"])
    outcome = init_weights(old, net, tmp_path / "a.caffemodel", copies=copies)
    new = read_arrays(outcome.output)
    for target, source in (
        ("conv4", "conv4"), ("conv5", "conv4"), ("conv4_2", "conv5"),
        ("conv5_2", "conv5"), ("fc8_mixed", "fc_mine"),
    ):  # fmt: skip
        assert_same([v.ravel() for v in content[source]], new[target], target)
    why = {r.layer: r.why for r in outcome.rows if r.done == "copied"}
    assert why["conv4_2"] == why["conv5_2"] == "from conv5" and why["conv4"] == ""


def test_layers_of_other_types_are_copied_too(tmp_path: Path) -> None:
    net = tmp_path / "net.prototxt"
    net.write_text(
        'input: "x" input_shape { dim: 1 dim: 3 }'
        'layer { name: "s" type: "Scale" bottom: "x" top: "s" }'
    )
    old = caffe_pb2.NetParameter()
    blob = {"shape": {"dim": [3]}, "data": [4, 5, 6], "diff": [7, 8, 9]}
    old.layer.add(name="s", type="Scale", blobs=[blob])
    path = tmp_path / "old.caffemodel"
    path.write_bytes(old.SerializeToString())
    outcome = init_weights(path, net, tmp_path / "new.caffemodel")
    assert [r.wanted for r in outcome.rows] == [(3,)]
    assert loaded(net, outcome.output)["s"][0].tolist() == [4, 5, 6]
    # Gradients, which a file may hold too, are left behind.
    assert not read_weights(outcome.output)["s"].blobs[0].diff


# --- The published sizes


def rows_of(outcome: Outcome) -> list[tuple[object, ...]]:
    return [(r.layer, r.blob, r.found, r.wanted, r.done, r.why) for r in outcome.rows]


def test_vgg_cnn_m_1024_at_full_size(tmp_path: Path) -> None:
    """349 MB in V1's form into the paper's net, 683 MB."""
    content = values_of(PUBLISHED)
    old = write(tmp_path / "m1024.caffemodel", "v1", content)
    net = ROOT / "prototxt/mixed_difference/train_val.prototxt"
    outcome = init_weights(old, net, tmp_path / "start.caffemodel")
    expected = []
    for name, shape in PUBLISHED.items():
        if name != "fc8":
            expected.append((name, 0, _old(shape), shape, "copied", ""))
            expected.append((name, 1, _old(shape[:1]), shape[:1], "copied", ""))
    for name in BRANCH:
        shape, why = PUBLISHED[name], f"from {name}"
        expected.append((name + "_2", 0, _old(shape), shape, "copied", why))
        expected.append((name + "_2", 1, _old(shape[:1]), shape[:1], "copied", why))
    for name, shape in (("fc8_mixed", (1024, 2048)), ("fc8_model", (250, 1024))):
        expected.append((name, 0, None, shape, "missing", "from its filler"))
        expected.append((name, 1, None, shape[:1], "missing", "from its filler"))
    expected.append(("fc8", 0, (1, 1, 1000, 1024), None, "skipped", "not in the net"))
    expected.append(("fc8", 1, (1, 1, 1, 1000), None, "skipped", "not in the net"))
    assert sorted(rows_of(outcome), key=str) == sorted(expected, key=str)
    assert [r.layer for r in outcome.rows][-1] == "fc8"
    old.unlink()
    written = caffe_pb2.NetParameter.FromString(outcome.output.read_bytes())
    outcome.output.unlink()
    assert len(written.layer) == 11
    for layer in written.layer:
        for blob, values in zip(
            layer.blobs, content[layer.name.removesuffix("_2")], strict=True
        ):
            assert tuple(blob.shape.dim) == values.shape
            assert np.array_equal(np.asarray(blob.data, np.float32), values.ravel())


def _old(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (4 - len(shape)) + shape


@pytest.mark.parametrize("outputs", [2048, 4096])
def test_fc7_of_its_wider_sisters(tmp_path: Path, outputs: int) -> None:
    """VGG_CNN_M_2048 and VGG_CNN_M, at their sizes from fc7 on."""
    shapes = {"conv1": PUBLISHED["conv1"], "fc7": (outputs, 4096)}
    old = write(tmp_path / "m.caffemodel", "v1", values_of(shapes))
    net = ROOT / "prototxt/mixed_difference/train_val.prototxt"
    output = tmp_path / "start.caffemodel"
    with pytest.raises(InputError) as caught:
        init_weights(old, net, output)
    assert caught.value.what == (
        f"layer 'fc7' does not fit; blob 0: 1x1x{outputs}x4096 in the file, "
        "1024x4096 in the net; does not fit either: fc7_2"
    )
    assert "--skip-mismatch" in caught.value.next_step and not output.exists()
    outcome = init_weights(old, net, output, skip_mismatch=True)
    assert done(outcome, "copied") == ["conv1"]
    assert done(outcome, "skipped") == ["fc7", "fc7_2"]
    assert list(read_arrays(output)) == ["conv1"]


# --- Bad input


def refused(what: str, where: str, *arguments: object, **options: object) -> None:
    with pytest.raises(InputError) as caught:
        init_weights(*arguments, **options)  # type: ignore[arg-type]
    error = caught.value
    assert what in error.what and where in error.where and error.next_step
    assert "\n" not in error.what


def test_refuses_what_is_no_caffemodel(tmp_path: Path) -> None:
    net = net_file(tmp_path, "ccl")
    good = write(tmp_path / "good", "v1", values_of(SMALL_SHAPES)).read_bytes()
    weights, out = tmp_path / "m.caffemodel", tmp_path / "out.caffemodel"

    def bad(what: str, content: bytes) -> None:
        weights.write_bytes(content)
        refused(what, "m.caffemodel", weights, net, out)

    refused("no such weights file", "m.caffemodel", weights, net, out)
    refused("no such weights file", str(tmp_path), tmp_path, net, out)
    bad("it holds no weights", b"")
    bad("but a text, such as a prototxt", net.read_bytes())
    bad("not a caffemodel, or one that is cut off", good[: len(good) // 2])
    bad("not a caffemodel, or one that is cut off", good[:-1])
    bad("not a caffemodel, or one that is cut off", b"\xff" * 99)
    bad("but an HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(999))
    bare = caffe_pb2.NetParameter(name="n")
    bare.layer.add(name="a")
    bad("it holds no weights; it has 1 layers, all without", bare.SerializeToString())
    both = caffe_pb2.NetParameter.FromString(good)
    both.layer.add(name="a")
    bad("of the old and of the new form", both.SerializeToString())
    short = caffe_pb2.NetParameter.FromString(good)
    short.layers[0].blobs[0].data.pop()
    values = math.prod(SMALL_SHAPES["conv1"])
    bad(
        f"blob 0 of layer 'conv1' holds {values - 1:,} values; "
        f"its shape 96x3x7x7 has {values:,}",
        short.SerializeToString(),
    )
    negative = caffe_pb2.NetParameter()
    negative.layer.add(name="a", blobs=[{"shape": {"dim": [-1, -1]}, "data": [5]}])
    bad("its shape -1x-1 has 1", negative.SerializeToString())
    write_weights(tmp_path / "sealed", [piece("", "a", "", np.ones((2, 2)))])
    sealed = (tmp_path / "sealed").read_bytes()
    bad(f"cut off: {len(sealed) - 5} bytes of {len(sealed)}", sealed[:-5])
    bad("damaged: its checksum is another one", sealed[:-1] + b"\x40")
    assert not list(tmp_path.glob("*out*"))


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    net = caffe_pb2.NetParameter()
    net.layer.add(name="abc", blobs=[{"shape": {"dim": [1]}, "data": [5]}])
    data = net.SerializeToString().replace(b"abc", b"a\xffc")
    (tmp_path / "m.caffemodel").write_bytes(data)
    assert list(read_weights(tmp_path / "m.caffemodel")) == ["a\\xffc"]


def test_refuses_what_is_no_net(tmp_path: Path) -> None:
    weights = write(tmp_path / "m.caffemodel", "v1", values_of(SMALL_SHAPES))
    net, out = tmp_path / "net.prototxt", tmp_path / "out.caffemodel"

    def bad(what: str, text: str) -> None:
        net.write_text(text)
        refused(what, "net", weights, net, out)

    refused("cannot read the net", "net.prototxt", weights, net, out)
    refused("not a net: it is no text", "m.caffemodel", weights, weights, out)
    bad("the net has no layers", "")
    bad("not a net: 2:", "layer {}\nlyer {}")
    bad("a net of the old form", 'layers { name: "conv1" type: CONVOLUTION }')
    inputs = 'input: "x" input_dim: 1 input_dim: 3 input_dim: 9 input_dim: 9 '
    bad(
        "kernel_size must be specified once, or once per spatial dimension",
        inputs + 'layer { name: "c" type: "Convolution" bottom: "x" top: "c" '
        "convolution_param "
        "{ num_output: 1 kernel_size: 1 kernel_size: 2 kernel_size: 3 } }",
    )
    told = "net.prototxt: layer c (Convolution)"
    refused("kernel_size must be specified", told, weights, net, out)
    bad("no layer type Mine", 'layer { name: "d" type: "Mine" top: "x" }')
    bad("takes 1 bottom blob", 'layer { name: "fc9" type: "InnerProduct" }')
    net.write_text(
        inputs + 'layer { name: "fc9" type: "InnerProduct" bottom: "x" top: "y" '
        "inner_product_param { num_output: 1 } }"
    )
    refused("no layer of the net", "m.caffemodel", weights, net, out)


def test_refuses_weights_that_are_no_numbers(tmp_path: Path) -> None:
    net, out = net_file(tmp_path, "mixed_difference"), tmp_path / "out.caffemodel"
    for bad in (np.nan, np.inf):
        content = values_of(SMALL_SHAPES)
        content["fc8"][0][:] = bad
        weights = write(tmp_path / "m.caffemodel", "v1", content)
        init_weights(weights, net, out, overwrite=True)  # fc8 is not copied
        content["fc6"][1][[3, 5]] = bad
        weights = write(tmp_path / "m.caffemodel", "v1", content)
        what = "2 of 24 values of blob 1 of layer 'fc6' are NaN or infinite"
        before = out.read_bytes()
        refused(what, "m.caffemodel", weights, net, out, overwrite=True)
        assert out.read_bytes() == before


def test_refuses_layers_that_do_not_fit(tmp_path: Path) -> None:
    net, out = net_file(tmp_path, "ccl"), tmp_path / "out.caffemodel"
    content = values_of(SMALL_SHAPES)
    weights = write(
        tmp_path / "m.caffemodel", "v2", content | {"conv5": content["fc7"]}
    )
    refused("'conv5' does not fit; blob 0: 20x24 in", "", weights, net, out)
    content["conv5"].pop()
    write(weights, "v1", content)
    refused("'conv5' does not fit; blobs: 1 in the file, 2", "", weights, net, out)
    # A square deconvolution has the shape of a convolution.
    message = caffe_pb2.NetParameter.FromString(
        write(weights, "v1", values_of(SMALL_SHAPES)).read_bytes()
    )
    message.layers[6].type = V1.DECONVOLUTION
    weights.write_bytes(message.SerializeToString())
    what = "'conv4' does not fit; Deconvolution in the file, Convolution in the net"
    refused(what, "", weights, net, out)


def test_refuses_copies_of_what_is_not_there(tmp_path: Path) -> None:
    weights = write(tmp_path / "m.caffemodel", "v1", values_of(SMALL_SHAPES))
    net, out = net_file(tmp_path, "ccl"), tmp_path / "out.caffemodel"
    copies = {"conv4_2": "conv4"}
    what = "--copy conv4=conv4_2: no layer 'conv4_2' among data, conv1"
    refused(what, "ccl.prototxt", weights, net, out, copies=copies)
    what = "--copy conv9=conv4: no layer 'conv9' among conv1, conv2"
    refused(what, "m.caffemodel", weights, net, out, copies={"conv4": "conv9"})
    for texts in (["conv4"], ["=a"], ["a="], ["a=c", "b=c"]):
        with pytest.raises(ValueError, match=r"expected FILE_LAYER|two copies to 'c'"):
            parse_copies(texts)


def test_output_is_whole_or_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out.caffemodel"
    layer = piece("", "fc", "InnerProduct", np.ones((2, 3)))

    def interrupted() -> object:
        yield layer
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_weights(out, interrupted())
    assert not list(tmp_path.iterdir())
    write_weights(out, [layer])
    with pytest.raises(InputError, match="exists"):
        write_weights(out, [])
    with pytest.raises(KeyboardInterrupt):
        write_weights(out, interrupted(), overwrite=True)
    assert list(read_weights(out)) == ["fc"] and list(tmp_path.iterdir()) == [out]
    with pytest.raises(InputError, match="is a folder"):
        write_weights(tmp_path, [layer], overwrite=True)
    with pytest.raises(InputError, match="no such folder"):
        write_weights(tmp_path / "a/b", [layer])


def test_the_map_names_layers_of_the_nets() -> None:
    names: set[str] = set()
    for folder in ("mixed_difference", "demo/mixed_difference"):
        net = read_net(ROOT / f"prototxt/{folder}/train_val.prototxt")
        names |= {x.name for x in net.layer if x.param or x.type == "BatchNorm"}
    assert {n for n in names if n.endswith("_2")} == set(structures.SECOND_BRANCH)
    first = [*BRANCH, "bn4", "bn5", "bn7"]
    assert [*structures.SECOND_BRANCH.values()] == first
    assert set(first) < names


# --- The command


def test_the_command(tmp_path: Path) -> None:
    weights = write(tmp_path / "m.caffemodel", "v1", values_of(SMALL_SHAPES))
    net = net_file(tmp_path, "mixed_difference")

    def run(*options: object) -> Done:
        return run_tool("init_weights.py", weights, *options, cwd=tmp_path)

    result = run(net, "out.caffemodel", "--json", "out.json")
    assert result.returncode == 0 and not result.stderr, result.stderr
    assert "out.caffemodel: 22 blobs copied, 2 skipped, 2 missing" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["fc6_2", "0", "1x1x24x32", "24x32", "copied:", "from", "fc6"] in lines
    assert max(map(len, result.stdout.splitlines())) <= 80
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["schema"] == "drdl.init_weights/1" and len(content["blobs"]) == 26
    assert all(len(content[f]["sha256"]) == 64 for f in ("weights", "net", "output"))
    (row,) = (r for r in content["blobs"] if (r["layer"], r["blob"]) == ("fc7_2", 0))
    assert row == {
        "layer": "fc7_2", "blob": 0, "source": "fc7", "found": [1, 1, 20, 24],
        "wanted": [20, 24], "done": "copied", "why": "from fc7",
    }  # fmt: skip

    again = run(net, "out.caffemodel")
    assert again.returncode == 1 and "error: the output exists" in again.stderr
    assert run(net, "out.caffemodel", "--overwrite").returncode == 0
    wrong = run(net, "b.caffemodel", "--copy", "conv4")
    assert wrong.returncode == 2 and "FILE_LAYER=NET_LAYER" in wrong.stderr
    wide = net_file(tmp_path, "triplet", replace(SMALL, fc7=16))
    misfit = run(wide, "b.caffemodel", "--skip-mismatch")
    assert misfit.returncode == 0
    assert "fc7: blob 0: 1x1x20x24 in the file, 16x24 in the net" in misfit.stdout
