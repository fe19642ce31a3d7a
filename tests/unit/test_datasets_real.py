"""Real copies, where a variable in the environment says where they lie."""

import os
from pathlib import Path

import pytest

from pydrdl.datasets import open_dataset
from pydrdl.datasets.image_list import image_list_lines, read_two_camera
from pydrdl.datasets.release import ALL, COMPCARS_PAIRS, RELEASED
from pydrdl.datasets.veri import read_tracks, read_truth, truth_faults

VARIABLES = {
    "VehicleID": "VEHICLEID_ROOT",
    "VeRi-776": "VERI_ROOT",
    "VERI-Wild": "VERI_WILD_ROOT",
    "CompCars": "COMPCARS_ROOT",
    "CompCars surveillance": "COMPCARS_SV_ROOT",
}
SHARED = Path(__file__).resolve().parents[3] / "shared/data/twocam"
TWO_CAMERA = Path(os.environ.get("DRDL_TWO_CAMERA", SHARED)) / "images"


@pytest.mark.parametrize("name", VARIABLES)
def test_a_real_copy_holds_what_the_release_holds(name: str) -> None:
    root = os.environ.get(VARIABLES[name])
    if not root:
        pytest.skip(f"{VARIABLES[name]} does not say where {name} lies")
    dataset = open_dataset(Path(root))
    assert dataset.name == name
    splits = dict(dataset.splits)
    every = {image.path: image for images in splits.values() for image in images}
    # A copy need not have all of VehicleID's lists, which are given out apart.
    if name != "VehicleID" or {"train", "test_13164"} <= splits.keys():
        splits[ALL] = tuple(every.values())
    counted = {
        split: (len(images), len({image.vehicle_id for image in images}))
        for split, images in splits.items()
    }
    released = {
        split: (size.images, size.vehicles)
        for split, size in RELEASED[name].items()
        if split in splits
    }
    assert released
    assert {split: counted[split] for split in released} == released
    for pairs in dataset.pairs.values():
        assert len(pairs) == COMPCARS_PAIRS == 2 * sum(pair.same for pair in pairs)
    if name == "VeRi-776":
        assert truth_faults(dataset, read_truth(dataset)) == []
        assert read_tracks(dataset)


@pytest.mark.skipif(not TWO_CAMERA.is_dir(), reason=f"no photographs in {TWO_CAMERA}")
def test_two_cameras_become_an_image_list(tmp_path: Path) -> None:
    dataset = read_two_camera(TWO_CAMERA, 100)
    images = [*dataset.splits["train"], *dataset.splits["test"]]
    assert len(images) == len(list(TWO_CAMERA.glob("*.jpg")))
    path = tmp_path / "list.txt"
    path.write_text("\n".join(image_list_lines(images)))
    opened = open_dataset(path, TWO_CAMERA)
    assert opened.splits["all"] == tuple(images)
    assert all((opened.root / image.path).is_file() for image in images)
