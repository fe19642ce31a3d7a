"""The caffe command with our nets: train, test, time, fine-tune, resume."""

import re
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, run_caffe, run_tool
from google.protobuf import text_format
from helpers import (
    HEADS,
    VEHICLES,
    Fleet,
    logged,
    make_fleet,
    read_net,
    read_weights,
    write_nets,
)

from pydrdl import messages
from pydrdl.nets import prototxt, structures

STRUCTURES = structures.STRUCTURES


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, 80, 90)


@pytest.fixture(scope="module")
def small(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("small") / "lmdb", 90, (72, 72))


@pytest.fixture(scope="module")
def large(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("large") / "lmdb", 90, (256, 256))


@pytest.fixture
def demo(small: Path, tmp_path: Path) -> Path:
    write_nets(prototxt.DEMO_FAMILY, small, tmp_path, max_iter=4, snapshot=2)
    return tmp_path


def snapshot(solver: Path, iteration: int, kind: str = "caffemodel") -> Path:
    """What training wrote after so many iterations."""
    message = messages.caffe_pb2.SolverParameter()
    text_format.Parse(solver.read_text(), message)
    return Path(f"{message.snapshot_prefix}_iter_{iteration}.{kind}")


def succeed(*arguments: object) -> str:
    done = run_caffe(*arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.mark.parametrize("structure", STRUCTURES)
def test_train_then_test(demo: Path, structure: str) -> None:
    solver = demo / structure / "solver.prototxt"
    log = succeed("train", "--solver", solver)
    for head in HEADS[structure]:
        values = logged(log, head)
        assert len(values) == 4
        assert np.isfinite(values).all() and min(values) >= 0
    assert "Optimization Done" in log
    tested = succeed(
        "test",
        "--model",
        demo / structure / "train_val.prototxt",
        "--weights",
        snapshot(solver, 4),
        "--iterations",
        "3",
    )
    for head in HEADS[structure]:
        shown = re.findall(rf"Batch \d+, {head} = (\S+)", tested)
        mean = re.findall(rf"caffe.cpp:\d+\] {head} = (\S+)", tested)
        assert len(shown) == 3 and len(mean) == 1
        assert np.isclose(np.mean([float(v) for v in shown]), float(mean[0]), 1e-4)
    assert "the same 2 batches over and over" not in tested  # 6 sets, 1 a batch
    assert "the same 6 batches over and over" in tested


@pytest.mark.parametrize("net", ["train_val", "deploy"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_time(demo: Path, structure: str, net: str) -> None:
    model = demo / structure / f"{net}.prototxt"
    log = succeed("time", "--model", model, "--iterations", "2")
    assert re.search(r"Average Forward-Backward: \S+ ms", log)
    layer = {"train_val": "pair_sets", "deploy": "feature"}[net]
    assert re.search(rf"\] +{layer}\s+forward: \S+ ms", log)


def test_weights_are_where_training_starts(demo: Path) -> None:
    solver = demo / "mixed_difference/solver.prototxt"
    succeed("train", "--solver", solver)
    weights = snapshot(solver, 2)
    start = read_weights(weights)
    # Without a rate nothing is learned; only the batch statistics move.
    frozen = demo / "frozen.prototxt"
    text = solver.read_text().replace("base_lr: 0.01", "base_lr: 0")
    text = text.replace("max_iter: 4", "max_iter: 1").replace("_seed: 1", "_seed: 2")
    frozen.write_text(text)
    log = succeed("train", "--solver", frozen, "--weights", weights)
    assert f"Finetuning from {weights}" in log
    end = read_weights(snapshot(solver, 1))
    learned = [name for name in start if re.match(r"(conv|fc)", name)]
    assert len(learned) == 5 + 2 + 2 + 2 + 2  # trunk and branch, conv, fc, last
    for name in learned:
        for before, after in zip(start[name], end[name], strict=True):
            np.testing.assert_array_equal(before, after)


def test_snapshots_go_on_where_they_ended(demo: Path) -> None:
    solver = demo / "mixed_difference/solver.prototxt"
    straight = succeed("train", "--solver", solver)
    whole = read_weights(snapshot(solver, 4))
    snapshot(solver, 4).unlink()
    state = snapshot(solver, 2, "solverstate")
    resumed = succeed("train", "--solver", solver, "--snapshot", state)
    for head in HEADS["mixed_difference"]:
        assert logged(resumed, head) == logged(straight, head)[2:]
    again = read_weights(snapshot(solver, 4))
    assert list(whole) == list(again)
    for name, blobs in whole.items():
        for before, after in zip(blobs, again[name], strict=True):
            assert before.tobytes() == after.tobytes(), name


def test_test_nets_are_tested_while_training(small: Path, tmp_path: Path) -> None:
    write_nets(
        prototxt.DEMO_FAMILY, small, tmp_path,
        max_iter=4, snapshot=0, test_interval=2, test_iter=3,
    )  # fmt: skip
    log = succeed("train", "--solver", tmp_path / "mixed_difference/solver.prototxt")
    for head in HEADS["mixed_difference"]:
        assert len(re.findall(rf"Test net output #\d+: {head} = \d", log)) == 2
        assert len(re.findall(rf"Train net output #\d+: {head} = \d", log)) == 4


def test_an_unknown_layer_type_names_the_known_ones(demo: Path) -> None:
    model = demo / "ccl/deploy.prototxt"
    model.write_text(model.read_text().replace('"L2Normalize"', '"L2Normalise"'))
    done = run_caffe("time", "--model", model)
    assert done.returncode != 0
    message = re.search(r"Unknown layer type: L2Normalise (.*)", done.stderr)
    assert message
    for known in ("PairSetData", "CoupledClustersLoss", "TripletLoss", "L2Normalize",
                  "Convolution", "SoftmaxWithLoss", "HDF5Data"):  # fmt: skip
        assert re.search(rf"\b{known}\b", message[1])


def test_nets_of_your_own_from_the_tool(small: Path, tmp_path: Path) -> None:
    done = run_tool(
        "make_nets.py", "--output", tmp_path, "--train", small, "--sets", 1,
        "--max-iter", 2, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for structure in STRUCTURES:
        log = succeed("train", "--solver", tmp_path / structure / "solver.prototxt")
        assert f"Top shape: {1 * 10} 3 64 64" in log
        for head in HEADS[structure]:
            assert np.isfinite(logged(log, head)).all()


def test_the_open_choices_are_options_of_the_tool(small: Path, tmp_path: Path) -> None:
    done = run_tool(
        "make_nets.py", "--output", tmp_path, "--train", small, "--sets", 1,
        "--max-iter", 2, "--snapshot", 1, "--seed", 7, "--hard-negatives", 0.4,
        "--wide-fc8", "--no-normalize", "--margin", 0.25, "--gradient", "PAPER",
        cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    solver = tmp_path / "mixed_difference/solver.prototxt"
    layers = read_net(solver.with_name("train_val.prototxt")).layer
    net = {layer.name: layer for layer in layers}
    data = net["pair_sets"].pair_set_data_param
    assert (data.seed, data.hard_negatives) == (7, pytest.approx(0.4))
    loss = net["ccl_loss"].coupled_clusters_loss_param
    assert (loss.margin, loss.gradient) == (0.25, loss.PAPER)
    # The loss reads the feature itself.
    assert net["ccl_loss"].bottom[0] == net["fc8_mixed"].top[0]
    assert "ccl_unit" not in net and "fc8_wide" in net
    succeed("train", "--solver", solver)
    assert snapshot(solver, 1).exists() and snapshot(solver, 2).exists()


@pytest.mark.slow
def test_the_papers_net_trains(large: Path, tmp_path: Path) -> None:
    """At its full size, on four images a batch; about 3 GiB."""
    write_nets(prototxt.PAPER_FAMILY, large, tmp_path, max_iter=2, snapshot=0)
    solver = tmp_path / "mixed_difference/solver.prototxt"
    with solver.open("a") as file:
        file.write("snapshot_after_train: false\n")
    log = succeed("train", "--solver", solver)
    for head in HEADS["mixed_difference"]:
        values = logged(log, head)
        assert len(values) == 2
        assert np.isfinite(values).all() and min(values) >= 0
    # Random weights know nothing about 250 models.
    assert logged(log, "model_loss")[0] == pytest.approx(np.log(250), abs=0.3)
    assert "Top shape: 4 96 109 109" in log and "Top shape: 4 2048" in log
