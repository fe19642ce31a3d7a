"""Nets for cv2.dnn compute there what Caffe computes, layer by layer and whole."""

import json
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT
from in_process import told_here
from layer_cases import LAYERS, SEVERAL, SIDE, images, layer_of, opened

from pydrdl.errors import InputError
from pydrdl.export import opencv
from pydrdl.export.compare import difference
from pydrdl.features.extract import Extractor, forward, open_extractor

if not hasattr(cv2.dnn, "readNetFromCaffe"):
    reason = f"OpenCV {cv2.__version__} reads no nets of Caffe"
    pytest.skip(reason, allow_module_level=True)

EXACT = 5e-6  # of the largest value


def made(extractor: Extractor, folder: Path) -> opencv.OpenCvNet:
    return opencv.to_opencv(extractor, folder / "deploy.prototxt")


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_caffe_computes(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of(*LAYERS[name]))
    net = made(extractor, tmp_path)
    assert difference(extractor, images(), partial(opencv.run, net)) < EXACT


@pytest.mark.parametrize("name", SEVERAL)
def test_layers_of_several_blobs(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, SEVERAL[name])
    net = made(extractor, tmp_path)
    assert difference(extractor, images(), partial(opencv.run, net)) < EXACT


def test_every_rule_is_tested() -> None:
    several = {"Concat", "Slice", "Eltwise"}
    assert {kind for kind, _ in LAYERS.values()} | several == set(opencv.RULES)


@pytest.mark.parametrize(
    "name", ["LRN", "inner product, transposed", "bias", "L2", "max pooling, all"]
)
def test_what_is_rewritten_is_wrong_as_it_stands(name: str, tmp_path: Path) -> None:
    """Otherwise the rule would not be needed any more."""
    extractor = opened(tmp_path, layer_of(*LAYERS[name]))
    extractor.net.save(str(tmp_path / "w"))
    inputs = [extractor.preprocess(image) for image in images()]
    expected = forward(extractor.net, extractor.blob, inputs)
    try:
        net = cv2.dnn.readNetFromCaffe(
            str(tmp_path / "deploy.prototxt"), str(tmp_path / "w")
        )
        net.setInput(np.stack(inputs))
        found = net.forward().reshape(len(inputs), -1)
    except cv2.error:
        return
    assert np.abs(found - expected).max() > 0.1 * np.abs(expected).max()


def test_rows_without_direction_are_zeros(tmp_path: Path) -> None:
    extractor = opened(
        tmp_path, 'layer { name: "l" type: "L2Normalize" bottom: "data" top: "l" }'
    )
    net = made(extractor, tmp_path)
    inputs = np.ones((3, 3, SIDE, SIDE), np.float32)
    inputs[1], inputs[2] = 0, 1e-6
    read = cv2.dnn.readNetFromCaffe(
        np.frombuffer(net.prototxt, np.uint8), np.frombuffer(net.caffemodel, np.uint8)
    )
    read.setInput(inputs)
    expected = forward(extractor.net, "l", list(inputs))
    assert not expected[1].any() and expected[2].all()
    np.testing.assert_allclose(read.forward().reshape(3, -1), expected, rtol=1e-5)


@pytest.mark.parametrize(
    "net", ["demo/mixed_difference", "demo/googlenet_softmax", "vgg_ccl"]
)
def test_whole_nets(net: str) -> None:
    """One of full size among them, whose LRN has k = 2, where OpenCV takes 1."""
    path = ROOT / "prototxt" / net / "deploy.prototxt"
    extractor = open_extractor(path, untrained=1)
    written = opencv.to_opencv(extractor, path)
    side = extractor.preprocess.resize
    shape = 2, side, side, 3
    drawn = list(np.random.default_rng(4).integers(0, 256, shape, np.uint8))
    assert difference(extractor, drawn, partial(opencv.run, written)) < 1e-4
    text = written.prototxt.decode()
    assert extractor.source.net_sha256 in text
    assert ("LRN" in path.read_text()) == ("LRN" in text)


@pytest.mark.parametrize(
    ("kind", "parameters", "named"),
    [
        ("MVN", "", "layers of type MVN"),
        ("LRN", "norm_region: WITHIN_CHANNEL local_size: 3", "an LRN within"),
        ("LRN", "k: 0", "an LRN whose k is 0"),
        ("Pooling", "pool: STOCHASTIC kernel_size: 2", "a pooling that is stochastic"),
        ("Scale", "axis: 2 filler { type: 'gaussian' }", "a Scale that is not one by"),
        (
            "Deconvolution",
            "num_output: 4 kernel_size: 3 dilation: 2 weight_filler { type: 'xavier' }",
            "a Deconvolution with dilation",
        ),
    ],
)
def test_what_cannot_be_right_is_named(
    kind: str, parameters: str, named: str, tmp_path: Path
) -> None:
    extractor = opened(tmp_path, layer_of(kind, parameters))
    with pytest.raises(InputError, match=f"no way in OpenCV for {named}") as caught:
        made(extractor, tmp_path)
    assert caught.value.where == f"layer own ({kind})"
    assert made(opened(tmp_path, "", "wide"), tmp_path)


