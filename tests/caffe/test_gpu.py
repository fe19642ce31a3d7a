"""What is computed on a GPU is what is computed on the CPU."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run_caffe, run_tool, succeed
from helpers import HEADS, VEHICLES, Fleet, logged, make_fleet, write_nets

from pydrdl.features import read_features
from pydrdl.nets import prototxt, structures

pytestmark = pytest.mark.gpu
GPU = ("--gpu", "0")


@pytest.fixture(autouse=True)
def _in_float(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAFFE_ALLOW_TF32", "0")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, 80, 90)


@pytest.fixture(scope="module")
def lmdb(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fleet.build(tmp_path_factory.mktemp("lmdb") / "lmdb", 90, (72, 72))


def test_the_gradients_of_every_layer(tmp_path: Path) -> None:
    output = tmp_path / "gradcheck.json"
    done = run_tool("gradcheck.py", "--device", "gpu", "--json", output)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(output.read_text())["rows"]
    assert {row["device"] for row in rows} == {"gpu"}
    assert {row["verdict"] for row in rows} == {"ok"}
    layers = {row["layer"] for row in rows}
    assert {"CoupledClustersLoss", "TripletLoss", "L2Normalize"} < layers


@pytest.mark.parametrize("structure", structures.STRUCTURES)
def test_the_losses_of_a_training(structure: str, lmdb: Path, tmp_path: Path) -> None:
    """The same batches and first weights; four steps round in another order."""
    write_nets(prototxt.DEMO_FAMILY, lmdb, tmp_path, max_iter=4, snapshot=2)
    solver = tmp_path / structure / "solver.prototxt"
    logs = []
    for device in ((), GPU):
        done = run_caffe("train", "--solver", solver, *device)
        assert done.returncode == 0, done.stderr[-3000:]
        logs.append(done.stderr)
    for head in HEADS[structure]:
        here, there = (logged(log, head) for log in logs)
        assert len(here) == 4 and np.isfinite(here).all()
        np.testing.assert_allclose(there, here, rtol=1e-2, atol=1e-3)
        assert there[0] == pytest.approx(here[0], rel=1e-4)


def test_the_features_of_images(
    fleet: Fleet, lmdb: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float the same; TF32 costs what docs/testing.md says."""
    write_nets(prototxt.DEMO_FAMILY, lmdb, tmp_path)
    listed = fleet.listed()
    net = tmp_path / "mixed_difference/deploy.prototxt"
    found = []
    for name, device, tf32 in (("cpu", (), 0), ("gpu", GPU, 0), ("tf32", GPU, 1)):
        monkeypatch.setenv("CAFFE_ALLOW_TF32", str(tf32))
        output = tmp_path / f"{name}.h5"
        words = listed, output, "--net", net, "--untrained", 1, *device
        succeed("extract_features.py", *words)
        found.append(read_features(output).features)
    here, there, rounded = found
    assert np.allclose(np.linalg.norm(here, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-4)
    assert np.linalg.norm(rounded - here, axis=1).max() < 2e-3


def test_the_maps_of_two_photographs(fleet: Fleet, lmdb: Path, tmp_path: Path) -> None:
    """Where the gradients of a distance lie, through every layer of the net."""
    write_nets(prototxt.DEMO_FAMILY, lmdb, tmp_path)
    net = tmp_path / "mixed_difference/deploy.prototxt"
    photographs = [fleet.root / image.path for image in fleet.images[:2]]
    found = []
    for name, device in (("cpu", ()), ("gpu", GPU)):
        output = tmp_path / f"{name}.json"
        words = *photographs, "--net", net, "--untrained", 1, "--json", output
        succeed("explain.py", *words, *device)
        found.append(json.loads(output.read_text()))
    here, there = found
    assert there["squared_distance"] == pytest.approx(
        here["squared_distance"], rel=1e-3
    )
    pairs = zip(here["photographs"], there["photographs"], strict=True)
    for one, other in pairs:
        for kind in ("gradient", "activation"):
            scale = np.abs(one[kind]).max()
            assert scale > 0
            np.testing.assert_allclose(other[kind], one[kind], atol=1e-2 * scale)
