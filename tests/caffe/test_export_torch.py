"""Modules of PyTorch compute what Caffe computes, layer by layer and whole nets.

PyTorch is gigabytes, and no part of tools/setup.sh: pip install '.[torch]'.
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT
from in_process import told_here
from layer_cases import CHANNELS, LAYERS, SEVERAL, SIDE, images, layer_of, opened

pytest.importorskip("onnx")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from pydrdl.errors import InputError
from pydrdl.export import torch_module
from pydrdl.export.compare import difference
from pydrdl.export.torch_module import loaded, run, to_torch
from pydrdl.features.extract import forward, open_extractor

EXACT = 5e-6  # of the largest value
DEMO = ROOT / "prototxt/demo"


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_what_caffe_computes(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of(*LAYERS[name]))
    made = to_torch(extractor, tmp_path / "deploy.prototxt", pixels=False)
    assert difference(extractor, images(), partial(run, made), pixels=False) < EXACT


@pytest.mark.parametrize("name", SEVERAL)
def test_layers_of_several_blobs(name: str, tmp_path: Path) -> None:
    extractor = opened(tmp_path, SEVERAL[name])
    made = to_torch(extractor, tmp_path / "deploy.prototxt", pixels=False)
    assert difference(extractor, images(), partial(run, made), pixels=False) < EXACT


@pytest.mark.parametrize("structure", ["mixed_difference", "googlenet_softmax"])
@pytest.mark.parametrize("pixels", [False, True])
def test_whole_nets(structure: str, pixels: bool) -> None:
    net = DEMO / structure / "deploy.prototxt"
    extractor = open_extractor(net, untrained=1)
    made = to_torch(extractor, net, pixels=pixels)
    side = extractor.preprocess.resize
    shape = 3, side, side, 3
    drawn = list(np.random.default_rng(4).integers(0, 256, shape, np.uint8))
    assert difference(extractor, drawn, partial(run, made), pixels=pixels) < 1e-5
    assert extractor.source.net_sha256 in made.code.decode()
    assert "pydrdl" not in made.code.decode()


def test_it_can_be_trained_on(tmp_path: Path) -> None:
    """Every weight of Caffe's is a parameter; gradients are Caffe's, zero rows too."""
    layers = """layer { name: "1x1/a-b" type: "Convolution" bottom: "wide" top: "class"
        convolution_param { num_output: 3 kernel_size: 1
          weight_filler { type: "gaussian" std: 0.5 } } }
      layer { name: "s" type: "Scale" bottom: "class" top: "self"
        scale_param { bias_term: true filler { type: "gaussian" } } }
      layer { name: "f" type: "InnerProduct" bottom: "self" top: "f"
        inner_product_param { num_output: 4 bias_term: false
          weight_filler { type: "gaussian" std: 0.1 } } }
      layer { name: "l" type: "L2Normalize" bottom: "f" top: "l" }"""
    extractor = opened(tmp_path, layers)
    net = loaded(to_torch(extractor, tmp_path / "deploy.prototxt", pixels=False))
    own = sorted(tuple(one.shape) for one in net.parameters())
    blobs = [b for bs in extractor.net.params.values() for b in bs]
    assert sum(one.numel() for one in net.parameters()) == sum(b.count for b in blobs)
    assert (CHANNELS, 3, 1, 1) in own
    weights = torch.randn(2, 4, generator=torch.manual_seed(1))
    inputs = np.random.default_rng(1).standard_normal((2, 3, SIDE, SIDE))
    given = torch.from_numpy(inputs.astype(np.float32)).requires_grad_()
    (net(given) * weights).sum().backward()
    whole = open_extractor(tmp_path / "deploy.prototxt", untrained=3, backward=True)
    forward(whole.net, "l", list(inputs.astype(np.float32)))
    whole.net.blobs["l"].diff[...] = weights.numpy()
    whole.net.backward(start="l")
    expected = whole.net.blobs["data"].diff
    assert np.abs(expected).max() > 1e-3
    scale = np.abs(expected).max()
    np.testing.assert_allclose(given.grad.numpy(), expected, atol=1e-4 * scale)
    # A row of zeros has gradients that are finite.
    alone = opened(
        tmp_path, 'layer { name: "l" type: "L2Normalize" bottom: "data" top: "l" }'
    )
    net = loaded(to_torch(alone, tmp_path / "deploy.prototxt", pixels=False))
    zeros = torch.zeros(1, 3, SIDE, SIDE, requires_grad=True)
    found = net(zeros)
    found.sum().backward()
    assert not found.any() and torch.isfinite(zeros.grad).all()


def test_a_layer_without_rule_is_named(tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of("MVN", ""))
    with pytest.raises(InputError, match="layers of type MVN") as caught:
        to_torch(extractor, tmp_path / "deploy.prototxt", pixels=False)
    assert caught.value.where == "layer own (MVN)"


def test_a_module_that_does_not_run_is_refused(tmp_path: Path) -> None:
    extractor = opened(tmp_path, layer_of("ReLU", ""))
    made = to_torch(extractor, tmp_path / "deploy.prototxt", pixels=False)
    code = made.code.replace(b"F.relu", b"F.rely")
    wrong = torch_module.TorchModule(code, made.weights)
    with pytest.raises(InputError, match="PyTorch does not run the module"):
        difference(extractor, images(), partial(run, wrong), pixels=False)


def test_the_command(tmp_path: Path) -> None:
    net = DEMO / "mixed_difference/deploy.prototxt"
    words = ("--net", net, "--format", "torch", "--output", "own.py")
    export = partial(told_here, "export", *words, cwd=tmp_path)

    code, told = export("--untrained", 1, "--tolerance", 0)
    assert code == 1 and "the model differs from Caffe on random images" in told
    assert not list(tmp_path.iterdir())
    code, told = export("--untrained", 1, "--pixels")
    assert code == 0 and f"compared with PyTorch {torch.__version__}" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.pt", "own.py"]
    # As anybody uses the two files.
    sys.path.insert(0, str(tmp_path))
    try:
        import own  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    pixels = np.random.default_rng(1).integers(0, 256, (2, 72, 72, 3), np.uint8)
    with torch.no_grad():
        found = own.load()(torch.from_numpy(pixels)).numpy()
    extractor = open_extractor(net, untrained=1)
    inputs = [extractor.preprocess(image) for image in pixels]
    expected = forward(extractor.net, "feature", inputs)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    again, told = export("--untrained", 1)
    assert again == 1 and "the output exists" in told
    code, told = export("--overwrite")
    assert code == 2 and "give one of the two" in told
    (tmp_path / "cut").write_bytes(b"\x0a\x05abc")
    code, told = export("--overwrite", "--weights", "cut")
    assert code == 1 and "where: cut" in told
    for more, why in (
        (("--half",), "goes with --format onnx"),
        (("--output", "own.pth"), "does not end in .py"),
    ):
        code, told = export("--untrained", 1, "--overwrite", *more)
        assert code == 2 and why in told
