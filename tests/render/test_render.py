"""The rendered VehicleID on disk: layout, determinism, interruptions."""

import os
import random
import re
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from commands import run_tool, start, succeed, tool
from interruptions import KilledError, ends_after, files, tool_killed_when

from pydrdl.datasets import Dataset, read_vehicleid
from pydrdl.errors import InputError
from pydrdl.parallel import spread
from pydrdl.render.folder import MARKER
from pydrdl.render.vehicleid import (
    PRESETS,
    changed,
    draw_fleet,
    render_vehicleid,
)

UNREADABLE = "no split lists|cannot read a file of the data set"
MINI = PRESETS["mini"]
TINY = replace(MINI, train=3, tests=(1, 2), images=3.0, size=32)
TOOL = "render_vehicleid.py"
TINY_OPTIONS = [
    "--preset", "mini", "--vehicles", "3", "--test-vehicles", "1",
    "--test-vehicles", "2", "--images", "3", "--size", "32",
]  # fmt: skip


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered") / "mini"
    render_vehicleid(MINI, folder, workers=1)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("rendered") / "tiny"
    render_vehicleid(TINY, folder, workers=1)
    return files(folder)


@pytest.fixture(scope="module")
def dataset(mini: Path) -> Dataset:
    return read_vehicleid(mini)


def test_splits_and_labels(dataset: Dataset) -> None:
    assert list(dataset.splits) == ["train", "test_12"]
    assert dataset.num_models == 7
    train, test = (
        {image.vehicle_id for image in images} for images in dataset.splits.values()
    )
    assert (len(train), len(test), train & test) == (24, 12, set())
    images = [image for split in dataset.splits.values() for image in split]
    counts = Counter(image.vehicle_id for image in images)
    assert min(counts.values()) >= 2
    fleet = draw_fleet(MINI)
    assert 0 < fleet.labelled.sum() < len(fleet)
    for entry in fleet.entries():
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
    assert names[1::2] == [str(number) for number in range(7)]
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


def test_same_bytes_on_several_processes(
    tmp_path: Path, tiny: dict[str, bytes]
) -> None:
    render_vehicleid(TINY, tmp_path / "two", workers=2)
    assert files(tmp_path / "two") == tiny
    render_vehicleid(replace(TINY, seed=2), tmp_path / "other", workers=1)
    other = files(tmp_path / "other")
    assert tiny["image/0000001.jpg"] != other["image/0000001.jpg"]


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


