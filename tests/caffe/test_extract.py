"""Preprocessing, weights that must fit, and the net against OpenCV's."""

import itertools
import json
import os
import threading
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from commands import Done, run_tool

pytest.importorskip("caffe", reason="pycaffe is not installed")

from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.features import read_features
from pydrdl.features.deploy_net import Preprocess, check_weights, read_preprocess
from pydrdl.features.partial import DIGEST, partial_path

RESIZE, CROP, MEAN = 21, 16, (104.0, 117.0, 123.0)

NET = """
name: "tiny"
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 stride: 2
    weight_filler { type: "gaussian" std: 0.02 }
    bias_filler { type: "gaussian" std: 0.5 } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "fc2" type: "InnerProduct" bottom: "pool1" top: "fc2"
  inner_product_param { num_output: 6
    weight_filler { type: "gaussian" std: 0.1 }
    bias_filler { type: "gaussian" std: 0.5 } } }
"""


@pytest.fixture(scope="session")
def caffe():
    os.environ.setdefault("GLOG_minloglevel", "2")
    return pytest.importorskip("caffe", reason="pycaffe is not built; tools/setup.sh")


def by_hand(path: Path) -> np.ndarray:
    """The net's input in plain steps: 3 x 16 x 16."""
    pixels = cv2.imread(str(path))
    shrinks = min(pixels.shape[:2]) >= RESIZE
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    pixels = cv2.resize(pixels, (RESIZE, RESIZE), interpolation=method)
    values = np.zeros((3, CROP, CROP))
    for channel in range(3):
        for y in range(CROP):
            for x in range(CROP):  # (21 - 16) / 2 rounded down is 2
                values[channel, y, x] = pixels[y + 2, x + 2, channel] - MEAN[channel]
    return values


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, list[Image]]:
    """A folder with deploy.prototxt, preprocess.json, a list and 7 images."""
    rng = np.random.default_rng(0)
    (tmp_path / "deploy.prototxt").write_text(NET)
    settings = {"resize": RESIZE, "crop": CROP, "mean": MEAN, "scale": 1.0}
    (tmp_path / "preprocess.json").write_text(json.dumps(settings))
    images = []
    for i in range(7):
        size = (40 + i, 30, 3) if i else (12, 14, 3)  # the first is enlarged
        pixels = cv2.blur(rng.integers(0, 256, size).astype(np.uint8), (3, 3))
        cv2.imwrite(str(tmp_path / f"{i}.png"), pixels)
        images.append(Image(f"{i}.png", i // 2, -1, i % 2))
    lines = [f"{i.path} {i.vehicle_id} {i.model_id} {i.camera_id}\n" for i in images]
    (tmp_path / "list.txt").write_text("".join(lines))
    return tmp_path, images


def extract(images, folder: Path, net: Path, batch: int = 32, **options: object):
    from pydrdl.features import extract as module

    return module.extract(
        images, folder, module.open_extractor(net, **options), batch=batch
    )


def extract_to(path: Path, images, folder: Path, *, batch: int = 32, **options: object):
    """The features of an untrained net, by way of a file."""
    from pydrdl.features import extract as module

    extractor = module.open_extractor(folder / "deploy.prototxt", untrained=3)
    sha256 = module.extract_to(path, images, folder, extractor, batch=batch, **options)
    content = read_features(path)
    assert content.sha256 == sha256
    return content


def save_weights(caffe, folder: Path, name: str = "tiny.caffemodel") -> Path:
    caffe.set_random_seed(5)
    net = caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST)
    net.save(str(folder / name))
    return folder / name


def test_preprocess_crops_the_centre_and_centres() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (21, 21, 3)).astype(np.uint8)
    values = Preprocess(21, 16, (1, 2, 3), 0.5)(pixels)
    assert values.shape == (3, 16, 16)
    assert values.dtype == np.float32
    for channel, y, x in ((0, 0, 0), (1, 15, 3), (2, 7, 15)):
        expected = (int(pixels[y + 2, x + 2, channel]) - (channel + 1)) * 0.5
        assert values[channel, y, x] == expected


