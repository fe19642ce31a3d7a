"""Any list that is written is read back; any damage is named by file and line."""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from dataset_layouts import LAYOUTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pydrdl.datasets import Dataset, Image, open_dataset
from pydrdl.datasets.compcars import read_box
from pydrdl.datasets.veri import read_tracks, read_truth, read_veri_labels
from pydrdl.errors import InputError

numbers = st.integers(0, 10**9)
few = settings(max_examples=40, deadline=None)
ENDS = st.tuples(
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\r\n", "\n\n \t\n"]),
    st.booleans(),
)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each layout; the tests put back what they change."""
    return {
        name: write(tmp_path_factory.mktemp("root")) for name, write in LAYOUTS.items()
    }


def write(path: Path, lines: Sequence[str], ends: tuple[str, str, bool]) -> None:
    line_end, last, mark = ends
    path.parent.mkdir(parents=True, exist_ok=True)
    text = line_end.join(lines) + last
    path.write_bytes(text.encode("utf-8-sig" if mark else "utf-8"))


def padded(number: int, width: int) -> str:
    return f"{number:0{width}d}"


widths = st.integers(0, 9)


@few
@given(
    st.dictionaries(numbers, st.tuples(numbers, widths), min_size=1),
    st.dictionaries(numbers, st.integers(0, 99_999)),
    ENDS,
)
def test_vehicleid(images: dict, models: dict, ends: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lines = [f"{padded(n, w)} {padded(v, w)}" for n, (v, w) in images.items()]
        write(root / "train_test_split/train_list.txt", lines, ends)
        pairs = [f"{v} {m}" for v, m in models.items()]
        write(root / "attribute/model_attr.txt", pairs, ends)
        names = [f"车 {m} {m}" for m in sorted(set(models.values()))]
        write(root / "attribute/model_names.txt", names, ends)
        dataset = open_dataset(root)
    assert dataset.splits["train"] == tuple(
        Image(f"image/{n:07d}.jpg", v, models.get(v, -1))
        for n, (v, _) in images.items()
    )
    assert dataset.model_names == {m: f"车 {m}" for m in models.values()}


words = st.text("abÄ车#01 ._-", min_size=1, max_size=12).map(str.strip).filter(bool)


@few
@given(
    st.dictionaries(
        words.map(lambda word: f"{word}.jpg").filter(lambda w: not w.startswith("#")),
        st.lists(numbers, min_size=1, max_size=3),
        min_size=1,
    ),
    ENDS,
)
def test_image_lists(images: dict[str, list[int]], ends: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.txt"
        lines = [f"{p}\t{' '.join(map(str, ids))}" for p, ids in images.items()]
        write(path, lines, ends)
        expected = tuple(Image(p, *ids) for p, ids in images.items())
        assert open_dataset(path).splits["all"] == expected


@few
@given(
    st.dictionaries(
        st.tuples(numbers, numbers),
        st.tuples(numbers, st.sampled_from(["BMW", "VW ", " Citroën", ""])),
        min_size=1,
    ),
    widths,
    st.booleans(),
    ENDS,
)
def test_veri_wild(images: dict, width: int, later: bool, ends: tuple) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "images").mkdir()
        split = root / "train_test_split"
        names = [f"{padded(v, width)}/{padded(n, width)}" for v, n in images]
        info = [f"{name};{c};t;{m};SUV;white" for name, (c, m) in zip(
            names, images.values(), strict=True)]  # fmt: skip
        write(split / "vehicle_info.txt", ["id/image;Cam;Time;Model;T;C", *info], ends)
        listed = [f"{name}.jpg 0 1" for name in names] if later else names
        name = "train_list_start0.txt" if later else "train_list.txt"
        write(split / name, listed, ends)
        dataset = open_dataset(root)
    makes: dict[int, set[str]] = {}
    for (v, _), (_, make) in images.items():
        makes.setdefault(v, set()).add(make.strip())
    for image, ((v, n), (camera, _)) in zip(
        dataset.splits["train"], images.items(), strict=True
    ):
        assert image.path == f"images/{v:05d}/{n:06d}.jpg"
        assert (image.vehicle_id, image.camera_id) == (v, camera)
        name = dataset.model_names.get(image.model_id, "")
        assert name == (next(iter(makes[v])) if len(makes[v]) == 1 else "")


@few
@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, unique=True),
    st.booleans(),
    ENDS,
)
def test_veri(images: list, labelled: bool, ends: tuple) -> None:
    names = [f"{v:04d}_c{c:03d}_{f:08d}_0.jpg" for v, c, f in images]
    item = '<Item imageName="{}" vehicleID="{}" cameraID="c{}" colorID="1" typeID="2"/>'
    items = [item.format(n, v, c) for n, (v, c, _) in zip(names, images, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for split in ("train", "query", "test"):
            write(root / f"name_{split}.txt", names, ends)
            if labelled:
                lines = ["<a>", *items, "</a>"]
                write(root / f"{split}_label.xml", lines, ends)
        dataset = open_dataset(root)
    for split in ("train", "query", "test"):
        assert dataset.splits[split] == tuple(
            Image(f"image_{split}/{name}", v, -1, c)
            for name, (v, c, _) in zip(names, images, strict=True)
        )


boxes = st.tuples(*[st.integers(1, 5000)] * 4).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@few
@given(
    st.dictionaries(
        st.tuples(numbers, numbers, st.sampled_from(["2014", "unknown"])),
        st.tuples(boxes, st.sampled_from([-1, 1, 2, 3, 4, 5])),
        min_size=1,
        max_size=5,
    ),
    st.data(),
    ENDS,
)
def test_compcars(cars: dict, data: st.DataObject, ends: tuple) -> None:
    expected = {
        f"{make}/{model}/{year}/a.jpg": Image(
            f"image/{make}/{model}/{year}/a.jpg", model, make, -1,
            (box[0] - 1, box[1] - 1, box[2], box[3]),
        )
        for (make, model, year), (box, _) in cars.items()
    }  # fmt: skip
    name = st.sampled_from(list(expected))
    pairs = data.draw(st.lists(st.tuples(name, name, st.booleans()), max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, (box, view) in zip(expected, cars.values(), strict=True):
            lines = [str(view), "1", " ".join(map(str, box))]
            write(root / "label" / path.replace(".jpg", ".txt"), lines, ends)
        split = root / "train_test_split"
        write(split / "classification/train.txt", list(expected), ends)
        lines = [f"{a} {b} {same:d}" for a, b, same in pairs]
        write(split / "verification/verification_pairs_hard.txt", lines, ends)
        dataset = open_dataset(root)
    assert dataset.splits["train"] == tuple(expected.values())
    assert [(p.first, p.second, p.same) for p in dataset.pairs["hard"]] == [
        (expected[a], expected[b], same) for a, b, same in pairs
    ]


@dataclass(frozen=True)
class Damaged:
    """A file of a layout that is read line by line, and what reads it."""

    layout: str
    file: str
    read: Callable[[Path], object] = open_dataset


def truth(root: Path) -> object:
    return read_truth(open_dataset(root))


def tracks(root: Path) -> object:
    return read_tracks(open_dataset(root))


LABEL = "label/78/1/2014/3ac218c0c6c300.txt"
FILES = [
    Damaged("VehicleID", "train_test_split/train_list.txt"),
    Damaged("VehicleID", "attribute/model_attr.txt"),
    Damaged("VehicleID", "attribute/model_names.txt"),
    Damaged("VeRi-776", "name_train.txt"),
    Damaged("VeRi-776", "gt_index.txt", truth),
    Damaged("VeRi-776", "test_track.txt", tracks),
    Damaged(
        "VeRi-776", "test_label.xml", lambda r: read_veri_labels(r / "test_label.xml")
    ),
    Damaged("VERI-Wild", "train_test_split/test_3000.txt"),
    Damaged("VERI-Wild", "train_test_split/vehicle_info.txt"),
    Damaged("CompCars", "train_test_split/classification/train.txt"),
    Damaged("CompCars", "train_test_split/verification/verification_pairs_hard.txt"),
    Damaged("CompCars", LABEL, lambda root: read_box(root / LABEL)),
    Damaged("CompCars surveillance", "train_surveillance.txt"),
    Damaged("list", "list.txt", lambda path: open_dataset(path)),
]
junk = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from(
        [b"0", b"9" * 5000, b"-", b"/", b" ", b";", b"\0", b"\xff", b"<", b"/.."]
    ),
    st.text(max_size=6).map(lambda text: text.encode(errors="replace")),
).filter(lambda damage: b"\n" not in damage)


@pytest.mark.parametrize(
    "target", FILES, ids=lambda t: f"{t.layout} {Path(t.file).name}"
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_is_named_by_file_and_line(
    roots: dict[str, Path], target: Damaged, data: st.DataObject
) -> None:
    """One line is damaged: the rest keeps its meaning, or the line is named."""
    root = roots[target.layout]
    path = root if root.is_file() else root / target.file
    original = path.read_bytes()
    before = target.read(root)
    lines = original.split(b"\n")
    number = data.draw(st.integers(0, max(0, len(lines) - 2)), "line")
    line = lines[number]
    start = data.draw(st.integers(0, len(line)), "from")
    stop = data.draw(st.integers(start, len(line)), "to")
    lines[number] = line[:start] + data.draw(junk, "junk") + line[stop:]
    try:
        path.write_bytes(b"\n".join(lines))
        after = target.read(root)
    except InputError as error:
        assert error.next_step and "\n" not in error.what
        # As text: of bytes, separators such as 1C are no blanks.
        left = lines[number].decode(errors="replace").strip()
        assert_named(error, path, number, blank=not left)
    else:
        assert_rest_is_kept(before, after)
    finally:
        path.write_bytes(original)


def assert_named(error: InputError, path: Path, number: int, blank: bool) -> None:
    """Says the damaged line, or one that it contradicts, or counts the lines."""
    match = re.fullmatch(r"(.*):(\d+)", error.where, re.DOTALL)
    if match is None:
        assert re.search(r"\d+ lines", error.what), error
        return
    assert Path(match[1]).exists()
    if Path(match[1]) == path and path.suffix != ".xml":
        # Below it where the damage repeats what stands there, or leaves nothing.
        below = blank or re.search("twice|two|1 <=|columns", error.what)
        assert int(match[2]) == number + 1 or below, error


def assert_rest_is_kept(before: object, after: object) -> None:
    if not isinstance(before, Dataset):
        return
    assert isinstance(after, Dataset)
    assert list(after.splits) == list(before.splits)
    for split, images in before.splits.items():
        paths = {image.path for image in after.splits[split]}
        lost = [image.path for image in images if image.path not in paths]
        assert len(lost) <= 2, lost
