"""PairSetData: its batches pixel by pixel, exact resume, and every bad input."""

import gc
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import lmdb
import numpy as np
import pytest
from commands import run_caffe
from helpers import (
    Fleet,
    Pixels,
    caffe,
    make_fleet,
    read_weights,
    write_index,
)

from pydrdl import messages
from pydrdl.lmdb import pair_index
from pydrdl.lmdb.pair_index import PairIndex, VehicleRecords, read_pair_index

HEIGHT, WIDTH, CROP = 20, 24, 16
MEAN, SCALE = (104.0, 117.5, 123.25), 0.015625
SETS, POSITIVES, NEGATIVES = 3, 3, 4
ROWS = SETS * (POSITIVES + NEGATIVES)
# id: (images, model); ids far apart, one vehicle with one image, three unlabelled.
VEHICLES = {
    3: (2, 7), 40: (5, -1), 41: (1, 9), 500: (4, 7), 7001: (3, 30), 7002: (6, -1),
    90000: (4, 9), 90001: (3, 30), 90002: (5, 7), 16777215: (4, -1),
}  # fmt: skip
DENSE_MODEL = {-1: -1, 7: 0, 9: 1, 30: 2}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def raw(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("raw") / "lmdb")


@pytest.fixture(scope="module")
def jpeg(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("jpeg") / "lmdb", quality=95)


TRANSFORM = (
    f"crop_size: {CROP} mirror: true scale: {SCALE} "
    + " ".join(f"mean_value: {mean}" for mean in MEAN)
)  # fmt: skip


def pair_sets(source: Path, transform: str = TRANSFORM, more: str = "") -> str:
    return f"""
layer {{ name: "pair_sets" type: "PairSetData"
  top: "data" top: "vehicle_id" top: "model_id" param {{ lr_mult: 0 decay_mult: 0 }}
  transform_param {{ {transform} }}
  pair_set_data_param {{ source: "{source}" sets: {SETS} positives: {POSITIVES}
    negatives: {NEGATIVES} seed: 11 {more} }} }}
"""


# Learns, and shows all its state: momentum, batch statistics, a step of the rate.
HEAD = f"""
layer {{ name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param {{ num_output: 4 kernel_size: 5 stride: 2
    weight_filler {{ type: "msra" }} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "conv" }}
layer {{ name: "fc" type: "InnerProduct" bottom: "conv" top: "fc"
  inner_product_param {{ num_output: 8 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "unit" type: "L2Normalize" bottom: "fc" top: "unit" }}
layer {{ name: "loss" type: "CoupledClustersLoss" bottom: "unit" bottom: "vehicle_id"
  top: "loss" coupled_clusters_loss_param {{
    positives: {POSITIVES} negatives: {NEGATIVES} }} }}
layer {{ name: "silence" type: "Silence" bottom: "model_id" }}
"""


def batches(text: str, folder: Path, phase: int, count: int) -> Iterator[dict]:
    """The tops of the first batches of a net."""
    file = folder / "net.prototxt"
    file.write_text(text)
    net = caffe.Net(str(file), phase)
    for _ in range(count):
        net.forward()
        yield {name: blob.data.copy() for name, blob in net.blobs.items()}
    del net
    gc.collect()  # the LMDB is open until its last layer is gone


def pixels_of(data: np.ndarray) -> Pixels:
    """The crop that an image of the batch was made from: height x width x 3."""
    values = data.transpose(1, 2, 0) / SCALE + MEAN
    np.testing.assert_allclose(values, values.round(), atol=1e-3)
    return values.round().astype(np.uint8)


def find(crop: Pixels, pictures: list[Pixels]) -> tuple[int, bool, int, int]:
    """(image, mirrored, top, left) of the place that looks most like a crop."""
    best = []
    for image, picture in enumerate(pictures):
        for mirrored in (False, True):
            wanted = crop[:, ::-1].copy() if mirrored else crop
            fit = cv2.matchTemplate(picture, wanted, cv2.TM_SQDIFF)
            error, _, (left, top), _ = cv2.minMaxLoc(fit)
            best.append((error, image, mirrored, top, left))
    return min(best)[1:]