def test_options_go_before_preprocess_json(made) -> None:
    net = made[0] / "deploy.prototxt"
    assert read_preprocess(net, CROP) == Preprocess(RESIZE, CROP, MEAN, 1.0)
    changed = read_preprocess(net, CROP, resize=30, mean=(1, 2, 3))
    assert changed == Preprocess(30, CROP, (1.0, 2.0, 3.0), 1.0)
    (made[0] / "preprocess.json").unlink()
    assert read_preprocess(net, CROP, resize=30, mean=(1, 2, 3)) == changed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "not known"),
        ("[", "how images are made: Expecting value"),
        ("[]", "how images are made: expected an object"),
        ('{"mean": [1, 2, 3]}', "resize is missing\n.*\n.*give --resize"),
        ('{"resize": 21}', "mean is missing"),
        ('{"resize": 21, "mean": [1, 2]}', "mean: .* at least 3 items"),
        ('{"resize": 21, "mean": 5}', "mean is 5; expected a valid list"),
        ('{"resize": 21, "mean": [1, 2, 3e400]}', "3e400 is too large a number"),
        ('{"resize": 21, "mean": [1, NaN, 3]}', "NaN is no number of JSON"),
        ('{"resize": 21, "mean": [1, -2, 3]}', r"mean\[1\] is -2; expected greater"),
        ('{"resize": 21, "mean": [1, "2", 3]}', r"mean\[1\] is '2'; expected a valid"),
        ('{"resize": true, "mean": [1, 2, 3]}', "resize is True; expected a valid"),
        ('{"resize": 21.5, "mean": [1, 2, 3]}', "resize is 21.5; expected a valid"),
        ('{"resize": 1000000, "mean": [1, 2, 3]}', "resize is 1000000; expected less"),
        ('{"resize": 1, "mean": [1, 2, 3], "scale": 1e39}', "scale is 1e[+]39; exp"),
        (
            '{"resize": 1, "mean": [1, 2, 3], "scale": 0}',
            "scale is 0; expected greater",
        ),
        ('{"resize": 21, "meen": [1, 2, 3]}', "meen is .*extra inputs|meen: [Ee]xtra"),
        ('{"resize": 21, "mean": [1, 2, 3], "resize": 22}', "'resize' is given twice"),
        ('{"resize": 21, "crop": 20, "mean": [1, 2, 3]}', "input is 16 x 16"),
        ('{"resize": 9, "mean": [1, 2, 3]}', "of 9 pixels do not hold a crop of 16"),
    ],
)
def test_preprocess_refuses(made, text: str | None, message: str) -> None:
    path = made[0] / "preprocess.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_preprocess(made[0] / "deploy.prototxt", CROP)


@pytest.mark.parametrize("options", [{"mean": (1, float("nan"), 2)}, {"resize": 10**9}])
def test_options_are_as_strict(made, options: dict[str, object]) -> None:
    with pytest.raises(InputError, match="not how images can be made") as caught:
        read_preprocess(made[0] / "deploy.prototxt", CROP, **options)
    assert "--mean" in caught.value.where


def test_weights_must_hold_every_layer() -> None:
    wanted = {"conv1": [(8, 3, 5, 5), (8,)], "fc2": [(6, 72), (6,)]}
    check_weights(wanted, {**wanted, "fc8": [(1000, 6)]}, "w")
    old = {"conv1": [(8, 3, 5, 5), (1, 1, 1, 8)], "fc2": [(1, 1, 6, 72), (1, 1, 1, 6)]}
    check_weights(wanted, old, "w")
    with pytest.raises(InputError, match="1 of the net's 2 learnable layers"):
        check_weights(wanted, {"conv1": wanted["conv1"], "fc": []}, "w")
    with pytest.raises(InputError, match=r"'fc2' has blobs .*hold \[\(7, 72\)"):
        check_weights(wanted, {**wanted, "fc2": [(7, 72), (7,)]}, "w")
    with pytest.raises(InputError, match="'fc2' has blobs"):
        check_weights(wanted, {**wanted, "fc2": [(6, 72)]}, "w")


