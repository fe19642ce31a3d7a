"""pycaffe on today's Python: upstream's own tests, and what they leave out.

They are those of the patched source that was built, copied to where nothing
they write stays. Graphviz is not needed: where there is none, a stand-in takes
its place, and caffe.draw is tested up to the text that Graphviz would be given.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT, Done, run
from google.protobuf import text_format
from helpers import caffe
from numpy.typing import NDArray

from pydrdl import messages

Image = NDArray[np.float32]
SCRIPTS = Path(sys.executable).parent  # where they are installed
UPSTREAM_TESTS = {
    "test_coord_map": 11,
    "test_draw": 1,
    "test_io": 5,
    "test_layer_type_list": 1,
    "test_nccl": 1,
    "test_net": 18,
    "test_net_spec": 3,
    "test_python_layer": 6,
    "test_python_layer_with_param_str": 2,
    "test_solver": 4,
}
NET = """
name: "small"
layer { name: "data" type: "Input" top: "data"
        input_param { shape { dim: 10 dim: 3 dim: 6 dim: 6 } } }
layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
        pooling_param { pool: AVE global_pooling: true } }
layer { name: "score" type: "InnerProduct" bottom: "pool" top: "score"
        inner_product_param { num_output: 4
                              weight_filler { type: "gaussian" std: 1 } } }
layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }
"""


@pytest.fixture(scope="module")
def source() -> Path:
    """The patched Caffe source that was built."""
    for preset in ("cpu", "cuda"):
        folder = ROOT / "build" / preset / "caffe-source"
        if folder.is_dir():
            return folder
    pytest.skip("no Caffe source in build/: tools/setup.sh makes it")


@pytest.fixture(scope="module")
def checkout(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what upstream's Python tests read, in upstream's layout."""
    root = tmp_path_factory.mktemp("caffe")
    shutil.copytree(source / "python/caffe/test", root / "python/caffe/test")
    for folder in ("models", "examples"):
        (root / folder).symlink_to(source / folder)
    return root


@pytest.fixture(scope="module")
def search_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with a `dot`: Graphviz's, or one that copies its input."""
    path = os.environ["PATH"]
    if shutil.which("dot"):
        return path
    dot = tmp_path_factory.mktemp("bin") / "dot"
    dot.write_text('#!/bin/sh\nfor last; do :; done\ncat "$last"\n')
    dot.chmod(0o755)
    return f"{dot.parent}:{path}"


def python(
    *arguments: object, cwd: Path | None = None, path: str | None = None
) -> Done:
    search = path or os.environ["PATH"]
    # Upstream's tests call what Python has other names for by now.
    result = run(
        sys.executable, *arguments, cwd=cwd, PATH=search, PYTHONWARNINGS="default"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.mark.parametrize("module", UPSTREAM_TESTS)
def test_upstream_tests_pass(module: str, checkout: Path, search_path: str) -> None:
    tests = checkout / "python/caffe/test"
    log = python("-m", "unittest", module, cwd=tests, path=search_path).stderr
    assert f"Ran {UPSTREAM_TESTS[module]} test" in log
    assert "skipped" not in log


def test_no_upstream_test_file_is_left_out(checkout: Path) -> None:
    files = {file.stem for file in (checkout / "python/caffe/test").glob("test_*.py")}
    assert files == set(UPSTREAM_TESTS)


def smooth(height: int, width: int, channels: int = 3) -> Image:
    """Waves, that interpolation changes little, within 0..1."""
    rows, columns, channel = np.mgrid[:height, :width, :channels]
    waves = np.sin(rows / 5 + channel) * np.cos(columns / 7 - channel)
    return (waves / 2 + 0.5).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_datum_round_trip_is_a_copy(dtype: type) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    datum = messages.caffe_pb2.Datum.FromString(
        caffe.io.array_to_datum(array, 7).SerializeToString()
    )
    back = caffe.io.datum_to_array(datum)
    np.testing.assert_array_equal(back, array)
    assert datum.label == 7
    back[0] = 0  # its own memory, which callers may write to


def test_blobproto_vector_round_trip() -> None:
    arrays = [np.arange(6.0).reshape(2, 3), np.ones((1, 2, 1))]
    text = caffe.io.arraylist_to_blobprotovector_str(arrays)
    for back, array in zip(
        caffe.io.blobprotovector_str_to_arraylist(text), arrays, strict=True
    ):
        np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_load_image_reads_what_opencv_reads(channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, channels), np.uint8)
    file = tmp_path / "image.png"
    cv2.imwrite(str(file), pixels)
    color = caffe.io.load_image(str(file))
    expected = np.broadcast_to(pixels[..., :3][..., ::-1], (7, 5, 3))
    assert color.dtype == np.float32
    np.testing.assert_allclose(color, expected / 255, atol=1e-6)
    gray = caffe.io.load_image(str(file), color=False)
    assert gray.shape == (7, 5, 1)
    if channels == 1:
        np.testing.assert_allclose(gray, pixels / 255, atol=1e-6)
    if channels == 3:
        weights = np.array([0.2125, 0.7154, 0.0721])  # scikit-image's: ITU-R BT.709
        np.testing.assert_allclose(gray[..., 0], expected / 255 @ weights, atol=1e-5)