@pytest.mark.parametrize("kind", ["raw", "jpeg"])
def test_every_pixel_and_label(
    fleet: Fleet, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(kind)
    tolerance = {"raw": 0, "jpeg": 60}[kind]  # 95 % JPEG of hard-edged noise
    seen, places = defaultdict(set), set()
    net = pair_sets(source) + HEAD
    for batch in batches(net, tmp_path, caffe.TRAIN, 60):
        assert batch["data"].shape == (ROWS, 3, CROP, CROP)
        ids = batch["vehicle_id"].astype(int)
        for row, vehicle in enumerate(ids):
            pictures = fleet.pictures(vehicle)
            crop = pixels_of(batch["data"][row])
            image, mirrored, top, left = find(crop, pictures)
            window = pictures[image][top : top + CROP, left : left + CROP]
            expected = window[:, ::-1] if mirrored else window
            difference = np.abs(crop.astype(int) - expected)
            assert difference.max() <= tolerance
            assert difference.mean() <= tolerance / 10
            seen[vehicle].add(image)
            places.add((mirrored, top, left))
            assert batch["model_id"][row] == DENSE_MODEL[VEHICLES[vehicle][1]]
    assert {v: len(images) for v, images in seen.items()} == {
        vehicle: count for vehicle, (count, _) in VEHICLES.items()
    }
    assert len(places) == 2 * (HEIGHT - CROP + 1) * (WIDTH - CROP + 1)


def test_the_sets(fleet: Fleet, raw: Path, tmp_path: Path) -> None:
    net = pair_sets(raw) + HEAD
    positives = []
    for batch in batches(net, tmp_path, caffe.TRAIN, 20):
        ids = batch["vehicle_id"].astype(int).reshape(SETS, -1)
        data = batch["data"].reshape(SETS, -1, 3, CROP, CROP)
        for vehicles, images in zip(ids, data, strict=True):
            assert len(set(vehicles[:POSITIVES])) == 1
            assert len(set(vehicles[POSITIVES - 1 :])) == 1 + NEGATIVES
            pictures = fleet.pictures(vehicles[0])
            shown = {find(pixels_of(i), pictures)[0] for i in images[:POSITIVES]}
            assert len(shown) == min(POSITIVES, len(pictures))
            positives.append(vehicles[0])
    for epoch in range(6):  # of ten sets
        assert sorted(positives[10 * epoch : 10 * epoch + 10]) == sorted(VEHICLES)


def test_hard_negatives(raw: Path, tmp_path: Path) -> None:
    """Two other vehicles have model 7, one has 9, one has 30."""
    net = pair_sets(raw, more="hard_negatives: 0.5") + HEAD
    for batch in batches(net, tmp_path, caffe.TRAIN, 20):
        models = batch["model_id"].astype(int).reshape(SETS, -1)
        for model, *negatives in models[:, POSITIVES - 1 :]:
            if model >= 0:
                assert negatives.count(model) >= {0: 2, 1: 1, 2: 1}[model]


def test_the_test_phase(fleet: Fleet, raw: Path, tmp_path: Path) -> None:
    """Crops of the centre, and the same batches again."""
    transform = TRANSFORM.replace("mirror: true", "mirror: false")
    net = pair_sets(raw, transform, "test_batches: 3") + HEAD
    shown = list(batches(net, tmp_path, caffe.TEST, 6))
    top, left = (HEIGHT - CROP) // 2, (WIDTH - CROP) // 2
    for row, vehicle in enumerate(shown[1]["vehicle_id"].astype(int)):
        crop = pixels_of(shown[1]["data"][row])
        windows = [
            p[top : top + CROP, left : left + CROP] for p in fleet.pictures(vehicle)
        ]
        assert any(np.array_equal(crop, window) for window in windows)
    for name in ("data", "vehicle_id", "model_id"):
        for step in range(3):
            np.testing.assert_array_equal(shown[step][name], shown[step + 3][name])
    assert not np.array_equal(shown[0]["data"], shown[1]["data"])


def test_the_stock_data_layer_reads_the_lmdb(
    fleet: Fleet, raw: Path, tmp_path: Path
) -> None:
    count = len(fleet.images)
    net = f"""layer {{ name: "data" type: "Data" top: "data" top: "label"
      transform_param {{ {TRANSFORM.replace("mirror: true", "")} }}
      data_param {{ source: "{raw}" backend: LMDB batch_size: {count} }} }}"""
    (batch,) = batches(net, tmp_path, caffe.TEST, 1)
    top, left = (HEIGHT - CROP) // 2, (WIDTH - CROP) // 2
    order = sorted(VEHICLES)
    for row, image in enumerate(fleet.images):
        picture = cv2.imread(str(fleet.root / image.path))
        window = picture[top : top + CROP, left : left + CROP]
        np.testing.assert_array_equal(pixels_of(batch["data"][row]), window)
        assert order[int(batch["label"][row])] == image.vehicle_id


# --- caffe train


def write_solver(folder: Path, text: str, **fields: object) -> Path:
    """Writes a net and its solver; fields replace or extend the solver's."""
    (folder / "net.prototxt").write_text(text)
    values = {
        "net": f'"{folder}/net.prototxt"', "base_lr": 0.05, "lr_policy": '"step"',
        "gamma": 0.5, "stepsize": 3, "momentum": 0.9, "weight_decay": 0.01,
        "max_iter": 8, "display": 1, "solver_mode": "CPU", "random_seed": 5,
        "snapshot_prefix": f'"{folder}/model"',
    } | fields  # fmt: skip
    solver = folder / "solver.prototxt"
    solver.write_text("".join(f"{key}: {value}\n" for key, value in values.items()))
    return solver


@pytest.mark.parametrize("iter_size", [1, 2])
def test_resume_is_exact(raw: Path, tmp_path: Path, iter_size: int) -> None:
    def train(name: str, max_iter: int, *options: object) -> str:
        (tmp_path / name).mkdir(exist_ok=True)
        solver = write_solver(
            tmp_path / name,
            pair_sets(raw) + HEAD,
            max_iter=max_iter,
            iter_size=iter_size,
        )
        done = run_caffe("train", "--solver", solver, *options)
        assert done.returncode == 0, done.stderr
        return done.stderr

    train("straight", 8)
    train("parts", 4)
    state = tmp_path / "parts/model_iter_4.solverstate"
    train("parts", 8, "--snapshot", state)
    straight = read_weights(tmp_path / "straight/model_iter_8.caffemodel")
    parts = read_weights(tmp_path / "parts/model_iter_8.caffemodel")
    half = read_weights(tmp_path / "parts/model_iter_4.caffemodel")
    assert set(straight) == {"pair_sets", "conv", "bn", "fc"}
    for name, blobs in straight.items():
        for number, blob in enumerate(blobs):
            assert blob.tobytes() == parts[name][number].tobytes(), name
            if (name, number) != ("bn", 2):  # its weight has converged
                assert blob.tobytes() != half[name][number].tobytes(), name
    assert straight["pair_sets"][0] == 8 * iter_size


def test_any_number_of_threads_trains_the_same_net(jpeg: Path, tmp_path: Path) -> None:
    weights = []
    for threads in (1, 5):
        text = pair_sets(jpeg, more=f"threads: {threads}") + HEAD
        done = run_caffe("train", "--solver", write_solver(tmp_path, text))
        assert done.returncode == 0, done.stderr
        weights.append((tmp_path / "model_iter_8.caffemodel").read_bytes())
    one, five = (messages.caffe_pb2.NetParameter.FromString(w) for w in weights)
    for layer in (*one.layer, *five.layer):
        layer.ClearField("pair_set_data_param")
    for net in (one, five):
        net.ClearField("seal")  # the file's, with the number of threads in it
    assert one == five


# --- Bad input: what, where and what to do next, and exit code 1


def refusal(solver: Path, *options: object) -> str:
    """The message that `caffe train` ends in."""
    done = run_caffe("train", "--solver", solver, *options)
    assert done.returncode == 1, done.stderr[-2000:]
    assert "Check fail" not in done.stderr
    assert "stack trace" not in done.stderr
    assert done.stdout == ""
    before, *messages_shown = re.split(r"^error: ", done.stderr, flags=re.MULTILINE)
    assert len(messages_shown) == 1
    (message,) = messages_shown
    assert re.fullmatch(r".+\n  where: .+\n  next: .+\n", message), message
    assert "Optimization Done" not in before
    return message


def refused_net(folder: Path, net: str) -> str:
    return refusal(write_solver(folder, net, max_iter=60))


def records(folder: Path) -> list[tuple[bytes, bytes]]:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment:
        return list(environment.begin().cursor())


def change_record(folder: Path, number: int, change: Callable[[bytes], bytes]) -> None:
    """Changes a record and makes the index fit the LMDB again."""
    key, value = records(folder)[number]
    index = read_pair_index(folder)
    with lmdb.open(str(folder)) as environment:
        with environment.begin(write=True) as transaction:
            transaction.put(key, change(value))
        fingerprint = pair_index.fingerprint(environment)
    write_index(folder, replace(index, fingerprint=fingerprint))


@pytest.fixture
def own(raw: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil; record 12 is the last of vehicle 500's four."""
    return Path(shutil.copytree(raw, tmp_path / "own"))


@pytest.fixture
def own_jpeg(jpeg: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(jpeg, tmp_path / "own_jpeg"))


def test_the_nets_of_these_tests_train(own: Path, tmp_path: Path) -> None:
    """Else every refusal below could have another reason."""
    change_record(own, 11, lambda value: value)
    solver = write_solver(tmp_path, pair_sets(own) + HEAD, max_iter=60)
    done = run_caffe("train", "--solver", solver)
    assert done.returncode == 0, done.stderr
    assert "Optimization Done" in done.stderr


def test_no_lmdb(tmp_path: Path) -> None:
    message = refused_net(tmp_path, pair_sets(tmp_path / "none") + HEAD)
    assert message.startswith("no image LMDB")
    assert f"{tmp_path}/none/data.mdb: No such file" in message
    assert "tools/build_lmdb.py" in message


def test_a_file_that_is_no_lmdb(own: Path, tmp_path: Path) -> None:
    (own / "data.mdb").write_bytes(b"years of work" * 1000)
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert message.startswith("cannot open the image LMDB")
    assert f"where: {own}\n" in message


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_cut_off_lmdb(own: Path, tmp_path: Path, share: float) -> None:
    """It is mapped into memory: whoever reads beyond its end gets a signal."""
    data = own / "data.mdb"
    size = data.stat().st_size
    os.truncate(data, int(share * size))
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert message.startswith("the image LMDB is cut off")
    assert f"{data}: {int(share * size)} bytes; expected {size}" in message
    assert "tools/build_lmdb.py" in message


def test_no_index(own: Path, tmp_path: Path) -> None:
    (own / "pair_index.binaryproto").unlink()
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert message.startswith("the image LMDB has no pair index")
    assert f"where: {own}/pair_index.binaryproto\n" in message


def test_a_cut_off_index(own: Path, tmp_path: Path) -> None:
    path = own / "pair_index.binaryproto"
    path.write_bytes(path.read_bytes()[:-3])
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert message.startswith("not a pair index")
    assert str(path) in message


@pytest.mark.parametrize("change", ["content", "names", "order", "count"])
def test_the_index_of_another_lmdb(
    fleet: Fleet, own: Path, tmp_path: Path, change: str
) -> None:
    root = Path(shutil.copytree(fleet.root, tmp_path / "changed"))
    images = list(fleet.images)
    if change == "count":
        images.append(replace(images[-1], path=images[0].path))
    elif change == "order":  # of two images of one vehicle
        images[0], images[1] = images[1], images[0]
    elif change == "names":
        images[0] = replace(images[0], path="renamed.png")
        (root / fleet.images[0].path).rename(root / "renamed.png")
    else:  # one file has other pixels
        file = root / images[0].path
        cv2.imwrite(str(file), 255 - cv2.imread(str(file)))
    other = Fleet(root, tuple(images)).build(tmp_path / "other")
    shutil.copy(other / "pair_index.binaryproto", own)
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    count = len(fleet.images)
    reason = (
        f"it names {count + 1} images, the LMDB holds {count}"
        if change == "count"
        else "its fingerprint differs"
    )
    assert message.startswith(f"the pair index is not of this LMDB: {reason}")
    assert f"where: {own}/pair_index.binaryproto" in message


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"model_id": 3}, r"model label 3 is not in -1 \.\. 2"),
        ({"model_id": -2}, r"model label -2 is not in -1 \.\. 2"),
        ({"vehicle_id": 2**24}, "ids must be below 16777216"),
        ({"vehicle_id": 3}, "the id occurs twice"),
        ({"first": 9}, "its records do not follow"),
        ({"count": 3}, "its records do not follow"),
    ],
)
def test_a_wrong_index(
    own: Path, tmp_path: Path, wrong: dict[str, int], reason: str
) -> None:
    index = read_pair_index(own)
    vehicles = list(index.vehicles)
    vehicles[3] = replace(vehicles[3], **wrong)
    write_index(own, replace(index, vehicles=tuple(vehicles)))
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert re.match(f"wrong pair index: {reason}", message)
    named = vehicles[4 if "count" in wrong else 3].vehicle_id
    assert f"pair_index.binaryproto, vehicle {named}\n" in message


