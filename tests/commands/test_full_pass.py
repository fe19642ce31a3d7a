"""From nothing to match rates by the commands alone, at the smallest size."""

import json
import re
from pathlib import Path

import pytest
from commands import run_caffe, succeed

from pydrdl.datasets import images_of_split, open_dataset

pytestmark = pytest.mark.caffe

STRUCTURES = ("mixed_difference", "ccl", "triplet")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered data set, checked, with its LMDBs and nets."""
    folder = tmp_path_factory.mktemp("full")
    root = folder / "VehicleID"
    succeed("render_vehicleid.py", root, "--preset", "mini")
    succeed("dataset.py", "check", root)
    for split in ("train", "test_12"):
        lmdb = folder / f"{split}_lmdb"
        succeed("build_lmdb.py", root, lmdb, "--split", split, "--size", 72)
        succeed("verify_lmdb.py", lmdb, "--dataset", root, "--split", split)
    succeed(
        "make_nets.py", "--output", folder / "nets", "--train", folder / "train_lmdb",
        "--test", folder / "test_12_lmdb", "--sets", 2, "--max-iter", 3,
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("structure", STRUCTURES)
def test_render_check_build_train_extract_evaluate(data: Path, structure: str) -> None:
    net = data / "nets" / structure
    trained = run_caffe("train", "--solver", net / "solver.prototxt")
    assert trained.returncode == 0, trained.stderr[-2000:]
    loss = "triplet_loss" if structure == "triplet" else "ccl_loss"
    # One display before max_iter, and a test after each iteration.
    for net_of, times in (("Train", 1), ("Test", 3)):
        shown = re.findall(rf"{net_of} net output #\d+: {loss} = ", trained.stderr)
        assert len(shown) == times, net_of
    features, result = data / f"{structure}.h5", data / f"{structure}.json"
    succeed(
        "extract_features.py", data / "VehicleID", features, "--split", "test_12",
        "--net", net / "deploy.prototxt",
        "--weights", net / f"{structure}_iter_3.caffemodel",
    )  # fmt: skip
    table = succeed("eval_cmc.py", features, "--json", result)
    images = images_of_split(open_dataset(data / "VehicleID"), "test_12")
    entry = json.loads(result.read_text())["results"][0]
    assert entry["features"]["dataset"] == "drawn VehicleID"  # no photographs
    assert entry["gallery"] == 12
    assert entry["probes"] == len(images) - 12
    curve = entry["cmc"]["mean"]
    assert len(curve) == 50 and curve == sorted(curve) and curve[11] == 1.0
    assert f"{len(images) - 12}" in table and structure in table
