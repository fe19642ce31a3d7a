"""ONNX models compute what Caffe computes, layer by layer and whole nets."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run_tool

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from pydrdl.errors import InputError
from pydrdl.export.layers import RULES
from pydrdl.export.onnx_model import difference, to_half, to_onnx
from pydrdl.features.extract import Extractor, forward, open_extractor

EXACT = 5e-6  # of the largest value
CHANNELS, SIDE = 6, 11
FILL = "weight_filler { type: 'xavier' } bias_filler { type: 'gaussian' std: 0.5 }"
# Types and their parameters; several where the computation has cases.
LAYERS: dict[str, tuple[str, str]] = {
    "convolution": ("Convolution", "num_output: 4 kernel_size: 3 " + FILL),
    "convolution, group, stride, pad": (
        "Convolution",
        "num_output: 4 kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 2 group: 2 "
        "weight_filler { type: 'xavier' } bias_term: false",
    ),
    "convolution, dilated": (
        "Convolution",
        "num_output: 4 kernel_size: 3 dilation: 2 " + FILL,
    ),
    "deconvolution": (
        "Deconvolution",
        "num_output: 4 kernel_size: 3 stride: 2 pad: 1 " + FILL,
    ),
    "inner product": ("InnerProduct", "num_output: 5 " + FILL),
    "inner product, transposed": (
        "InnerProduct",
        "num_output: 5 transpose: true " + FILL,
    ),
    "ReLU": ("ReLU", ""),
    "leaky ReLU": ("ReLU", "negative_slope: 0.1"),
    "PReLU": ("PReLU", "filler { type: 'uniform' max: 0.5 }"),
    "PReLU, shared": ("PReLU", "channel_shared: true"),
    "sigmoid": ("Sigmoid", ""),
    "tanh": ("TanH", ""),
    "absolute value": ("AbsVal", ""),
    "BNLL": ("BNLL", ""),
    "ELU": ("ELU", "alpha: 0.5"),
    "power": ("Power", "power: 2 scale: 0.3 shift: 1.5"),
    "LRN": ("LRN", "local_size: 5 alpha: 2 beta: 0.75 k: 2"),
    "LRN, k 1": ("LRN", "local_size: 3 alpha: 0.5 beta: 0.5"),
    "max pooling, rounded up": ("Pooling", "kernel_size: 3 stride: 3"),
    "max pooling, pad": ("Pooling", "kernel_size: 3 stride: 2 pad: 1"),
    "max pooling, rounded down": (
        "Pooling",
        "kernel_size: 2 stride: 3 round_mode: FLOOR",
    ),
    "average pooling, edges": ("Pooling", "pool: AVE kernel_size: 4 stride: 3 pad: 1"),
    "average pooling, rounded up": (
        "Pooling",
        "pool: AVE kernel_h: 2 kernel_w: 5 stride: 2",
    ),
    "average pooling, all": ("Pooling", "pool: AVE global_pooling: true"),
    "max pooling, all": ("Pooling", "global_pooling: true"),
    "batch norm": ("BatchNorm", ""),
    "scale": (
        "Scale",
        "bias_term: true filler { type: 'gaussian' } bias_filler { type: 'gaussian' }",
    ),
    "scale, no bias": ("Scale", "filler { type: 'gaussian' }"),
    "bias": ("Bias", "filler { type: 'gaussian' }"),
    "flatten": ("Flatten", ""),
    "reshape": ("Reshape", "shape { dim: 0 dim: 3 dim: -1 }"),
    "softmax": ("Softmax", ""),
    "dropout": ("Dropout", "dropout_ratio: 0.5"),
    "L2": ("L2Normalize", ""),
}


def layer_of(kind: str, parameters: str) -> str:
    """A layer "own" of the blob "wide"; all its parameters are its type's."""
    names = {"Deconvolution": "convolution", "InnerProduct": "inner_product"}
    field = f"{names.get(kind, kind.lower())}_param"
    own = f"{field} {{ {parameters} }}" if parameters else ""
    return f'layer {{ name: "own" type: "{kind}" bottom: "wide" top: "own" {own} }}'


HEAD = f"""
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: {SIDE} dim: {SIDE} }} }} }}
layer {{ name: "wide" type: "Convolution" bottom: "data" top: "wide"
  convolution_param {{ num_output: {CHANNELS} kernel_size: 1
    weight_filler {{ type: "gaussian" std: 0.02 }}
    bias_filler {{ type: "gaussian" std: 1 }} }} }}
"""