def test_keys_that_are_no_numbers(own: Path, tmp_path: Path) -> None:
    key, value = records(own)[11]
    index = read_pair_index(own)
    with lmdb.open(str(own)) as environment:
        with environment.begin(write=True) as transaction:
            transaction.delete(key)
            transaction.put(b"0000001x", value)
        fingerprint = pair_index.fingerprint(environment)
    write_index(own, replace(index, fingerprint=fingerprint))
    message = refused_net(tmp_path, pair_sets(own) + HEAD)
    assert message.startswith("the LMDB has no record 00000011")


def corrupt(value: bytes) -> bytes:
    return messages.Datum(
        data=b"\xff\xd8 no \xff\xd9", encoded=True
    ).SerializeToString()


def empty(value: bytes) -> bytes:
    return messages.Datum(encoded=True).SerializeToString()


def cut_off(value: bytes) -> bytes:
    datum = messages.Datum.FromString(value)
    datum.data = datum.data[: 3 * len(datum.data) // 4]
    return datum.SerializeToString()


def no_datum(value: bytes) -> bytes:
    return b"\xff\xff no datum"


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("own_jpeg", corrupt, "an image does not decode"),
        ("own_jpeg", empty, "an image does not decode"),
        ("own_jpeg", cut_off, "an image is cut off"),
        ("own", cut_off, "a raw image has not the size that it states"),
        ("own", no_datum, "a record is no Caffe Datum"),
    ],
)
@pytest.mark.parametrize("more", ["threads: 1", "threads: 4", "cache: DECODED"])
def test_a_damaged_record_is_named(
    tmp_path: Path,
    kind: str,
    change: Callable[[bytes], bytes],
    reason: str,
    more: str,
    request: pytest.FixtureRequest,
) -> None:
    folder = request.getfixturevalue(kind)
    change_record(folder, 11, change)
    message = refused_net(tmp_path, pair_sets(folder, more=more) + HEAD)
    assert message.startswith(reason)
    named = f"record 11 (00000011_500_3.png) of vehicle 500 in {folder}"
    assert f"where: {named}\n" in message