def test_rendering_goes_on_after_an_interruption(
    tmp_path: Path, tiny: dict[str, bytes]
) -> None:
    folder, drawn = tmp_path / "set", tmp_path / "set.partial"
    with pytest.raises(KilledError):
        render_vehicleid(TINY, folder, workers=1, progress=ends_after(2))
    with pytest.raises(InputError, match=UNREADABLE):
        read_vehicleid(folder)
    left = sorted((drawn / "image").glob("*.jpg"))
    assert 0 < len(left) < sum(name.startswith("image/") for name in tiny)
    left[0].write_bytes(b"kept")
    with pytest.raises(InputError, match="another plan"):
        render_vehicleid(replace(TINY, seed=9), folder, workers=1)
    drawn.rename(folder)  # where versions before 0.2 drew
    with pytest.raises(InputError, match=UNREADABLE):
        read_vehicleid(folder)
    render_vehicleid(TINY, folder, workers=1)
    kept = folder / "image" / left[0].name
    assert kept.read_bytes() == b"kept"
    kept.write_bytes(tiny[f"image/{kept.name}"])
    assert files(folder) == tiny
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_killed_at_random_moments(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    """SIGKILL after some images; no reader takes what is left for a data set."""
    draws, folder = random.Random(7), tmp_path / "set"
    drawn = tmp_path / "set.partial"
    words = (folder, *TINY_OPTIONS, "--workers", 2)
    images = sum(name.startswith("image/") for name in tiny)
    for least in sorted(draws.sample(range(images), 3)):
        if not tool_killed_when(
            TOOL,
            words,
            lambda least=least: len(list(drawn.glob("image/*.jpg"))) >= least,
        ):  # it was faster
            break
        if not (folder / "train_test_split").exists():
            with pytest.raises(InputError, match=UNREADABLE):
                read_vehicleid(folder)
            for path in drawn.glob("image/*.jpg"):
                assert path.read_bytes() == tiny[f"image/{path.name}"]
    if not folder.exists() or (folder / MARKER).exists():
        succeed(TOOL, *words)
    assert files(folder) == tiny


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    options = ["--preset", "demo", "--workers", "2"]
    folder = tmp_path / "set"
    job = start(*tool(TOOL), folder, *options, session=True)
    drawn = folder.with_name("set.partial")
    while job.poll() is None and not list(drawn.glob("image/*.jpg")):
        time.sleep(0.02)
    job.kill()
    job.wait()
    for _ in range(1500):  # up to 30 s, on a busy machine
        try:
            os.killpg(job.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    os.killpg(job.pid, signal.SIGKILL)
    raise AssertionError("workers outlive the process that began them")


@pytest.mark.parametrize("moment", ["image", "attributes", "lists", "name", "marker"])
def test_killed_while_a_file_takes_its_name(
    moment: str,
    tmp_path: Path,
    tiny: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    which = {"image": ".jpg", "attributes": "README", "lists": "train_list"}
    replaced, unlinked, renamed = Path.replace, Path.unlink, Path.rename
    dead = False

    def die() -> None:
        nonlocal dead
        dead = True
        raise KilledError

    def replace(self: Path, target: Path) -> Path:
        if moment in which and which[moment] in target.name:
            die()
        return replaced(self, target)

    def rename(self: Path, target: Path) -> Path:
        if moment == "name":
            die()
        return renamed(self, target)

    def unlink(self: Path, missing_ok: bool = False) -> None:
        # Whoever is dead tidies nothing up.
        if dead or (moment == "marker" and self.name == MARKER):
            die()
        unlinked(self, missing_ok=missing_ok)

    folder, drawn = tmp_path / "set", tmp_path / "set.partial"
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "rename", rename)
        patch.setattr(Path, "unlink", unlink)
        render_vehicleid(TINY, folder, workers=1)
    left = [path.name for path in drawn.rglob(".*.part")]
    assert len(left) == (moment in which)
    if moment == "image":
        assert not list(drawn.glob("image/*.jpg"))
    if moment != "marker":
        with pytest.raises(InputError, match=UNREADABLE):
            read_vehicleid(folder)
    render_vehicleid(TINY, folder, workers=1)
    assert files(folder) == tiny


def test_a_killed_worker_is_reported() -> None:
    with pytest.raises(InputError, match="a process ended") as caught:
        list(spread(os._exit, [3], 2))
    assert caught.value.where == "--workers 2"


def test_finished_and_foreign_folders_are_refused(mini: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for folder in (mini, tmp_path):
        before = files(folder)
        with pytest.raises(InputError, match="not empty"):
            render_vehicleid(MINI, folder, workers=1)
        assert files(folder) == before


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        render_vehicleid(TINY, tmp_path / "file/set", workers=1)


def test_the_command(tmp_path: Path, tiny: dict[str, bytes]) -> None:
    folder = tmp_path / "set"
    counted = succeed(TOOL, folder, *TINY_OPTIONS, "--dry-run")
    assert not folder.exists()
    assert succeed(TOOL, folder, *TINY_OPTIONS, "--workers", 1) == counted
    assert re.search(r"train\W+3\W+\d+\W+test_1\W+1\W+\d+\W+test_2\W+2", counted)
    assert files(folder) == tiny
    again = run_tool(TOOL, folder, *TINY_OPTIONS)
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
def test_impossible_plans_are_refused(change: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as caught:
        changed(TINY, **change)
    assert caught.value.where == where
