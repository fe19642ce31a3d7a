"""The guides, as a reader follows them, at a small size."""

import os
import shutil
from pathlib import Path

import pytest
from commands import CAFFE, ROOT, run, run_caffe, succeed
from shown_commands import blocks
from walks import ITERATIONS, TRAINED, WALKS, Walk

pytestmark = [pytest.mark.caffe, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the guides find it: data, lists, and nets that are small."""
    import caffe

    place = tmp_path_factory.mktemp("place")
    for name in ("tools", "examples"):
        (place / name).symlink_to(ROOT / name)
    (place / ".venv/bin").mkdir(parents=True)
    (place / ".venv/bin/activate").symlink_to(CAFFE.with_name("activate"))
    data, nets = place / "VehicleID_V1.0", place / "nets"
    succeed("render_vehicleid.py", "--output", data, "--preset", "mini")
    for split, name in (("train", "own.txt"), ("test_12", "test.txt")):
        rows = (data / f"train_test_split/{_list_of(split)}").read_text().split("\n")
        models = dict(_pairs(data / "attribute/model_attr.txt"))
        lines = [
            f"{image}.jpg {vehicle} {models.get(vehicle, '')}"
            for image, vehicle in (row.split() for row in rows if row)
        ]
        (place / name).write_text("\n".join(line.strip() for line in lines) + "\n")
    (place / "photos").symlink_to(data / "image")
    lmdb = place / "given_lmdb"
    succeed("build_lmdb.py", data, "--output", lmdb, "--split", "train", "--size", 72)
    succeed("make_nets.py", "--output", nets, "--train", lmdb, "--max-iter", ITERATIONS,
            "--sets", 2)  # fmt: skip
    solver = nets / "mixed_difference/solver.prototxt"
    assert run_caffe("train", "--solver", solver, cwd=place).returncode == 0
    for name in ("mixed.caffemodel", "drdl.caffemodel"):
        shutil.copy(place / TRAINED, place / name)
    deploy = nets / "mixed_difference/deploy.prototxt"
    for name in ("deploy.prototxt", "preprocess.json"):
        (place / name).symlink_to(deploy.with_name(name))
    demo = place / "data/demo"
    demo.mkdir(parents=True)
    (demo / "VehicleID").symlink_to(data)
    made = demo / "mixed_difference.h5"
    succeed("extract_features.py", data, "--output", made, "--split", "test_12",
            "--net", deploy, "--weights", place / "mixed.caffemodel")  # fmt: skip
    succeed("eval_cmc.py", made, "--json", place / "cmc.json")
    for name in ("ccl.h5", "triplet.h5"):
        (place / name).symlink_to(made)
    photographs = sorted((data / "image").iterdir())
    for name, photograph in zip(("photo", "a", "b"), photographs, strict=False):
        (place / f"{name}.jpg").symlink_to(photograph)
    net = caffe.Net(str(nets / "ccl/deploy.prototxt"), caffe.TEST)
    net.save(str(place / "VGG_CNN_M_1024.caffemodel"))
    log = run_caffe("train", "--solver", nets / "ccl/solver.prototxt", cwd=place)
    (place / "ccl.log").write_text(log.stderr)
    return place


def _list_of(split: str) -> str:
    return "train_list.txt" if split == "train" else f"test_list_{split[5:]}.txt"


def _pairs(path: Path) -> list[tuple[str, str]]:
    return [(row.split()[0], row.split()[1]) for row in path.read_text().splitlines()]


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.document)
def test_a_guide_can_be_followed(walk: Walk, place: Path) -> None:
    there = blocks(ROOT / walk.document)
    script = "\n".join(there[number] for number in walk.blocks)
    for old, new in walk.smaller:
        script = script.replace(old, new)
    path = f"{CAFFE.parent}:{os.environ['PATH']}"
    # Caffe says what it does, as to a user; other tests of this process keep it quiet.
    done = run("bash", "-euo", "pipefail", "-c", script, cwd=place, PATH=path,
               OPENBLAS_NUM_THREADS="1", GLOG_minloglevel="0")  # fmt: skip
    assert done.returncode == 0, script + done.stdout[-1500:] + done.stderr[-1500:]
    assert [name for name in walk.made if not (place / name).exists()] == []