def test_images_of_two_sizes(own: Path, tmp_path: Path) -> None:
    def shorter(value: bytes) -> bytes:
        datum = messages.Datum.FromString(value)
        datum.height, datum.data = 10, datum.data[: 3 * 10 * WIDTH]
        return datum.SerializeToString()

    change_record(own, 11, shorter)
    for transform in (TRANSFORM, "scale: 1"):
        message = refused_net(tmp_path, pair_sets(own, transform) + HEAD)
        assert message.startswith("an image of 10 x 24 x 3 does not give")
        assert "of vehicle 500 in" in message


def test_a_crop_larger_than_the_images(raw: Path, tmp_path: Path) -> None:
    message = refused_net(tmp_path, pair_sets(raw, "crop_size: 21") + HEAD)
    assert message.startswith("an image of 20 x 24 x 3 does not give 21 x 21 x 3")
    assert "make crop_size smaller" in message


def test_too_few_vehicles(raw: Path, tmp_path: Path) -> None:
    net = pair_sets(raw).replace(f"negatives: {NEGATIVES}", "negatives: 10") + HEAD
    message = refused_net(tmp_path, net)
    assert message.startswith("too few vehicles: a set needs 11")
    assert "there are 10" in message and f"where: {raw}\n" in message


def test_no_vehicle_long_enough(raw: Path, tmp_path: Path) -> None:
    net = pair_sets(raw, more="short_vehicles: SKIP") + HEAD
    net = net.replace(f"positives: {POSITIVES}", "positives: 7")
    assert refused_net(tmp_path, net).startswith("no vehicle has the 7 images")