def opened(folder: Path, layers: str, layer: str | None = None) -> Extractor:
    """A net of 11 x 11 pixels whose layers follow a convolution, "wide"."""
    net = folder / "deploy.prototxt"
    net.write_text(HEAD + layers)
    made = {"resize": SIDE + 2, "crop": SIDE, "mean": [104, 117, 123], "scale": 0.5}
    (folder / "preprocess.json").write_text(json.dumps(made))
    extractor = open_extractor(net, untrained=3, layer=layer)
    kinds = dict(zip(extractor.net._layer_names, extractor.net.layers, strict=True))
    random = np.random.default_rng(1)
    for name, blobs in extractor.net.params.items():
        if kinds[name].type == "BatchNorm":
            blobs[0].data[...] = random.standard_normal(blobs[0].data.shape)
            blobs[1].data[...] = random.uniform(0.5, 2, blobs[1].data.shape) * 3
            blobs[2].data[...] = 3
    return extractor


def images(count: int = 5) -> list[np.ndarray]:
    shape = count, SIDE + 2, SIDE + 2, 3
    return list(np.random.default_rng(2).integers(0, 256, shape, np.uint8))


def exported(extractor: Extractor, folder: Path, *, pixels: bool = False) -> bytes:
    model = to_onnx(extractor, folder / "deploy.prototxt", pixels=pixels)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_caffe_computes(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of(*LAYERS[name]))
    model = exported(extractor, tmp_path)
    assert difference(model, extractor, images(), pixels=False) < EXACT


@pytest.mark.parametrize(
    "layers",
    [
        """layer { name: "s" type: "Slice" bottom: "wide" top: "a" top: "b"
             slice_param { slice_point: 2 } }
           layer { name: "c" type: "Concat" bottom: "b" bottom: "a" top: "c" }""",
        """layer { name: "s" type: "Slice" bottom: "wide" top: "a" top: "b" }
           layer { name: "c" type: "Eltwise" bottom: "b" bottom: "a" top: "c"
             eltwise_param { coeff: 2 coeff: -0.5 } }""",
        """layer { name: "r" type: "ReLU" bottom: "wide" top: "r" }
           layer { name: "c" type: "Eltwise" bottom: "wide" bottom: "r" top: "c"
             eltwise_param { operation: PROD } }""",
        """layer { name: "t" type: "TanH" bottom: "wide" top: "t" }
           layer { name: "c" type: "Eltwise" bottom: "wide" bottom: "t" top: "c"
             eltwise_param { operation: MAX } }""",
        # In place, and the value of before is used as well.
        """layer { name: "c" type: "TanH" bottom: "wide" top: "c" }
           layer { name: "p" type: "Power" bottom: "c" top: "c"
             power_param { shift: 2 } }
           layer { name: "q" type: "Power" bottom: "c" top: "c"
             power_param { scale: 3 } }""",
    ],
    ids=["slice, concat", "sum", "product", "max", "in place"],
)
def test_layers_of_several_blobs(layers: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layers)
    model = exported(extractor, tmp_path)
    assert difference(model, extractor, images(), pixels=False) < EXACT


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
    assert difference(data, extractor, drawn, pixels=pixels) < 1e-5
    said = {one.key: one.value for one in model.metadata_props}
    assert said["net_sha256"] == extractor.source.net_sha256
    assert json.loads(said["preprocess"])["resize"] == side


def test_half_precision_is_near(tmp_path: Path) -> None:
    layers = """layer { name: "n" type: "LRN" bottom: "wide" top: "n" }
      layer { name: "f" type: "InnerProduct" bottom: "n" top: "f"
        inner_product_param { num_output: 8 weight_filler { type: "xavier" } } }
      layer { name: "l" type: "L2Normalize" bottom: "f" top: "l" }"""
    extractor = opened(tmp_path, layers)
    whole = to_onnx(extractor, tmp_path / "deploy.prototxt", pixels=False)
    half = to_half(whole).SerializeToString()
    assert len(half) < 0.7 * whole.ByteSize()
    assert EXACT < difference(half, extractor, images(), pixels=False) < 1e-2


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
    assert "--weights, --untrained" in run_tool(*words, "--overwrite").stderr
    cut = tmp_path / "cut.caffemodel"
    cut.write_bytes(b"\x0a\x05abc")
    damaged = run_tool(*words, "--overwrite", "--weights", cut)
    assert damaged.returncode == 1 and str(cut) in damaged.stderr
