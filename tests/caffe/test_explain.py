"""Heat maps: against finite differences and NumPy, and right on drawn vehicles."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run_caffe

from pydrdl.arrays import Float32
from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.errors import InputError
from pydrdl.explain.maps import Explanation, explain_pair, last_convolutions, placed
from pydrdl.explain.picture import FAR, NEAR, SIDE, draw_explanation, laid_over
from pydrdl.features.deploy_net import Preprocess
from pydrdl.features.extract import Extractor, forward, open_extractor
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.nets import prototxt, structures
from pydrdl.render.vehicleid import PRESETS, changed, draw_fleet, render_vehicleid

sys.path.append(str(ROOT / "benchmarks"))

from explanation_marks import drawn_pairs, localise

CROP = 12
NAMES = ("a", "b")
HEAD = f"""
layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 1 dim: 3 dim: {CROP} dim: {CROP} }} }} }}
"""


def convolution(name: str, bottom: str, outputs: int, kernel: int = 1) -> str:
    return f"""layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}"
      top: "{name}" convolution_param {{ num_output: {outputs} kernel_size: {kernel}
      weight_filler {{ type: "gaussian" std: 0.5 }}
      bias_filler {{ type: "gaussian" std: 0.5 }} }} }}"""


def inner_product(bottom: str, outputs: int = 6) -> str:
    return f"""layer {{ name: "fc" type: "InnerProduct" bottom: "{bottom}" top: "fc"
      inner_product_param {{ num_output: {outputs}
      weight_filler {{ type: "gaussian" std: 0.3 }} }} }}"""


def layer(kind: str, bottom: str, top: str, parameters: str = "") -> str:
    return f"""layer {{ name: "{kind} of {bottom}" type: "{kind}" bottom: "{bottom}"
      top: "{top}" {parameters} }}"""


MOST = "argmax_param { out_max_val: true }"
AVERAGE = "pooling_param { pool: AVE global_pooling: true }"
SMOOTH = "".join([
    HEAD,
    convolution("conv1", "data", 8, 3),
    layer("BatchNorm", "conv1", "conv1"),
    layer("TanH", "conv1", "conv1"),
    layer("LRN", "conv1", "norm1", "lrn_param { local_size: 5 alpha: 2 k: 2 }"),
    layer("Pooling", "norm1", "pool1",
          "pooling_param { pool: AVE kernel_size: 3 stride: 2 }"),
    convolution("conv2", "pool1", 10, 3),
    layer("Sigmoid", "conv2", "conv2"),
    inner_product("conv2"),
    layer("L2Normalize", "fc", "feature"),
])  # fmt: skip


def opened(folder: Path, layers: str, blob: str | None = None) -> Extractor:
    net = folder / "deploy.prototxt"
    net.write_text(layers)
    made = {"resize": CROP + 2, "crop": CROP, "mean": [104, 117, 123]}
    (folder / "preprocess.json").write_text(json.dumps(made))
    extractor = open_extractor(net, untrained=5, layer=blob, backward=True)
    kinds = dict(zip(extractor.net._layer_names, extractor.net.layers, strict=True))
    for name, blobs in extractor.net.params.items():
        if kinds[name].type == "BatchNorm":
            blobs[0].data[...], blobs[1].data[...], blobs[2].data[...] = 0.3, 2, 1
    return extractor


def two(seed: int = 1) -> tuple[Float32, Float32]:
    random = np.random.default_rng(seed)
    a, b = random.standard_normal((2, 3, CROP, CROP)).astype(np.float32)
    return a, b


def distance(extractor: Extractor, inputs: tuple[Float32, Float32]) -> float:
    a, b = forward(extractor.net, extractor.blob, inputs).astype(np.float64)
    return float(((a - b) ** 2).sum())


def test_the_gradient_is_that_of_finite_differences(tmp_path: Path) -> None:
    extractor, inputs = opened(tmp_path, SMOOTH), two()
    found = explain_pair(extractor, inputs, NAMES)
    assert found.distance == pytest.approx(distance(extractor, inputs), rel=1e-6)
    random, step = np.random.default_rng(2), 0.02
    for number in (0, 1):
        largest = float(np.sqrt(found.maps[number].gradient.max()))
        assert largest > 0.01  # so that rounding is far below
        for y, x in random.integers(0, CROP, (12, 2)):
            squares = 0.0
            for channel in range(3):
                ends = []
                for sign in (1, -1):
                    moved = (inputs[0].copy(), inputs[1].copy())
                    moved[number][channel, y, x] += sign * step
                    ends.append(distance(extractor, moved))
                squares += ((ends[0] - ends[1]) / (2 * step)) ** 2
            own = float(np.sqrt(found.maps[number].gradient[y, x]))
            assert own == pytest.approx(np.sqrt(squares), abs=0.01 * largest)


def test_activation_is_that_of_numpy(tmp_path: Path) -> None:
    """conv1, ReLU in place, the mean and a matrix: all of it in closed form."""
    layers = (
        HEAD + convolution("conv1", "data", 8) + layer("ReLU", "conv1", "conv1")
        + layer("Pooling", "conv1", "mean", AVERAGE) + inner_product("mean")
    )  # fmt: skip
    extractor, inputs = opened(tmp_path, layers), two()
    found = explain_pair(extractor, inputs, NAMES)
    weights, bias = (blob.data for blob in extractor.net.params["conv1"])
    matrix = extractor.net.params["fc"][0].data.astype(np.float64)
    convolved = np.einsum("oi,nihw->nohw", weights[:, :, 0, 0], np.stack(inputs))
    active = np.maximum(convolved + bias[:, None, None], 0)
    apart = matrix @ (active[0] - active[1]).mean(axis=(1, 2))
    assert found.blobs == ("conv1",)
    assert found.distance == pytest.approx(apart @ apart, rel=1e-5)
    for own, values, sign in zip(found.maps, active, (1, -1), strict=True):
        means = sign * 2 * (matrix.T @ apart) / CROP**2
        expected = (means[:, None, None] * values).sum(axis=0)
        assert own.activation is not None
        assert (expected > 0).any() or (expected < 0).any()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(own.activation, expected, atol=1e-5 * scale)
        # Behind the ReLU, which is in place, the input's gradient is also known.
        open_ = (values > 0) * means[:, None, None]
        slope = np.einsum("oi,ohw->ihw", weights[:, :, 0, 0], open_)
        np.testing.assert_allclose(
            own.gradient, (slope**2).sum(axis=0), rtol=1e-4, atol=1e-9
        )


BRANCHES = "".join([
    HEAD,
    convolution("low", "data", 4), layer("TanH", "low", "low"),
    convolution("left", "low", 5), layer("ReLU", "left", "left"),
    convolution("right", "low", 6),
    layer("Pooling", "left", "a", AVERAGE), layer("Pooling", "right", "b", AVERAGE),
    'layer { name: "mixed" type: "Concat" bottom: "a" bottom: "b" top: "mixed" }',
    inner_product("mixed"),
])  # fmt: skip


def activation(found: Explanation, number: int) -> Float32:
    values = found.maps[number].activation
    assert values is not None
    return values


def test_branches_are_added(tmp_path: Path) -> None:
    extractor, inputs = opened(tmp_path, BRANCHES), two()
    both = explain_pair(extractor, inputs, NAMES)
    assert both.blobs == ("left", "right")
    left, right = (explain_pair(extractor, inputs, NAMES, [b]) for b in both.blobs)
    for k in (0, 1):
        added = activation(left, k) + activation(right, k)
        np.testing.assert_allclose(activation(both, k), added, atol=1e-6)
        assert np.abs(activation(left, k) - activation(right, k)).max() > 1e-3
        np.testing.assert_array_equal(both.maps[k].gradient, left.maps[k].gradient)
    # Again, the same: nothing is left over in the net's blobs.
    np.testing.assert_array_equal(
        explain_pair(extractor, inputs, NAMES).maps[0].gradient, both.maps[0].gradient
    )


@pytest.mark.parametrize(
    ("structure", "blobs"),
    [
        ("mixed_difference", ["conv5", "conv5_2"]),
        ("ccl", ["conv5"]),
        ("googlenet_softmax", 4),
    ],
)
def test_the_last_convolutions(structure: str, blobs: list[str] | int) -> None:
    net = ROOT / f"prototxt/demo/{structure}/deploy.prototxt"
    extractor = open_extractor(net, untrained=1, backward=True)
    found = last_convolutions(extractor.net, extractor.blob)
    if isinstance(blobs, int):  # of the last inception module
        assert len(found) == blobs and len({n.split("/")[0] for n in found}) == 1
    else:
        assert [*found] == blobs
    # To go backward changes no feature.
    plain = open_extractor(net, untrained=1)
    side = extractor.preprocess.crop
    shape = 2, 3, side, side
    drawn = [*np.random.default_rng(3).standard_normal(shape).astype(np.float32)]
    np.testing.assert_array_equal(
        forward(extractor.net, extractor.blob, drawn),
        forward(plain.net, plain.blob, drawn),
    )


def test_a_net_without_convolutions_has_the_gradient_alone(tmp_path: Path) -> None:
    extractor, inputs = opened(tmp_path, HEAD + inner_product("data")), two()
    found = explain_pair(extractor, inputs, NAMES)
    matrix = extractor.net.params["fc"][0].data.astype(np.float64)
    apart = matrix @ (inputs[0] - inputs[1]).ravel()
    slope = (2 * matrix.T @ apart).reshape(3, CROP, CROP)
    for own in found.maps:
        assert own.activation is None
        np.testing.assert_allclose(own.gradient, (slope**2).sum(axis=0), rtol=1e-4)
    picture = draw_explanation(
        [np.zeros((20, 30, 3), np.uint8)] * 2, NAMES, found, extractor.preprocess
    )
    assert picture.shape[1] < 3 * SIDE


@pytest.mark.parametrize(
    ("layers", "blob", "blobs", "what"),
    [
        (SMOOTH, None, ["conv9"], "the net has no blob 'conv9'; with height and width"),
        (SMOOTH, None, ["fc"], "blob 'fc' has no height and width"),
        (SMOOTH, "norm1", ["conv2"], "blob 'conv2' has no part in blob 'norm1'"),
        (SMOOTH + layer("ArgMax", "fc", "best", MOST), None, [], "ArgMax"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    layers: str, blob: str | None, blobs: list[str], what: str, tmp_path: Path
) -> None:
    extractor = opened(tmp_path, layers, blob)
    with pytest.raises(InputError, match=what) as caught:
        explain_pair(extractor, two(), NAMES, blobs)
    assert "deploy.prototxt" in str(caught.value.where)
    assert "--blob" in caught.value.next_step or "--layer" in caught.value.next_step


def test_one_photograph_twice_is_refused(tmp_path: Path) -> None:
    extractor, (a, _) = opened(tmp_path, SMOOTH), two()
    with pytest.raises(InputError, match="the two have the same feature"):
        explain_pair(extractor, (a, a), NAMES)


def test_a_map_lies_where_the_crop_was() -> None:
    made = Preprocess(resize=20, crop=10, mean=(0, 0, 0))
    values = np.zeros((10, 10), np.float32)
    values[2, 7] = 1  # of the 20 x 20: row 5 + 2, column 5 + 7
    wide = placed(values, made, (60, 100))
    middle = np.array(np.unravel_index(wide.argmax(), wide.shape))
    assert wide.shape == (60, 100)
    assert np.abs(middle - ((7 + 0.5) * 3, (12 + 0.5) * 5)).max() <= 3
    assert not placed(np.ones((10, 10), np.float32), made, (60, 100))[:13].any()


def test_far_is_red_and_near_is_blue() -> None:
    grey = np.full((2, 3, 3), 128, np.uint8)
    values = np.array([[1, -1, 0], [0.5, -0.5, 0]], np.float32)
    shown = laid_over(grey, values).astype(int)
    for column, colour in ((0, FAR), (1, NEAR)):
        away = np.abs(shown[:, column] - colour).sum(axis=1)
        assert away[0] < 70 and away[0] < away[1]
    assert (shown[:, 2] == 128).all()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A drawn data set, and the demo's net trained on it for a while."""
    folder = tmp_path_factory.mktemp("drawn")
    data = folder / "VehicleID"
    render_vehicleid(PLAN, data)
    dataset = open_dataset(data)
    images = images_of_split(dataset, "train")
    build_image_lmdb(images, dataset.root, folder / "lmdb", size=(72, 72))
    training = replace(
        prototxt.DEMO_FAMILY.training, train_lmdb=str(folder / "lmdb"),
        test_lmdb=str(folder / "lmdb"), sets=8,
    )  # fmt: skip
    schedule = structures.Schedule(
        max_iter=50, display=10, snapshot=50, test_interval=50, test_iter=1
    )
    family = prototxt.own_family(prototxt.DEMO_FAMILY, str(folder), training, schedule)
    for name, text in prototxt.prototxt_files(family):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    done = run_caffe("train", "--solver", folder / "ccl/solver.prototxt")
    assert done.returncode == 0, done.stderr[-3000:]
    return data, folder / "ccl"


PLAN = changed(PRESETS["mini"], train=60, tests=(40,), models=4, images=6.0)


@pytest.mark.slow
def test_the_gradient_lies_on_the_marks_that_differ(drawn: tuple[Path, Path]) -> None:
    """More than their area, more than untrained, and more than on others' marks."""
    fleet = draw_fleet(PLAN)
    pairs = drawn_pairs(PLAN, fleet, fleet.lists["test_40"].tolist())
    assert len(pairs) > 20
    net = drawn[1] / "deploy.prototxt"
    shares = {}
    for name, how in (
        ("trained", {"weights": drawn[1] / "ccl_iter_50.caffemodel"}),
        ("untrained", {"untrained": 1}),
    ):
        extractor = open_extractor(net, backward=True, **how)
        shares[name] = localise(extractor, PLAN, pairs)["gradient"]
    found, chance = shares["trained"], shares["trained"].area.mean()

    assert found.own.mean() > 1.5 * chance
    assert found.own.mean() > 1.1 * found.others.mean()
    assert found.own.mean() > 1.1 * shares["untrained"].own.mean()
