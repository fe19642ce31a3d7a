"""build_lmdb.py --labels: a test LMDB numbers vehicle models as the training one."""

import gc
import json
from pathlib import Path

import pytest
from commands import run_tool, succeed
from helpers import Fleet, caffe, image_list, make_fleet
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.datasets import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.labels import dense_labels, read_labels, with_known_models
from pydrdl.lmdb.pair_index import read_pair_index

pytestmark = pytest.mark.caffe

# id: (images, model)
TRAIN = {1: (2, 30), 2: (2, 7), 3: (2, -1), 4: (2, 12)}
TEST = {20: (3, 12), 21: (3, 9), 22: (3, -1), 23: (3, 30), 24: (2, 8), 25: (3, 9)}
DENSE = {20: 1, 21: -1, 22: -1, 23: 2, 24: -1, 25: -1}  # in 7, 12, 30
models = st.integers(-1, 40)


@given(
    st.dictionaries(st.integers(0, 99), models, min_size=1),
    st.lists(st.integers(0, 40), unique=True).map(sorted),
    st.integers(0, 50),
)
def test_the_given_ids_number_the_models(
    model_of: dict[int, int], numbering: list[int], num_models: int
) -> None:
    images = [Image(str(n), v, m) for n, (v, m) in enumerate(model_of.items())]
    kept = with_known_models(images, numbering)
    assert [(i.path, i.vehicle_id) for i in kept] == [
        (i.path, i.vehicle_id) for i in images
    ]
    for before, after in zip(images, kept, strict=True):
        known = before.model_id in numbering
        assert after.model_id == (before.model_id if known else -1)
    labels = dense_labels(kept, num_models, numbering)
    assert labels.model_ids == tuple(numbering)
    assert list(labels.vehicle_ids) == sorted(model_of)
    unknown = {i.model_id for i in images} - {-1, *numbering}
    if unknown:
        with pytest.raises(InputError, match=f"{len(unknown)} vehicle models, such as"):
            dense_labels(images, num_models, numbering)