def test_features_equal_opencv(caffe, made) -> None:
    """OpenCV reads the same files and computes without Caffe."""
    folder, images = made
    weights = save_weights(caffe, folder)
    content = extract(
        images, folder, folder / "deploy.prototxt", weights=weights, batch=3
    )
    net = cv2.dnn.readNetFromCaffe(str(folder / "deploy.prototxt"), str(weights))
    expected = []
    for image in images:
        net.setInput(by_hand(folder / image.path)[None].astype(np.float32))
        expected.append(net.forward().ravel())
    assert np.std(expected, axis=0).min() > 0.05  # images differ in every dimension
    np.testing.assert_allclose(content.features, expected, rtol=1e-4, atol=1e-4)
    assert content.names == tuple(f"{i}.png" for i in range(7))
    assert content.vehicle_ids.tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert content.camera_ids.tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert content.source.layer == "fc2"
    assert json.loads(content.source.preprocess)["mean"] == list(MEAN)


DATA = """
layer {{ name: "data" type: "Data" top: "data"
  data_param {{ source: "{}" batch_size: 7 backend: LMDB }}
  transform_param {{ crop_size: 16
    mean_value: 104 mean_value: 117 mean_value: 123 }} }}
"""


def test_input_equals_what_caffe_reads_from_the_training_lmdb(caffe, made) -> None:
    from pydrdl.features.extract import decoded
    from pydrdl.lmdb.build import build_image_lmdb

    folder, images = made
    build_image_lmdb(
        images, folder, folder / "lmdb", size=(RESIZE, RESIZE), jpeg_quality=None
    )
    (folder / "data.prototxt").write_text(DATA.format(folder / "lmdb"))
    net = caffe.Net(str(folder / "data.prototxt"), caffe.TEST)
    net.forward()
    inputs = decoded(images, folder, Preprocess(RESIZE, CROP, MEAN), window=3)
    np.testing.assert_array_equal(np.stack(list(inputs)), net.blobs["data"].data)


@pytest.mark.parametrize("batch", [1, 7, 32])
def test_batch_size_changes_nothing(caffe, made, batch: int) -> None:
    folder, images = made
    args = (images, folder, folder / "deploy.prototxt")
    reference = extract(*args, untrained=3, batch=2).features
    np.testing.assert_allclose(
        extract(*args, untrained=3, batch=batch).features, reference, atol=1e-5
    )


def one_after_another(images, folder: Path, batch: int) -> list[np.ndarray]:
    """The features of each batch, without threads or pydrdl.features.extract."""
    import caffe

    caffe.set_random_seed(3)
    net = caffe.Net(str(folder / "deploy.prototxt"), caffe.TEST)
    parts = []
    for first in range(0, len(images), batch):
        group = images[first : first + batch]
        inputs = np.stack([by_hand(folder / image.path) for image in group])
        net.blobs["data"].reshape(*inputs.shape)
        net.blobs["data"].data[...] = inputs
        parts.append(net.forward()["fc2"].copy())
    return parts


def rows_kept(partial: Path, batch: int) -> bytes:
    """The features of fc2 in a partial file; a digest follows every batch."""
    data = partial.read_bytes().split(b"\n", 1)[1]
    size = batch * 6 * 4 + DIGEST
    parts = (data[start : start + size] for start in range(0, len(data), size))
    return b"".join(part[:-DIGEST] for part in parts)


