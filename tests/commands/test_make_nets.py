"""tools/make_nets.py: which nets it writes for an LMDB, and what it says."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import run_tool, succeed
from google.protobuf import text_format
from helpers import caffe

pytest.importorskip("caffe.proto", reason="pycaffe is not installed")

from pydrdl.datasets import Image
from pydrdl.lmdb.build import build_image_lmdb
from pydrdl.messages import caffe_pb2
from pydrdl.nets import prototxt

pytestmark = pytest.mark.caffe

EVERY = {*prototxt.NETS}
OF_VEHICLES = {"ccl", "triplet"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for n in range(8):
        picture = np.full((40, 50, 3), 30 * n, np.uint8)
        assert cv2.imwrite(str(folder / f"{n}.png"), picture)
    return folder


def build(
    photos: Path,
    output: Path,
    models: Sequence[int],
    side: int | None = 72,
    num_models: int = 0,
) -> Path:
    """An LMDB of four vehicles of two images each."""
    images = [Image(f"{n}.png", n // 2, models[n // 2]) for n in range(8)]
    size = None if side is None else (side, side)
    build_image_lmdb(images, photos, output, size=size, num_models=num_models)
    return output


def written(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/solver.prototxt")}


def last(said: str) -> list[str]:
    """The command that the last line gives."""
    line = said.strip().splitlines()[-1]
    assert line.startswith("next"), line
    return shlex.split(line.partition(": ")[2])


def solver(folder: Path, net: str) -> "caffe_pb2.SolverParameter":
    text = (folder / net / "solver.prototxt").read_text()
    return text_format.Parse(text, caffe_pb2.SolverParameter())


# A data set may say how many models there are, of which its images show none.
@pytest.mark.parametrize(
    ("models", "num_models", "why"),
    [
        ((-1, -1, -1, -1), 0, "no image of lmdb has a model label"),
        ((-1, -1, -1, -1), 250, "no image of lmdb has a model label"),
        ((3, -1, 3, -1), 0, "all labelled images of lmdb are of one vehicle model"),
        ((3, -1, 3, -1), 250, "all labelled images of lmdb are of one vehicle model"),
    ],
)
def test_without_models_it_leads_to_nets_that_need_none(
    photos: Path, tmp_path: Path, models: Sequence[int], num_models: int, why: str
) -> None:
    build(photos, tmp_path / "lmdb", models, num_models=num_models)
    words = ("--output", "nets", "--train", "lmdb")
    said = succeed("make_nets.py", *words, cwd=tmp_path)
    assert written(tmp_path / "nets") == OF_VEHICLES
    for net in EVERY - OF_VEHICLES:
        assert not (tmp_path / "nets" / net).exists()
        assert re.search(rf"not written: .*\b{net}\b.*{why}", said)
    assert last(said) == ["caffe", "train", "--solver", "nets/ccl/solver.prototxt"]

    (tmp_path / "list.txt").write_text("".join(f"{n}.png {n // 2}\n" for n in range(8)))
    words_of_check = ("list.txt", "--root", photos, "--negatives", 3)
    advice = succeed("dataset.py", "check", *words_of_check, cwd=tmp_path)
    (named,) = re.findall(r"train a net without that branch \((.*)\)", advice)
    assert set(named.split(", ")) == OF_VEHICLES

    for net in EVERY:
        done = run_tool("make_nets.py", *words, "--net", net, cwd=tmp_path)
        if net in OF_VEHICLES:
            assert done.returncode == 0
            assert "not written" not in done.stdout
            assert last(done.stdout)[-1] == f"nets/{net}/solver.prototxt"
        else:
            assert done.returncode == 1
            assert done.stderr.startswith(f"error: {net} ")
            assert why in done.stderr
            assert "next: train ccl or triplet; or write a model_id" in done.stderr
    assert written(tmp_path / "nets") == OF_VEHICLES


def test_with_models_it_leads_to_the_papers_net(photos: Path, tmp_path: Path) -> None:
    build(photos, tmp_path / "lmdb", (3, 4, -1, -1))
    nets = tmp_path / "my nets"
    said = succeed("make_nets.py", "--output", nets, "--train", tmp_path / "lmdb")
    assert written(nets) == EVERY
    assert "not written" not in said
    path = str(nets / "mixed_difference/solver.prototxt")
    assert last(said) == ["caffe", "train", "--solver", path]
    assert said.strip().splitlines()[-1].startswith("next: "), "absolute: anywhere"


def test_nets_of_earlier_labels_are_pointed_out(photos: Path, tmp_path: Path) -> None:
    build(photos, tmp_path / "old", (0, 1, 2, 3))
    build(photos, tmp_path / "new", (-1, -1, -1, -1))
    succeed("make_nets.py", "--output", "nets", "--train", "old", cwd=tmp_path)
    words = ("--output", "nets", "--train", "new", "--overwrite")
    done = run_tool("make_nets.py", *words, cwd=tmp_path)
    assert done.returncode == 0
    assert "warning: mixed_difference, vgg_softmax, googlenet_softmax" in done.stderr


def test_every_file_with_paths_says_where_they_start(
    photos: Path, tmp_path: Path
) -> None:
    lmdb = build(photos, tmp_path / "lmdb", (3, 4, -1, -1))
    succeed("make_nets.py", "--output", tmp_path / "nets", "--train", lmdb)
    for path in (tmp_path / "nets").rglob("*.prototxt"):
        text = path.read_text()
        holds_paths = re.search(r'^ *(net|source|snapshot_prefix): "', text, re.M)
        assert ("\n# Relative paths start from the folder" in text) == bool(holds_paths)


def test_what_was_edited_is_not_lost(photos: Path, tmp_path: Path) -> None:
    lmdb = build(photos, tmp_path / "lmdb", (-1, -1, -1, -1))
    words = ("--output", tmp_path / "nets", "--train", lmdb)
    succeed("make_nets.py", *words)
    succeed("make_nets.py", *words)  # the same again changes nothing
    edited = tmp_path / "nets/ccl/solver.prototxt"
    edited.write_text(edited.read_text() + "iter_size: 2\n")
    done = run_tool("make_nets.py", *words)
    assert done.returncode == 1
    assert f"where: {edited}" in done.stderr
    assert "--overwrite" in done.stderr
    assert edited.read_text().endswith("iter_size: 2\n")
    succeed("make_nets.py", *words, "--overwrite")
    assert "iter_size" not in edited.read_text()


def test_a_test_lmdb_is_tested_on(photos: Path, tmp_path: Path) -> None:
    """What the README promises: losses on other vehicles while training."""
    train = build(photos, tmp_path / "train", (-1, -1, -1, -1))
    words = ("--output", tmp_path / "nets", "--train", train, "--overwrite")
    succeed("make_nets.py", *words)
    alone = solver(tmp_path / "nets", "ccl")
    assert (alone.test_interval, list(alone.test_iter)) == (0, [])
    for iterations, interval, step in ((600, 100, 200), (4, 1, 2), (10_000, 100, 3334)):
        more = ("--test", train, "--max-iter", iterations)
        succeed("make_nets.py", *words, *more)
        tested = solver(tmp_path / "nets", "ccl")
        assert (tested.test_interval, list(tested.test_iter)) == (interval, [2])
        assert (tested.max_iter, tested.stepsize) == (iterations, step)


def test_small_nets_take_the_papers_form(photos: Path, tmp_path: Path) -> None:
    """LRN, no batch normalisation, and dropout behind fc6 and fc7 as in VGG_CNN_M."""
    train, nets = build(photos, tmp_path / "train", (-1, -1, -1, -1)), tmp_path / "nets"
    form = ("--no-batch-norm", "--dropout", 0.25)
    succeed("make_nets.py", "--output", nets, "--train", train, *form)
    net = caffe_pb2.NetParameter()
    text_format.Parse((nets / "ccl/train_val.prototxt").read_text(), net)
    kinds = Counter(layer.type for layer in net.layer)
    assert (kinds["LRN"], kinds["BatchNorm"]) == (2, 0)
    dropout = [layer for layer in net.layer if layer.type == "Dropout"]
    assert [(d.name, d.dropout_param.dropout_ratio) for d in dropout] == [
        ("drop6", 0.25)
    ]


@pytest.mark.parametrize(
    ("side", "base", "said", "ends_with_next"),
    [
        (72, "demo", "", True),
        (256, "paper", "", True),
        (256, "demo", "256 x 256 pixels; .* see no more of them than 64 x 64", True),
        (72, "paper", "72 x 72 pixels; .* need 224 x 224: .* --size 256", False),
        (None, "demo", "50 x 40 pixels; .* need 64 x 64: .* --size 72", False),
    ],
)
def test_images_of_another_size_are_told(
    photos: Path,
    tmp_path: Path,
    side: int | None,
    base: str,
    said: str,
    ends_with_next: bool,
) -> None:
    lmdb = build(photos, tmp_path / "lmdb", (-1, -1, -1, -1), side)
    words = ("--output", tmp_path / "nets", "--train", lmdb, "--base", base)
    done = run_tool("make_nets.py", *words)
    assert done.returncode == 0
    if said:
        assert re.search(f"^warning: .*{said}", done.stderr)
    else:
        assert done.stderr == ""
    assert ("next: caffe train" in done.stdout) == ends_with_next


def transform(folder: Path, net: str) -> "list[caffe_pb2.TransformationParameter]":
    """What TRAIN and TEST do to an image."""
    found = caffe_pb2.NetParameter()
    text_format.Parse((folder / net / "train_val.prototxt").read_text(), found)
    return [layer.transform_param for layer in found.layer[:2]]


def test_images_of_any_size_are_cropped_as_asked(photos: Path, tmp_path: Path) -> None:
    nets, lmdb = tmp_path / "nets", build(photos, tmp_path / "lmdb", (0, 1, 0, 1), 100)
    words = ("--output", nets, "--train", lmdb, "--overwrite")
    done = run_tool("make_nets.py", *words, "--crop", 96)
    assert (done.returncode, done.stderr) == (0, "")
    for net in EVERY:
        assert [phase.crop_size for phase in transform(nets, net)] == [96, 96]
        assert [phase.mirror for phase in transform(nets, net)] == [True, False]
        seen = json.loads((nets / net / "preprocess.json").read_text())
        assert (seen["resize"], seen["crop"]) == (100, 96)
        text = (nets / net / "deploy.prototxt").read_text()
        deployed = text_format.Parse(text, caffe_pb2.NetParameter())
        assert deployed.layer[0].input_param.shape[0].dim == [1, 3, 96, 96]
    succeed("make_nets.py", *words, "--crop", 100, "--no-mirror")
    for net in EVERY:
        assert [phase.mirror for phase in transform(nets, net)] == [False, False]
    done = run_tool("make_nets.py", *words, "--crop", 101)
    assert done.returncode == 1
    assert "100 x 100 pixels do not hold a crop of 101" in done.stderr
    assert f"where: {lmdb}" in done.stderr
    assert transform(nets, "ccl")[0].crop_size == 100, "nothing was written"


@pytest.mark.parametrize("base", ["demo", "paper"])
def test_the_smallest_crop_is_the_smallest_that_caffe_can_pool(
    photos: Path, tmp_path: Path, base: str
) -> None:
    least, lmdb = prototxt.LEAST_CROP[base], tmp_path / "lmdb"
    vehicles = [Image(f"{n}.png", n, n // 4) for n in range(8)]
    build_image_lmdb(vehicles, photos, lmdb, size=(least, least))
    words = ("--output", tmp_path / "nets", "--train", lmdb, "--base", base)
    done = run_tool("make_nets.py", *words, "--crop", least - 1)
    assert done.returncode == 2 and f"at least {least}" in done.stderr
    assert not (tmp_path / "nets").exists()
    succeed("make_nets.py", *words, "--crop", least, "--sets", 1)
    nets = [tmp_path / "nets" / net / "train_val.prototxt" for net in EVERY]
    for path in nets:
        caffe.Net(str(path), caffe.TRAIN)
    refused = []
    for path in nets:
        text = path.read_text()
        smaller = text.replace(f"crop_size: {least}", f"crop_size: {least - 1}")
        assert smaller != text
        path.write_text(smaller)
        try:
            caffe.Net(str(path), caffe.TRAIN)
        except RuntimeError as error:
            refused.append(str(error))
    assert refused and all("does not fit an image of" in said for said in refused)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--base", "Demo"), ("--base", "vgg"), ("--base", ""),
        ("--net", "vgg_ccl"), ("--gradient", "exact"), ("--gradient", "EXAKT"),
        ("--max-iter", 0), ("--max-iter", 2**31), ("--max-iter", "many"),
        ("--base-lr", 0), ("--base-lr", "nan"), ("--base-lr", "inf"),
        ("--stepsize", 0), ("--stepsize", -5), ("--seed", -1), ("--seed", 2**31),
        ("--margin", "nan"), ("--margin", "-inf"), ("--margin", -0.5),
        ("--sets", 0), ("--sets", 10**12), ("--snapshot", -1),
        ("--hard-negatives", 1.5), ("--hard-negatives", "nan"),
        ("--hard-negatives", -0.1), ("--dropout", 1), ("--dropout", "nan"),
        ("--crop", 0), ("--crop", -64), ("--crop", "all"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_wrong_use(
    tmp_path: Path, option: str, value: object
) -> None:
    words = ("--output", tmp_path / "nets", "--train", tmp_path)
    done = run_tool("make_nets.py", *words, option, value)
    assert done.returncode == 2
    assert f"Invalid value for '{option}'" in done.stderr
    assert not (tmp_path / "nets").exists()


@pytest.mark.parametrize(
    "words",
    [("--margin", 1.0), ("--train", "lmdb"), ("--test", "lmdb"), ("--wide-fc8",),
     ("--base", "paper"), ("--net", "ccl"), ("--no-batch-norm",), ("--no-mirror",),
     ("--crop", 64)],
)  # fmt: skip
def test_options_that_would_change_nothing_are_refused(
    tmp_path: Path, words: Sequence[object]
) -> None:
    done = run_tool("make_nets.py", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert "for nets of your own: give --output too" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_without_options_it_writes_what_is_committed(tmp_path: Path) -> None:
    said = succeed("make_nets.py", cwd=tmp_path)
    made = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert made == set(said.split())
    assert "prototxt/solver.prototxt" in made
