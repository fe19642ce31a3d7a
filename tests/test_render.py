"""The rendered VehicleID: what depends on what, and what lies on disk."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.datasets import Dataset, read_vehicleid
from pydrdl.errors import InputError
from pydrdl.render.chance import generator
from pydrdl.render.fleet import PRESETS, Plan, draw_fleet
from pydrdl.render.model import draw_model
from pydrdl.render.photo import photograph
from pydrdl.render.vehicle import Vehicle, draw_vehicle
from pydrdl.render.writer import render_vehicleid

MINI = PRESETS["mini"]
TINY = replace(MINI, train=3, tests=(1, 2), images=3.0, size=32)


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered") / "mini"
    render_vehicleid(MINI, folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def dataset(mini: Path) -> Dataset:
    return read_vehicleid(mini)


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_splits_and_labels(dataset: Dataset) -> None:
    assert list(dataset.splits) == ["train", "test_12"]
    assert dataset.num_models == 6
    train, test = (
        {image.vehicle_id for image in images} for images in dataset.splits.values()
    )
    assert (len(train), len(test), train & test) == (24, 12, set())
    images = [image for split in dataset.splits.values() for image in split]
    counts = Counter(image.vehicle_id for image in images)
    assert min(counts.values()) >= 2
    labelled = {image.vehicle_id for image in images if image.model_id >= 0}
    assert 0.25 < len(labelled) / 36 < 0.75
    for entry in draw_fleet(MINI):
        shown = {i.model_id for i in images if i.vehicle_id == entry.vehicle}
        assert shown == {entry.model if entry.labelled else -1}


def test_the_images_are_those_of_the_lists(mini: Path, dataset: Dataset) -> None:
    listed = {image.path for images in dataset.splits.values() for image in images}
    assert {f"image/{path.name}" for path in (mini / "image").iterdir()} == listed
    for path in listed:
        assert cv2.imread(str(mini / path)).shape == (64, 64, 3)


def test_formats_of_the_release(mini: Path) -> None:
    patterns = {
        "README.md": rb"(?s)# A rendered VehicleID\n.*",
        "attribute/img2vid.txt": rb"(\d{7} \d+\n)+",
        "attribute/model_attr.txt": rb"(\d+ \d+\n)+",
        "attribute/color_attr.txt": rb"(\d+ [0-6]\n)+",
        "attribute/model_names.txt": rb"([^ \n]+ \d+\n)+",
        "attribute/color_names.txt": rb"([a-z]+ \d\r\n){7}",
        "train_test_split/train_list.txt": rb"(\d{7} \d+\n)+",
        "train_test_split/test_list_12.txt": rb"(\d{7} \d+\n)+",
    }
    found = {name: data for name, data in files(mini).items() if "image/" not in name}
    assert found.keys() == patterns.keys()
    for name, data in found.items():
        assert re.fullmatch(patterns[name], data), name
    names = found["attribute/model_names.txt"].decode("utf-8").split()
    assert names[1::2] == ["0", "1", "2", "3", "4", "5"]
    assert not names[0].isascii()
    train, test, every = (
        found[name].splitlines()
        for name in (
            "train_test_split/train_list.txt",
            "train_test_split/test_list_12.txt",
            "attribute/img2vid.txt",
        )
    )
    assert sorted(train + test) == every
    assert train != sorted(train)


def test_same_bytes_again_and_on_several_processes(tmp_path: Path) -> None:
    render_vehicleid(TINY, tmp_path / "one", workers=1)
    render_vehicleid(TINY, tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    render_vehicleid(replace(TINY, seed=2), tmp_path / "other", workers=1)
    first, second = files(tmp_path / "one"), files(tmp_path / "other")
    assert first["image/0000001.jpg"] != second["image/0000001.jpg"]


def test_test_lists_are_named_by_their_vehicles(tmp_path: Path) -> None:
    render_vehicleid(TINY, tmp_path / "set", workers=1)
    splits = read_vehicleid(tmp_path / "set").splits
    vehicles = {name: {i.vehicle_id for i in images} for name, images in splits.items()}
    assert {name: len(ids) for name, ids in vehicles.items()} == {
        "train": 3,
        "test_1": 1,
        "test_2": 2,
    }
    assert not vehicles["train"] & vehicles["test_2"]


def test_an_image_depends_on_its_numbers_only() -> None:
    model, vehicle = draw_model(1, 0), draw_vehicle(1, 0)
    first = photograph(model, vehicle, 1, 0, 0, 48)
    photograph(draw_model(1, 3), draw_vehicle(1, 5), 1, 5, 2, 48)
    draw_model.cache_clear()
    draw_vehicle.cache_clear()
    again = photograph(draw_model(1, 0), draw_vehicle(1, 0), 1, 0, 0, 48)
    np.testing.assert_array_equal(first, again)
    for other in ((2, 0, 0), (1, 1, 0), (1, 0, 1)):
        assert (
            np.abs(photograph(model, vehicle, *other, 48) - first.astype(int)).max()
            > 20
        )


@given(st.integers(0, 2**31), st.integers(0, 30_000), st.integers(0, 200))
def test_streams_differ(seed: int, vehicle: int, image: int) -> None:
    draws = [
        generator(seed, vehicle, image).random(),
        generator(seed, vehicle, image + 1).random(),
        generator(seed, vehicle + 1, image).random(),
        *(generator(seed, vehicle, kind=kind).random() for kind in (1, 2, 3)),
    ]
    assert len(set(draws)) == len(draws)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 100), st.integers(0, 1000))
def test_any_vehicle_can_be_drawn(seed: int, model: int, vehicle: int) -> None:
    for image in range(2):
        pixels = photograph(
            draw_model(seed, model),
            draw_vehicle(seed, vehicle),
            seed,
            vehicle,
            image,
            32,
        )
        assert pixels.shape == (32, 32, 3) and pixels.dtype == np.uint8
        assert pixels.std() > 8


def difference(vehicle: Vehicle, other: Vehicle) -> float:
    """Mean difference of two vehicles' images, camera and light being the same."""
    model = draw_model(1, 0)
    pairs = (
        [photograph(model, shown, 1, 0, image, 64).astype(float) for image in range(6)]
        for shown in (vehicle, other)
    )
    return float(np.mean([np.abs(a - b).mean() for a, b in zip(*pairs, strict=True)]))


