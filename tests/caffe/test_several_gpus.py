"""Training on several GPUs is training on one with the larger batch.

On the CPU, where the GPU's code runs emulated, there are as many devices as a test
asks for (caffe_layers/test/cuda_on_cpu).
"""

from pathlib import Path

import caffe
import numpy as np
import pytest
from commands import run_caffe
from helpers import VEHICLES, make_fleet, read_weights, write_nets

from pydrdl.nets import prototxt

pytestmark = pytest.mark.gpu
STRUCTURE = "mixed_difference"
# Of batch normalisation: each solver averages its own batches.
STATISTICS = "bn"


@pytest.fixture(scope="module")
def lmdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fleet = make_fleet(tmp_path_factory.mktemp("fleet"), VEHICLES, 80, 90)
    return fleet.build(tmp_path_factory.mktemp("lmdb") / "lmdb", 90, (72, 72))


@pytest.fixture(params=[2, 4])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """A number of them that are there."""
    monkeypatch.setenv("CUDA_ON_CPU_DEVICES", str(request.param))
    monkeypatch.setenv("CAFFE_ALLOW_TF32", "0")
    if not caffe.has_nccl():
        pytest.skip("Caffe is built without NCCL")
    if run_caffe("device_query", "--gpu", request.param - 1).returncode:
        pytest.skip(f"there are no {request.param} GPUs")
    return int(request.param)


def train(folder: Path, lmdb: Path, gpus: int, *words: object, **schedule: int) -> None:
    """Trains the net in the folder."""
    batches = schedule.pop("batches", 1)
    write_nets(prototxt.DEMO_FAMILY, lmdb, folder, **({"max_iter": 4} | schedule))
    solver = folder / STRUCTURE / "solver.prototxt"
    solver.write_text(solver.read_text() + f"iter_size: {batches}\n")
    numbers = ",".join(map(str, range(gpus)))
    done = run_caffe("train", "--solver", solver, "--gpu", numbers, *words)
    assert done.returncode == 0, done.stderr[-3000:]


def weights(folder: Path, iteration: int = 4) -> dict[str, np.ndarray]:
    """What a training has learned, layer by layer."""
    file = folder / f"{STRUCTURE}/{STRUCTURE}_iter_{iteration}.caffemodel"
    return {
        name: np.concatenate([blob.ravel() for blob in blobs])
        for name, blobs in read_weights(file).items()
        if not name.startswith((STATISTICS, "pair_sets"))
    }


def test_it_learns_what_one_learns_from_their_batches_together(
    lmdb: Path, tmp_path: Path, gpus: int
) -> None:
    train(tmp_path / "several", lmdb, gpus, snapshot=4)
    # A batch of each GPU, one after the other; and the first GPU's alone.
    train(tmp_path / "one", lmdb, 1, batches=gpus, snapshot=4)
    train(tmp_path / "less", lmdb, 1, snapshot=4)
    several, one, less = (weights(tmp_path / n) for n in ("several", "one", "less"))
    assert several.keys() == one.keys()
    apart = {name: distance(several[name], one[name]) for name in one}
    assert max(apart.values()) < 2e-4, apart
    assert max(distance(less[name], one[name]) for name in one) > 0.01


def distance(here: np.ndarray, there: np.ndarray) -> float:
    """The largest difference, as a part of the largest weight."""
    return float(np.abs(here - there).max() / np.abs(there).max())


def test_stopped_it_goes_on_exactly(lmdb: Path, tmp_path: Path, gpus: int) -> None:
    train(tmp_path / "straight", lmdb, gpus, snapshot=2)
    train(tmp_path / "stopped", lmdb, gpus, max_iter=2, snapshot=2)
    state = tmp_path / f"stopped/{STRUCTURE}/{STRUCTURE}_iter_2.solverstate"
    train(tmp_path / "stopped", lmdb, gpus, "--snapshot", state, snapshot=2)
    straight, resumed = (weights(tmp_path / name) for name in ("straight", "stopped"))
    for name, learned in straight.items():
        np.testing.assert_array_equal(resumed[name], learned, err_msg=name)
    before = weights(tmp_path / "straight", 2)
    assert any((before[name] != straight[name]).any() for name in before)