@pytest.mark.parametrize("batch", [2, 3])
def test_threads_change_no_bit_and_no_order(caffe, made, batch: int) -> None:
    folder, images = made
    many = images * 5
    expected = np.concatenate(one_after_another(many, folder, batch))
    net = folder / "deploy.prototxt"
    content = extract(many, folder, net, untrained=3, batch=batch)
    assert content.features.tobytes() == expected.tobytes()


@pytest.mark.parametrize("batch", [2, 3])
def test_the_file_holds_the_same_bits(caffe, made, batch: int) -> None:
    folder, images = made
    expected = np.concatenate(one_after_another(images, folder, batch))
    content = extract_to(folder / "out.h5", images, folder, batch=batch, split="all")
    assert content.features.tobytes() == expected.tobytes()
    net = folder / "deploy.prototxt"
    straight = extract(images, folder, net, untrained=3, batch=batch)
    assert content.sha256 == straight.sha256
    assert content.source == straight.source.model_copy(update={"split": "all"})
    assert not partial_path(folder / "out.h5").exists()


def test_half_precision(caffe, made) -> None:
    folder, images = made
    whole = extract_to(folder / "whole.h5", images, folder)
    half = extract_to(folder / "half.h5", images, folder, half=True)
    np.testing.assert_array_equal(
        half.features, whole.features.astype(np.float16).astype(np.float32)
    )
    with h5py.File(folder / "half.h5") as file:
        assert file["features"].dtype == np.float16


def test_half_precision_refuses_what_it_cannot_hold(caffe, made) -> None:
    folder, images = made
    net = folder / "deploy.prototxt"
    net.write_text(NET.replace("std: 0.1", "std: 1e4"))
    with pytest.raises(InputError, match=r"more than half precision takes \(65,504\)"):
        extract_to(folder / "half.h5", images, folder, half=True)
    assert not (folder / "half.h5").exists()


def test_what_was_computed_before_an_error_is_kept(caffe, made) -> None:
    folder, images = made
    output = folder / "out.h5"
    good = (folder / "5.png").read_bytes()
    (folder / "5.png").write_bytes(b"not an image")
    with pytest.raises(InputError, match=r"corrupt image of vehicle 2"):
        extract_to(output, images, folder, batch=2)
    expected = np.concatenate(one_after_another(images[:4], folder, 2))
    assert rows_kept(partial_path(output), 2) == expected.tobytes()
    (folder / "5.png").write_bytes(good)
    content = extract_to(output, images, folder, batch=2)
    whole = np.concatenate(one_after_another(images, folder, 2))
    assert content.features.tobytes() == whole.tobytes()


def test_the_disk_is_written_behind_the_net(caffe, made, monkeypatch) -> None:
    """A batch is on its way to the disk while the net computes the next."""
    from pydrdl.features import extract as module

    folder, images = made
    begun = [threading.Event() for _ in range(4)]  # passes
    passes, writes = itertools.count(), itertools.count(1)
    plain, append = module.forward, module.PartialFeatures.append

    def forward(*args: object) -> np.ndarray:
        begun[next(passes)].set()
        return plain(*args)

    def late(self: object, part: np.ndarray) -> None:
        behind = next(writes)
        assert behind == 4 or begun[behind].wait(timeout=20), "no pass meanwhile"
        append(self, part)

    monkeypatch.setattr(module, "forward", forward)
    monkeypatch.setattr(module.PartialFeatures, "append", late)
    extract_to(folder / "out.h5", images, folder, batch=2)
    assert next(writes) == 5


def test_a_disk_that_is_full_ends_the_extraction(caffe, made, monkeypatch) -> None:
    from pydrdl.features import extract as module

    def full(*_: object) -> None:
        raise InputError("cannot write the features so far", "here", "make room")

    folder, images = made
    monkeypatch.setattr(module.PartialFeatures, "append", full)
    for count in (1, 7):  # also where it is the last batch's write
        with pytest.raises(InputError, match="cannot write the features so far"):
            extract_to(folder / "out.h5", images[:count], folder, batch=2)