def test_the_first_layer_that_differs_is_named(tmp_path: Path) -> None:
    layers = """layer { name: "n" type: "LRN" bottom: "wide" top: "n"
        lrn_param { k: 2 alpha: 3 } }
      layer { name: "t" type: "TanH" bottom: "n" top: "t" }
      layer { name: "l" type: "L2Normalize" bottom: "t" top: "l" }"""
    extractor = opened(tmp_path, layers)
    net = made(extractor, tmp_path)
    assert difference(extractor, images(), partial(opencv.run, net)) < EXACT
    for told, change in (("n", b"scale: 0.5946"), ("t", b'type: "TanH"')):
        assert change in net.prototxt
        other = {b"scale: 0.5946": b"scale: 0.6946"}.get(change, b'type: "ReLU"')
        wrong = opencv.OpenCvNet(
            net.prototxt.replace(change, other), net.caffemodel, net.layers
        )
        assert difference(extractor, images(), partial(opencv.run, wrong)) > 1e-3
        assert opencv.first_that_differs(wrong, extractor, images(), 1e-4) == told


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = ROOT / "prototxt/demo/mixed_difference/deploy.prototxt"
    words = ("--net", net, "--format", "opencv", "--output", "own.prototxt")
    export = partial(told_here, "export", *words, cwd=tmp_path)

    code, told = export("--untrained", 1, "--tolerance", 0)
    assert code == 1 and "the model differs from Caffe on random images" in told
    assert "from layer conv1 on" in told and not list(tmp_path.iterdir())
    code, told = export("--untrained", 1)
    assert code == 0 and f"compared with OpenCV {cv2.__version__}" in told
    extractor = open_extractor(net, untrained=1)
    pixels = np.random.default_rng(1).integers(0, 256, (72, 72, 3), np.uint8)
    # As anybody reads the two files.
    read = cv2.dnn.readNet(
        str(tmp_path / "own.prototxt"), str(tmp_path / "own.caffemodel")
    )
    made = json.loads(extractor.source.preprocess)
    cut = pixels[4:68, 4:68]
    read.setInput(cv2.dnn.blobFromImage(cut, made["scale"], mean=made["mean"]))
    expected = forward(extractor.net, "feature", [extractor.preprocess(pixels)])
    np.testing.assert_allclose(read.forward(), expected, atol=1e-5)
    code, told = export("--untrained", 1)
    assert code == 1 and "the output exists" in told
    (tmp_path / "own.prototxt").unlink()
    code, told = export("--untrained", 1)  # the weights alone are there
    assert code == 1 and "own.caffemodel" in told
    code, told = export("--overwrite")
    assert code == 2 and "give one of the two" in told
    (tmp_path / "cut").write_bytes((tmp_path / "own.caffemodel").read_bytes()[:-9])
    code, told = export("--overwrite", "--weights", "cut")
    assert code == 1 and "where: cut" in told
    kept = (tmp_path / "own.caffemodel").read_bytes()
    # Beside own.prototxt, the weights are made; ONNX has another name.
    for words, right, said in (
        (("own.prototxt",), 1, "the output is what it would be made from"),
        (("own.caffemodel", "--format", "onnx"), 2, "ends as another --format does"),
    ):
        code, told = export(
            "--weights", "own.caffemodel", "--overwrite", "--output", *words
        )
        assert code == right and said in told
        assert (tmp_path / "own.caffemodel").read_bytes() == kept
    code, told = export("--untrained", 1, "--output", "/proc/own.prototxt")
    assert code == 1 and "where: /proc/own.prototxt" in told
    for more, why in (
        (("--half",), "goes with --format onnx"),
        (("--pixels",), "goes with --format onnx or torch"),
        (("--output", "own.onnx"), "does not end in .prototxt"),
    ):
        code, told = export("--untrained", 1, "--overwrite", *more)
        assert code == 2 and why in told
    monkeypatch.delattr(cv2.dnn, "readNetFromCaffe")
    code, told = export("--untrained", 1, "--overwrite")
    assert code == 1 and "reads no nets of Caffe" in told and "<5" in told