def test_a_cache_that_does_not_fit(tmp_path: Path) -> None:
    """A large first image says what the others will take; none is decoded yet."""
    folder = tmp_path / "lmdb"
    count, side = 50_000, 4000
    _, data = cv2.imencode(".png", np.zeros((side, side, 3), np.uint8))
    large = messages.Datum(data=data.tobytes(), encoded=True).SerializeToString()
    with lmdb.open(str(folder), map_size=1 << 28) as environment:
        with environment.begin(write=True) as transaction:
            for record in range(count):
                value = b"%d" % record if record else large
                transaction.put(b"%08d" % record, value, append=True)
        fingerprint = pair_index.fingerprint(environment)
    vehicles = (VehicleRecords(v, -1, v * count // 10, count // 10) for v in range(10))
    write_index(folder, PairIndex(fingerprint, 0, tuple(vehicles)))
    message = refused_net(tmp_path, pair_sets(folder, more="cache: DECODED") + HEAD)
    mib = 3 * side * side * count >> 20
    assert message.startswith(f"the DECODED cache does not fit: it takes {mib} MiB")
    assert "set `cache` to ENCODED or NONE" in message


def test_wrong_paths(raw: Path, tmp_path: Path) -> None:
    net = pair_sets(raw) + HEAD
    none = tmp_path / "none.prototxt"
    assert f"where: {none}\n" in refusal(none)
    message = refusal(write_solver(tmp_path, net, net=f'"{none}"'))
    assert message.startswith("cannot open file: No such file")
    assert f"where: {none}\n" in message


@pytest.mark.parametrize("option", ["--weights", "--snapshot"])
def test_wrong_paths_of_weights(raw: Path, tmp_path: Path, option: str) -> None:
    solver = write_solver(tmp_path, pair_sets(raw) + HEAD)
    message = refusal(solver, option, tmp_path / "none")
    assert message.startswith("cannot open file: No such file")
    assert f"where: {tmp_path}/none\n" in message


@pytest.mark.parametrize("snapshot", [0, 4])
def test_no_folder_for_snapshots(raw: Path, tmp_path: Path, snapshot: int) -> None:
    """Said before training, even where only its result is to be written."""
    prefix = f'"{tmp_path}/none/model"'
    solver = write_solver(
        tmp_path, pair_sets(raw) + HEAD, snapshot=snapshot, snapshot_prefix=prefix
    )
    message = refusal(solver)
    assert message.startswith("cannot write snapshots")
    assert f"{tmp_path}/none/model" in message
    assert "Iteration 0" not in run_caffe("train", "--solver", solver).stderr


def test_a_mistyped_field_is_found_by_line_and_column(
    raw: Path, tmp_path: Path
) -> None:
    net = pair_sets(raw, more="\n    negative: 5") + HEAD
    solver = write_solver(tmp_path, net)
    line = net[: net.index("negative: 5")].count("\n") + 1
    done = run_caffe("train", "--solver", solver)
    assert re.search(rf'{line}:13: .*"negative"', done.stderr), done.stderr
    message = refusal(solver)
    assert message.startswith("failed to parse the net")
    assert f"where: {tmp_path}/net.prototxt\n" in message
    solver.write_text("net: 'net.prototxt'\n\nbase_rate: 1\n")
    done = run_caffe("train", "--solver", solver)
    assert re.search(r'3:10: .*"base_rate"', done.stderr), done.stderr
    assert f"where: {solver}\n" in refusal(solver)


@pytest.mark.parametrize("kind", ["caffemodel", "solverstate"])
def test_cut_off_weights(raw: Path, tmp_path: Path, kind: str) -> None:
    solver = write_solver(tmp_path, pair_sets(raw) + HEAD, max_iter=1)
    done = run_caffe("train", "--solver", solver)
    assert done.returncode == 0, done.stderr
    file = tmp_path / f"model_iter_1.{kind}"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    option = {"caffemodel": "--weights", "solverstate": "--snapshot"}[kind]
    message = refusal(solver, option, file)
    assert message.startswith("the file is cut off")
    assert f"where: {file}: " in message