@pytest.mark.parametrize("size", [(40, 60), (13, 17), (24, 31)])
def test_resize_image_interpolates_as_opencv_does(size: tuple[int, int]) -> None:
    """Also where it shrinks: without smoothing. The border is Caffe's own."""
    image = smooth(24, 31)
    expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR)
    resized = caffe.io.resize_image(image, size)
    assert resized.dtype == np.float32
    inside = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(resized[inside], expected[inside], atol=1e-5)


def test_resize_image_of_other_channel_counts_and_of_constants() -> None:
    two = smooth(9, 9, 2)
    resized = caffe.io.resize_image(two, (17, 17))
    np.testing.assert_allclose(resized[::2, ::2], two, atol=1e-6)
    constant = caffe.io.resize_image(np.full((5, 5, 3), 0.25, np.float32), (8, 4))
    np.testing.assert_array_equal(constant, np.full((8, 4, 3), 0.25))


def test_oversample_takes_corners_centre_and_mirrors() -> None:
    image = smooth(10, 12)
    crops = caffe.io.oversample([image, 2 * image], (6, 6))
    places = [(0, 0), (0, 6), (4, 0), (4, 6), (2, 3)]
    expected = [image[row : row + 6, left : left + 6] for row, left in places]
    expected += [crop[:, ::-1] for crop in expected]
    np.testing.assert_array_equal(crops[:10], expected)
    np.testing.assert_array_equal(crops[10:], 2 * np.array(expected))


