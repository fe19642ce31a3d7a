"""ONNX models compute what Caffe computes, layer by layer and whole nets."""

import json
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT, run_tool
from in_process import run_here
from layer_cases import LAYERS, SEVERAL, SIDE, images, layer_of, opened

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from pydrdl.errors import InputError
from pydrdl.export.compare import difference
from pydrdl.export.layers import RULES
from pydrdl.export.onnx_model import run, to_half, to_onnx
from pydrdl.features.extract import Extractor, forward, open_extractor

EXACT = 5e-6  # of the largest value


def exported(extractor: Extractor, folder: Path, *, pixels: bool = False) -> bytes:
    model = to_onnx(extractor, folder / "deploy.prototxt", pixels=pixels)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_caffe_computes(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of(*LAYERS[name]))
    model = exported(extractor, tmp_path)
    assert difference(extractor, images(), partial(run, model), pixels=False) < EXACT


@pytest.mark.parametrize(
    "layers",
    SEVERAL.values(),
    ids=SEVERAL,
)
def test_layers_of_several_blobs(layers: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layers)
    model = exported(extractor, tmp_path)
    assert difference(extractor, images(), partial(run, model), pixels=False) < EXACT


def test_every_rule_is_tested() -> None:
    several = {"Concat", "Slice", "Eltwise"}
    assert {kind for kind, _ in LAYERS.values()} | several == set(RULES)


def test_rows_without_direction_are_zeros_and_nan_stays(tmp_path: Path) -> None:
    extractor = opened(
        tmp_path, 'layer { name: "l" type: "L2Normalize" bottom: "data" top: "l" }'
    )
    inputs = np.ones((3, 3, SIDE, SIDE), np.float32)
    inputs[1], inputs[2, 0, 0, 0] = 0, np.nan
    session = onnxruntime.InferenceSession(exported(extractor, tmp_path))
    (found,) = session.run(None, {"data": inputs})
    expected = forward(extractor.net, "l", list(inputs))
    assert np.isnan(expected[2]).all() and not expected[1].any()
    np.testing.assert_allclose(found.reshape(3, -1), expected, rtol=1e-6)


@pytest.mark.parametrize("structure", ["mixed_difference", "googlenet_softmax"])
@pytest.mark.parametrize("pixels", [False, True])
def test_whole_nets(structure: str, pixels: bool) -> None:
    net = ROOT / "prototxt/demo" / structure / "deploy.prototxt"
    extractor = open_extractor(net, untrained=1)
    model = to_onnx(extractor, net, pixels=pixels)
    side = extractor.preprocess.resize
    shape = 3, side, side, 3
    drawn = list(np.random.default_rng(4).integers(0, 256, shape, np.uint8))
    data = model.SerializeToString()
    assert difference(extractor, drawn, partial(run, data), pixels=pixels) < 1e-5
    said = {one.key: one.value for one in model.metadata_props}
    assert said["net_sha256"] == extractor.source.net_sha256
    assert json.loads(said["preprocess"])["resize"] == side


@pytest.mark.parametrize("structure", ["mixed_difference", "googlenet_softmax"])
def test_opencv_reads_the_model(structure: str, tmp_path: Path) -> None:
    """That of either major, 4 and 5; 5 reads no nets of Caffe."""
    net = ROOT / "prototxt/demo" / structure / "deploy.prototxt"
    extractor = open_extractor(net, untrained=1)
    path = tmp_path / "net.onnx"
    path.write_bytes(to_onnx(extractor, net, pixels=False).SerializeToString())
    side = extractor.preprocess.crop
    shape = 3, 3, side, side
    inputs = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    read = cv2.dnn.readNetFromONNX(str(path))
    read.setInput(inputs)
    expected = forward(extractor.net, extractor.blob, list(inputs))
    found = read.forward().reshape(3, -1)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


def test_half_precision_is_near(tmp_path: Path) -> None:
    layers = """layer { name: "n" type: "LRN" bottom: "wide" top: "n" }
      layer { name: "f" type: "InnerProduct" bottom: "n" top: "f"
        inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
      layer { name: "l" type: "L2Normalize" bottom: "f" top: "l" }"""
    extractor = opened(tmp_path, layers)
    whole = to_onnx(extractor, tmp_path / "deploy.prototxt", pixels=False)
    half = to_half(whole).SerializeToString()
    assert len(half) < 0.7 * whole.ByteSize()
    assert (
        EXACT < difference(extractor, images(), partial(run, half), pixels=False) < 1e-2
    )


@pytest.mark.parametrize(
    ("kind", "parameters", "named"),
    [
        ("MVN", "", "layers of type MVN"),
        ("LRN", "norm_region: WITHIN_CHANNEL local_size: 3", "an LRN within"),
        ("Pooling", "pool: STOCHASTIC kernel_size: 2", "a pooling that is stochastic"),
    ],
)
def test_what_has_no_rule_is_named(
    kind: str, parameters: str, named: str, tmp_path: Path
) -> None:
    extractor = opened(tmp_path, layer_of(kind, parameters))
    with pytest.raises(InputError, match=f"no ONNX for {named}") as caught:
        exported(extractor, tmp_path)
    assert caught.value.where.startswith("layer own (")
    before = opened(tmp_path, "", "wide")
    assert exported(before, tmp_path)


def test_the_command_writes_what_agrees_and_nothing_else(tmp_path: Path) -> None:
    folder = ROOT / "prototxt/demo/mixed_difference"
    output = tmp_path / "net.onnx"
    words = "export.py", "--net", folder / "deploy.prototxt", "--output", output
    refused = run_tool(*words, "--untrained", 1, "--tolerance", 0)
    assert refused.returncode == 1 and not list(tmp_path.iterdir())
    assert "the model differs from Caffe on random images by" in refused.stderr
    made = run_tool(*words, "--untrained", 1)
    assert made.returncode == 0, made.stderr
    assert "of the largest value from Caffe's" in made.stdout
    onnx.checker.check_model(str(output))
    again = run_tool(*words, "--untrained", 1)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert "give one of the two" in run_tool(*words, "--overwrite").stderr
    cut = tmp_path / "cut.caffemodel"
    cut.write_bytes(b"\x0a\x05abc")
    damaged = run_tool(*words, "--overwrite", "--weights", cut)
    assert damaged.returncode == 1 and str(cut) in damaged.stderr


def test_without_pytorch_the_command_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    net = ROOT / "prototxt/demo/ccl/deploy.prototxt"
    done = run_here("export", "--net", net, "--untrained", 1, "--format", "torch",
                    "--output", "own.py", cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1 and "pip install '.[torch]'" in done.stderr
    assert not list(tmp_path.iterdir())
