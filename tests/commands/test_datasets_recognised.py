"""Every layout is told from the others, and built by the common tools."""

from pathlib import Path

import cv2
import pytest
from commands import run_tool
from dataset_layouts import BOX, HEIGHT, LAYOUTS, WIDTH, write_text

from pydrdl.datasets import LAYOUTS as KNOWN
from pydrdl.datasets import images_of_split, open_dataset
from pydrdl.datasets.dataset import full_name, is_drawn
from pydrdl.datasets.release import ALL, RELEASED, paper_size, released_size
from pydrdl.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    return request.param, LAYOUTS[request.param](tmp_path)


def test_every_layout_is_recognised(layout: tuple[str, Path]) -> None:
    name, path = layout
    dataset = open_dataset(path)
    assert dataset.name == name
    for images in dataset.splits.values():
        assert images
        assert len({image.path for image in images}) == len(images)
        for image in images:
            assert (dataset.root / image.path).is_file(), image.path


def test_every_photograph_is_listed(layout: tuple[str, Path]) -> None:
    dataset = open_dataset(layout[1])
    listed = {image.path for images in dataset.splits.values() for image in images}
    on_disk = {
        path.relative_to(dataset.root).as_posix()
        for path in dataset.root.rglob("*.jpg")
    }
    assert listed == on_disk


def test_layouts_are_told_apart_without_their_photographs(
    layout: tuple[str, Path],
) -> None:
    name, path = layout
    for photo in (path if path.is_dir() else path.parent).rglob("*.jpg"):
        photo.unlink()
    fitting = [known.name for known in KNOWN if not known.missing(path)]
    assert fitting == ([] if name == "list" else [name])


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_a_missing_marker_is_named(known, tmp_path: Path) -> None:
    LAYOUTS[known.name](tmp_path)
    for marker in known.markers:
        (tmp_path / marker).rename(tmp_path / "elsewhere")
        with pytest.raises(InputError) as caught:
            open_dataset(tmp_path)
        assert f"if this is {known.name}, get its {marker}" in caught.value.next_step
        (tmp_path / "elsewhere").rename(tmp_path / marker)
    assert open_dataset(tmp_path).name == known.name


def test_nothing_at_the_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no known data set") as caught:
        open_dataset(tmp_path / "none/nothing")
    assert caught.value.next_step == "check the path: nothing is there"


def test_the_folder_above_is_pointed_out(tmp_path: Path) -> None:
    LAYOUTS["VeRi-776"](tmp_path / "VeRi")
    with pytest.raises(InputError, match="looked for VehicleID") as caught:
        open_dataset(tmp_path)
    assert caught.value.next_step == f"give the folder in it, {tmp_path / 'VeRi'}"


@pytest.mark.caffe
def test_an_lmdb_of_every_layout(layout: tuple[str, Path], tmp_path: Path) -> None:
    import lmdb
    from caffe.proto import caffe_pb2

    dataset = open_dataset(layout[1])
    split = next(iter(dataset.splits))
    output = tmp_path / "lmdb"
    options = output, "--split", split, "--size", 0, "--raw"
    done = run_tool("build_lmdb.py", layout[1], *options)
    assert done.returncode == 0, done.stderr
    images = sorted(images_of_split(dataset, split), key=lambda i: i.vehicle_id)
    with lmdb.open(str(output), readonly=True, lock=False) as environment:
        records = list(environment.begin().cursor())
    assert len(records) == len(images)
    left, top, right, bottom = 0, 0, WIDTH, HEIGHT
    if layout[0] == "CompCars":  # BOX counts from 1, its last pixel included
        left, top, right, bottom = BOX[0] - 1, BOX[1] - 1, BOX[2], BOX[3]
    for (key, value), image in zip(records, images, strict=True):
        datum = caffe_pb2.Datum.FromString(value)
        photo = cv2.imread(str(dataset.root / image.path))[top:bottom, left:right]
        assert key.decode().endswith(image.path)
        assert (datum.height, datum.width) == photo.shape[:2]
        assert datum.data == photo.transpose(2, 0, 1).tobytes()


def test_released_and_printed_sizes() -> None:
    assert set(RELEASED) == {known.name for known in KNOWN}
    small = released_size("VehicleID", "test_800")
    assert small is not None and (small.images, small.vehicles) == (6_493, 800)
    printed = paper_size("VehicleID", "test_800")
    assert printed is not None and (printed.images, printed.vehicles) == (7_332, 800)
    assert released_size("VehicleID", "test_200") is None
    assert paper_size("VeRi-776", "train") is None
    for sizes in (released_size, paper_size):
        train, test, both = (
            sizes("VehicleID", s) for s in ("train", "test_13164", ALL)
        )
        assert train and test and both
        assert train.images + test.images == both.images
        assert train.vehicles + test.vehicles == both.vehicles
    # VERI-Wild: training and the largest test size are all of it.
    wild = RELEASED["VERI-Wild"]
    parts = ("train", "query_10000", "gallery_10000")
    assert sum(wild[part].images for part in parts) == wild[ALL].images
    assert wild["train"].vehicles + 10_000 == wild[ALL].vehicles


def test_the_layouts_own_writer(tmp_path: Path) -> None:
    """Line ends are what the tests of the readers rest upon."""
    write_text(tmp_path / "a/b.txt", ["x", 1], line_end="\r\n", final=False)
    assert (tmp_path / "a/b.txt").read_bytes() == b"x\r\n1"


def test_a_drawn_data_set_says_so(tmp_path: Path) -> None:
    root = LAYOUTS["CompCars"](tmp_path)
    assert full_name(open_dataset(root)) == "CompCars"
    readme = root / "README.md"
    readme.write_text("# CompCars\n")
    assert not is_drawn(open_dataset(root))
    readme.write_text("# A rendered CompCars\n")
    assert full_name(open_dataset(root)) == "drawn CompCars"
    readme.write_bytes(b"\xff\xfe")
    assert not is_drawn(open_dataset(root))