def test_transformer_there_and_back() -> None:
    transformer = caffe.io.Transformer({"data": (1, 3, 6, 8)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 1, 0))
    transformer.set_raw_scale("data", 255)
    transformer.set_mean("data", np.array([104.0, 117.0, 123.0]))
    transformer.set_input_scale("data", 0.5)
    image = smooth(6, 8)
    blob = transformer.preprocess("data", image.copy())
    bgr = image[..., ::-1].transpose(2, 0, 1)
    mean = np.array([104, 117, 123]).reshape(3, 1, 1)
    np.testing.assert_allclose(blob, (255 * bgr - mean) / 2, atol=1e-4)
    np.testing.assert_allclose(transformer.deprocess("data", blob), image, atol=1e-6)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small net and its random weights, as files."""
    folder = tmp_path_factory.mktemp("model")
    prototxt, weights = folder / "net.prototxt", folder / "net.caffemodel"
    prototxt.write_text(NET)
    caffe.set_random_seed(1)
    caffe.Net(str(prototxt), caffe.TEST).save(str(weights))
    return prototxt, weights


def classify(weights: Image, crops: list[Image]) -> Image:
    """What the small net says, averaged over the crops."""
    scores = np.array([weights @ crop.mean((0, 1)) for crop in crops])
    likelihood = np.exp(scores)
    return (likelihood / likelihood.sum(1, keepdims=True)).mean(0)


def test_classifier_predicts_what_numpy_predicts(model: tuple[Path, Path]) -> None:
    net = caffe.Classifier(
        *map(str, model), image_dims=(10, 12), raw_scale=4, channel_swap=(2, 1, 0)
    )
    images = [smooth(10, 12), smooth(10, 12)[::-1] ** 2]
    weights = net.params["score"][0].data[:, ::-1] * 4
    centre = net.predict(images, oversample=False)
    crops = net.predict(images)
    for index, image in enumerate(images):
        np.testing.assert_allclose(
            centre[index], classify(weights, [image[2:8, 3:9]]), atol=1e-5
        )
        ten = list(caffe.io.oversample([image], (6, 6)))
        np.testing.assert_allclose(crops[index], classify(weights, ten), atol=1e-5)


@pytest.mark.parametrize("context", [None, 1])
def test_detector_scores_windows(
    context: int | None, model: tuple[Path, Path], tmp_path: Path
) -> None:
    file = tmp_path / "image.png"
    cv2.imwrite(str(file), (smooth(20, 20) * 255).astype(np.uint8))
    net = caffe.Detector(*map(str, model), context_pad=context)
    windows = np.array([[2, 3, 8, 9], [0, 0, 12, 12]])
    found = net.detect_windows([(str(file), windows)])
    assert [list(one["window"]) for one in found] == windows.tolist()
    if context is None:  # a window of the net's own size is not resized
        crop = caffe.io.load_image(str(file))[2:8, 3:9]
        expected = classify(net.params["score"][0].data, [crop])
        np.testing.assert_allclose(found[0]["prediction"], expected, atol=1e-5)


def test_classify_command(model: tuple[Path, Path], tmp_path: Path) -> None:
    for name in "ab":
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((9, 9, 3), 90, np.uint8))
    python(
        *(SCRIPTS / "classify.py", tmp_path, tmp_path / "out.npy"),
        *("--model_def", model[0], "--pretrained_model", model[1]),
        *("--images_dim", "8,8", "--ext", "png", "--mean_file", ""),
    )
    predictions = np.load(tmp_path / "out.npy")
    assert predictions.shape == (2, 4)
    np.testing.assert_allclose(predictions.sum(1), 1, atol=1e-5)


def test_draw_net_command_writes_every_layer(tmp_path: Path) -> None:
    prototxt = ROOT / "prototxt/mixed_difference/train_val.prototxt"
    net = text_format.Parse(prototxt.read_text(), messages.caffe_pb2.NetParameter())
    raw = tmp_path / "net.raw"
    command = (SCRIPTS / "draw_net.py", prototxt, raw, "--display_lrm")
    python(*command, "--phase", "TRAIN")
    text = raw.read_text()
    assert text.startswith("digraph")
    for layer in net.layer:
        drawn = re.search(rf'"{layer.name}\\n\({layer.type}', text)
        trained = caffe.TRAIN in [rule.phase for rule in layer.include]
        assert bool(drawn) == (not layer.include or trained), layer.name


def test_net_spec_makes_nets_of_our_layers(tmp_path: Path) -> None:
    spec = caffe.NetSpec()
    spec.data, spec.ids = caffe.layers.DummyData(
        shape=[{"dim": [8, 5]}, {"dim": [8]}],
        data_filler=[{"type": "gaussian"}, {"type": "constant"}],
        ntop=2,
    )
    spec.feature = caffe.layers.L2Normalize(spec.data)
    spec.loss = caffe.layers.CoupledClustersLoss(
        spec.feature,
        positives=2,
        negatives=2,
        margin=0.5,
        gradient=caffe.params.CoupledClustersLoss.CENTER_CONSTANT,
    )
    proto = spec.to_proto()
    assert proto.layer[-1].coupled_clusters_loss_param.margin == 0.5
    (tmp_path / "net.prototxt").write_text(str(proto))
    net = caffe.Net(str(tmp_path / "net.prototxt"), caffe.TRAIN)
    assert net.forward()["loss"] > 0
    norms = np.linalg.norm(net.blobs["feature"].data, axis=1)
    np.testing.assert_allclose(norms, 1, rtol=1e-6)