def test_marks_are_seen_at_64_pixels() -> None:
    vehicles = [draw_vehicle(1, number) for number in range(40)]
    white = [vehicle for vehicle in vehicles if vehicle.colour == 5][:6]
    twins = [replace(vehicle, paint=white[0].paint) for vehicle in white]
    for twin in twins[1:]:
        assert difference(twins[0], twin) > 1
    assert difference(twins[0], twins[0]) == 0


def test_the_fleet_is_as_the_release() -> None:
    plan = PRESETS["demo"]
    fleet = draw_fleet(plan)
    counts = np.array([len(entry.images) for entry in fleet])
    assert counts.min() == 2
    assert abs(counts.mean() - 8.4) < 0.8
    assert counts.max() > 4 * counts.mean()
    models = Counter(entry.model for entry in fleet)
    assert models.keys() <= set(range(20))
    assert max(models.values()) > 5 * np.median(list(models.values()))
    assert 0.4 < np.mean([entry.labelled for entry in fleet]) < 0.6
    names = sorted(name for entry in fleet for name in entry.images)
    assert names == list(range(1, counts.sum() + 1))
    larger = draw_fleet(replace(plan, train=310))
    for entry, same in zip(fleet, larger, strict=False):
        assert (entry.model, len(entry.images)) == (same.model, len(same.images))


def test_rendering_goes_on_after_an_interruption(tmp_path: Path) -> None:
    render_vehicleid(TINY, tmp_path / "whole", workers=1)

    class KilledError(Exception):
        pass

    def progress(items, what, total):  # type: ignore[no-untyped-def]
        for number, item in enumerate(items):
            if number == 2:
                raise KilledError
            yield item

    folder = tmp_path / "set"
    with pytest.raises(KilledError):
        render_vehicleid(TINY, folder, workers=1, progress=progress)
    assert not (folder / "train_test_split/train_list.txt").exists()
    left = sorted((folder / "image").glob("*.jpg"))
    assert 0 < len(left) < len(list((tmp_path / "whole/image").iterdir()))
    left[0].write_bytes(b"kept")
    with pytest.raises(InputError, match="another plan"):
        render_vehicleid(replace(TINY, seed=9), folder, workers=1)
    render_vehicleid(TINY, folder, workers=1)
    assert left[0].read_bytes() == b"kept"
    shutil.copy(tmp_path / "whole/image" / left[0].name, left[0])
    assert files(folder) == files(tmp_path / "whole")


def test_finished_and_foreign_folders_are_refused(mini: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for folder in (mini, tmp_path):
        before = files(folder)
        with pytest.raises(InputError, match="not empty"):
            render_vehicleid(MINI, folder, workers=1)
        assert files(folder) == before


def test_the_command(tmp_path: Path) -> None:
    tool = Path(__file__).parents[1] / "tools/render_vehicleid.py"
    options = "--preset mini --vehicles 3 --test-vehicles 1 --test-vehicles 2"
    command = [sys.executable, str(tool), str(tmp_path / "set"), *options.split()]
    command += ["--images", "3", "--size", "32", "--workers", "1"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"train\W+3\W+\d+\W+test_1\W+1\W+\d+\W+test_2\W+2", done.stdout)
    render_vehicleid(TINY, tmp_path / "same", workers=1)
    assert files(tmp_path / "set") == files(tmp_path / "same")
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 1 and "not empty" in again.stderr


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"train": 0}, "--vehicles"), ({"tests": ()}, "--test-vehicles"),
        ({"tests": (3, 2)}, "--test-vehicles"), ({"tests": (0,)}, "--test-vehicles"),
        ({"models": 0}, "--models"), ({"images": 1.5}, "--images"),
        ({"size": 8}, "--size"), ({"seed": -1}, "--seed"),
    ],
)  # fmt: skip
def test_impossible_plans_are_refused(change: dict[str, int], where: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(Plan(train=3, tests=(2,), models=2), **change)
    assert caught.value.where == where