def test_layer_is_read_after_what_works_in_place(caffe, made) -> None:
    folder, images = made
    args = (images, folder, folder / "deploy.prototxt")
    features = extract(*args, untrained=3, layer="conv1").features
    assert features.shape == (7, 8 * 6 * 6)
    assert features.min() == 0  # ReLU has run
    other = extract(*args, untrained=4, layer="conv1").features
    assert abs(features - other).max() > 0.1


def test_hdf5_weights(caffe, made) -> None:
    folder, images = made
    net_path = folder / "deploy.prototxt"
    weights = save_weights(caffe, folder)
    net = caffe.Net(str(net_path), caffe.TEST, weights=str(weights))
    net.save_hdf5(str(folder / "w.caffemodel.h5"))
    np.testing.assert_array_equal(
        extract(images, folder, net_path, weights=weights).features,
        extract(images, folder, net_path, weights=folder / "w.caffemodel.h5").features,
    )


def test_refuses_what_caffe_lets_pass_or_aborts_on(caffe, made) -> None:
    folder, images = made
    net = folder / "deploy.prototxt"
    weights = save_weights(caffe, folder)

    def refused(message: str, text: str = NET, **options: object) -> None:
        net.write_text(text)
        with pytest.raises(InputError, match=message):
            extract(images, folder, net, **({"weights": weights} | options))

    refused("not in the weights: fc3", NET.replace('"fc2"', '"fc3"'))
    refused("'fc2' has blobs", NET.replace("num_output: 6", "num_output: 7"))
    refused("no layer type Convolutoin", NET.replace('"Convolution"', '"Convolutoin"'))
    refused(r"not a net: 3:1 .*lyer", NET.replace("layer {", "lyer {", 1))
    refused("expected 1 x 3 x H x H", NET.replace("dim: 3", "dim: 4"))
    refused("no blob 'fc9'; it has data, conv1", layer="fc9")
    refused("either weights or", untrained=1)
    refused("either weights or", weights=None)
    refused("the weights: No such file", weights=folder / "none")
    refused("not a caffemodel|no weights", weights=folder / "list.txt")
    (folder / "empty").write_bytes(b"")
    refused("no weights", weights=folder / "empty")
    with h5py.File(folder / "other.h5", "w") as file:
        file["x"] = 1
    refused("no weights", weights=folder / "other.h5")
    zero = NET.replace('type: "gaussian"', 'type: "constant"')
    refused("zero throughout.*\n.*'fc2'", zero, weights=None, untrained=1)
    cv2.imwrite(str(folder / "5.png"), np.full((30, 30, 3), MEAN, np.uint8))
    no_bias = NET.replace('bias_filler { type: "gaussian" std: 0.5 }', "")
    refused("image '5.png'", no_bias, weights=None, untrained=1, batch=2)
    (folder / "3.png").write_bytes(b"not an image")
    refused("corrupt image")


def by_tool(folder: Path, *options: object) -> Done:
    return run_tool("extract_features.py", folder / "list.txt", *options)


def test_tool(caffe, made) -> None:
    folder, _ = made
    output = folder / "out.h5"
    net = ("--net", folder / "deploy.prototxt")
    done = by_tool(folder, output, *net, "--untrained", 3, "--mean", "1,2,3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "7 x 6 of blob fc2" in done.stdout
    content = read_features(output)
    assert content.features.shape == (7, 6)
    assert content.source.dataset == "list"
    assert content.source.weights == "untrained, seed 3"
    assert json.loads(content.source.preprocess)["mean"] == [1, 2, 3]
    again = by_tool(folder, output, *net, "--untrained", 3)
    assert again.returncode == 1
    assert again.stderr.startswith("error: the output exists\n  where: ")
    wrong = by_tool(folder, folder / "b.h5", *net, "--untrained", 3, "--mean", "1,2")
    assert wrong.returncode == 2
    assert "expected B,G,R" in wrong.stderr
    assert not (folder / "b.h5").exists()