def write_list(path: Path, fleet: Fleet) -> Path:
    path.write_text(image_list(fleet.images))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lists train.txt and test.txt, and the LMDBs train, own and test of them."""
    made = tmp_path_factory.mktemp("labels")
    for name, vehicles in (("train", TRAIN), ("test", TEST)):
        write_list(made / f"{name}.txt", make_fleet(made, vehicles, 16, 20))
    build(made, "train.txt", "train")
    build(made, "test.txt", "own")
    build(made, "test.txt", "test", "--labels", made / "train")
    return made


def build(folder: Path, listed: str, output: str, *more: object) -> str:
    words = (folder / listed, folder / output, "--split", "all", "--size", 72)
    return succeed("build_lmdb.py", *words, *more)


def test_index_and_labels_are_the_trainings(folder: Path) -> None:
    assert read_labels(folder / "own").model_ids == (8, 9, 12, 30)
    assert read_labels(folder / "test").model_ids == (7, 12, 30)
    index = read_pair_index(folder / "test")
    assert index.num_models == 3
    assert {v.vehicle_id: v.model_id for v in index.vehicles} == DENSE


def test_a_test_net_compares_with_the_trainings_numbers(folder: Path) -> None:
    net_file = folder / "net.prototxt"
    net_file.write_text(
        'layer { name: "d" type: "PairSetData" top: "data" top: "vehicle" top: "model" '
        f'pair_set_data_param {{ source: "{folder / "test"}" sets: 6 positives: 2 '
        "negatives: 2 } }"
    )
    net = caffe.Net(str(net_file), caffe.TEST)
    seen = {}
    for _ in range(4):
        net.forward()
        vehicles, shown = (net.blobs[n].data.ravel() for n in ("vehicle", "model"))
        seen |= dict(zip(vehicles.tolist(), shown.tolist(), strict=True))
    del net
    gc.collect()
    assert seen == DENSE


def test_how_many_are_unknown_is_said(folder: Path) -> None:
    labels = ("--labels", folder / "train")
    said = build(folder, "test.txt", "again", *labels)
    lines = " ".join(said.split())
    assert "8 images of 2 models that it lacks: unlabelled (-1)" in lines
    assert "images with model label │ 6 │" in lines
    said = build(folder, "train.txt", "same", *labels)
    assert "which has all of them" in " ".join(said.split())


def test_nets_that_test_on_it_are_not_warned_of(folder: Path) -> None:
    nets = ("--output", folder / "nets", "--overwrite")
    words = (*nets, "--train", folder / "train", "--test")
    own = run_tool("make_nets.py", *words, folder / "own")
    assert own.returncode == 0
    assert f"tools/build_lmdb.py --labels {folder / 'train'}" in own.stderr
    assert run_tool("make_nets.py", *words, folder / "test").stderr == ""


def test_it_is_whole_beside_the_data_set(folder: Path) -> None:
    beside = ("--dataset", folder / "test.txt", "--split", "all")
    said = succeed("verify_lmdb.py", folder / "test", *beside)
    assert "nothing is wrong" in said
    build(
        folder, "test.txt", "few", "--labels", folder / "train", "--labelled-only",
        "--label", "model",
    )  # fmt: skip
    assert read_pair_index(folder / "few").fingerprint.num_images == 6
    beside += ("--labelled-only",)
    succeed("verify_lmdb.py", folder / "few", *beside)
    # Records that do not carry what the training's labels say are found.
    path = folder / "few" / "build.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"model_ids": [7, 12]}))
    done = run_tool("verify_lmdb.py", folder / "few", *beside)
    assert done.returncode == 1
    assert "does not stand for this data set's ids" in done.stdout
    path.write_text(json.dumps(content | {"model_ids": "7"}))
    done = run_tool("verify_lmdb.py", folder / "few")
    assert "model_ids is '7'; expected a valid list" in done.stdout


def test_vehicles_as_models_are_numbered_too(folder: Path) -> None:
    """As CompCars' models, which train and test share."""
    lines = (folder / "test.txt").read_text() + (folder / "train.txt").read_text()
    (folder / "both.txt").write_text(lines)
    build(folder, "train.txt", "vehicles", "--vehicles-as-models")
    assert read_labels(folder / "vehicles").model_ids == (1, 2, 3, 4)
    labels = ("--vehicles-as-models", "--labels", folder / "vehicles")
    said = build(folder, "both.txt", "both", *labels)
    assert "17 images of 6 models that it lacks" in " ".join(said.split())
    shown = {
        v.vehicle_id: v.model_id for v in read_pair_index(folder / "both").vehicles
    }
    assert shown == dict.fromkeys(TEST, -1) | {1: 0, 2: 1, 3: 2, 4: 3}
    beside = ("--dataset", folder / "both.txt", "--split", "all")
    succeed("verify_lmdb.py", folder / "both", *beside, "--vehicles-as-models")


def test_what_names_no_image_lmdb_is_refused(folder: Path) -> None:
    done = run_tool(
        "build_lmdb.py", folder / "test.txt", folder / "x", "--split", "all",
        "--labels", folder / "none",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot read what the labels stand for" in done.stderr
    assert not (folder / "x").exists()


def test_an_interrupted_build_keeps_its_numbers(folder: Path) -> None:
    """What was begun with other labels is not completed."""
    partial = folder / "y.partial"
    partial.mkdir()
    (partial / "build.json").write_text((folder / "test" / "build.json").read_text())
    done = run_tool(
        "build_lmdb.py", folder / "test.txt", folder / "y", "--split", "all",
        "--size", 16,
    )  # fmt: skip
    assert done.returncode == 1
    assert "an interrupted build of other images or options" in done.stderr
    build(folder, "test.txt", "y", "--labels", folder / "train")
    assert read_labels(folder / "y") == read_labels(folder / "test")
