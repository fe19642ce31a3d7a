"""Dense labels: any ids become 0, 1, ...; and they travel with the nets."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import ROOT, run_tool
from hypothesis import given
from hypothesis import strategies as st

from pydrdl.datasets import Image
from pydrdl.errors import InputError
from pydrdl.lmdb.labels import (
    FILE_NAME,
    MAX_VEHICLE_ID,
    Labels,
    dense_labels,
    read_labels,
    same_models,
    to_json,
)

ids = st.integers(0, MAX_VEHICLE_ID)
models = st.integers(-1, 10**6)


@given(st.dictionaries(ids, models, min_size=1), st.integers(0, 300), st.data())
def test_labels_are_dense_whatever_the_ids(
    model_of: dict[int, int], num_models: int, data: st.DataObject
) -> None:
    shown = data.draw(st.permutations([*model_of, *model_of]))
    images = [Image(str(n), v, model_of[v]) for n, v in enumerate(shown)]
    labels = dense_labels(images, num_models)
    assert list(labels.vehicle_ids) == sorted(model_of)
    occurring = {model for model in model_of.values() if model >= 0}
    assert occurring <= set(labels.model_ids)
    assert list(labels.model_ids) == sorted(set(labels.model_ids))
    if num_models and max(occurring, default=-1) < num_models:
        assert labels.model_ids == tuple(range(num_models))
    else:  # ids above the count: only those that occur
        assert set(labels.model_ids) == occurring


@given(st.lists(ids, unique=True), st.lists(ids, unique=True))
def test_labels_round_trip(
    tmp_path_factory: pytest.TempPathFactory, vehicles: list[int], models: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("lmdb")
    labels = Labels(tuple(sorted(vehicles)), tuple(sorted(models)))
    (folder / FILE_NAME).write_text(to_json(labels, "vehicle"))
    assert read_labels(folder) == labels


def test_comparison(tmp_path: Path) -> None:
    for name, models in (("a", (2, 5)), ("b", (2, 5)), ("c", (2, 6))):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE_NAME).write_text(to_json(Labels((1,), models), "model"))
    assert same_models(tmp_path / "a", tmp_path / "b")
    assert not same_models(tmp_path / "a", tmp_path / "c")
    (tmp_path / "b" / FILE_NAME).write_text("{}")
    with pytest.raises(InputError, match="what the labels stand for"):
        same_models(tmp_path / "b", tmp_path / "a")


@pytest.mark.caffe
def test_labels_lie_beside_nets_that_are_made_for_an_lmdb(tmp_path: Path) -> None:
    from pydrdl.lmdb.build import build_image_lmdb

    for n in range(4):
        cv2.imwrite(str(tmp_path / f"{n}.png"), np.full((8, 8, 3), 40 * n, np.uint8))
    lmdbs = {"train": (300, 7), "test": (300, 8)}
    for name, model_ids in lmdbs.items():
        images = [Image(f"{n}.png", n // 2, model_ids[n // 2]) for n in range(4)]
        build_image_lmdb(images, tmp_path, tmp_path / name, size=(72, 72))
    command = "--output", tmp_path / "nets", "--train", tmp_path / "train"

    def make(*options: str) -> str:
        done = run_tool("make_nets.py", *command, *options, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert make() == ""
    nets = list((tmp_path / "nets").glob("*/deploy.prototxt"))
    assert len(nets) >= 3
    for net in nets:
        content = json.loads((net.parent / FILE_NAME).read_text())
        assert content["model_ids"] == [7, 300]
    again = ("--overwrite", "--test")
    assert make(*again, str(tmp_path / "train")) == ""
    assert "numbers them otherwise" in make(*again, str(tmp_path / "test"))
