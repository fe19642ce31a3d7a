"""VERI-Wild: both releases' list names, cameras and makes from the info file."""

from pathlib import Path

import pytest
from dataset_layouts import write_text, write_veri_wild
from refusals import refused_at

from pydrdl.datasets import Image, read_veri_wild
from pydrdl.errors import InputError
from pydrdl.lmdb.labels import dense_labels

SPLITS = ["train", "query_3000", "gallery_3000", "query_5000", "gallery_5000"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_veri_wild(tmp_path)


@pytest.fixture
def info(root: Path) -> Path:
    return root / "train_test_split/vehicle_info.txt"


def test_lists_cameras_and_makes(root: Path) -> None:
    dataset = read_veri_wild(root)
    assert list(dataset.splits) == SPLITS
    # The helper's camera of image n is 1 + 7 n mod 174; makes are alphabetical.
    name = "images/40671/000017.jpg"
    assert dataset.splits["train"][16] == Image(name, 40671, 0, 1 + 7 * 17)
    assert dataset.model_names == {
        0: "BMW",
        1: "Bao Jun",
        2: "Citroen",
        3: "Volkswagen",
    }
    assert dataset.num_models == 4
    query = {i.path for i in dataset.splits["query_3000"]}
    gallery = {i.path for i in dataset.splits["gallery_3000"]}
    assert len(query) == 2 and not query & gallery


def test_makes_are_numbered_alike_in_every_split(root: Path) -> None:
    dataset = read_veri_wild(root)
    for split in SPLITS:
        labels = dense_labels(dataset.splits[split], dataset.num_models)
        assert labels.model_ids == (0, 1, 2, 3)


def test_the_later_releases_names(root: Path) -> None:
    expected = read_veri_wild(root)
    folder = root / "train_test_split"
    for path in sorted(folder.glob("t*.txt")):
        lines = [f"{line}.jpg 17 3" for line in path.read_text().split()]
        path.unlink()
        name = path.name.replace("train_list", "train_list_start0")
        for size in ("3000", "5000"):
            name = name.replace(size, f"{size}_id")
        write_text(folder / name, lines)
    assert sorted(p.name for p in folder.glob("*3000*")) == [
        "test_3000_id.txt",
        "test_3000_id_query.txt",
    ]
    assert read_veri_wild(root).splits == expected.splits


def test_lost_padding(root: Path) -> None:
    expected = read_veri_wild(root)
    path = root / "train_test_split/test_3000.txt"
    lines = [
        "/".join(str(int(n)) for n in s.split("/")) for s in path.read_text().split()
    ]
    assert lines[0] == "70/23"
    write_text(path, lines, line_end="\r\n")
    assert read_veri_wild(root) == expected


def test_an_info_file_without_header_or_model(root: Path, info: Path) -> None:
    expected = read_veri_wild(root)
    rows = info.read_text().splitlines()
    write_text(info, rows[1:])
    assert read_veri_wild(root) == expected
    without = [";".join(row.split(";")[:2]) for row in rows]
    write_text(info, without)
    dataset = read_veri_wild(root)
    assert dataset.num_models == 0
    assert {i.model_id for i in dataset.splits["train"]} == {-1}
    assert dataset.splits["train"][16].camera_id == 120


def test_a_vehicle_of_two_makes_has_no_label(root: Path, info: Path) -> None:
    text = info.read_bytes()
    changed = text.replace(b"Volkswagen", b"Audi", 1)  # the first image of vehicle 1
    assert changed != text
    info.write_bytes(changed)
    train = read_veri_wild(root).splits["train"]
    assert {i.model_id for i in train if i.vehicle_id == 1} == {-1}
    assert {i.model_id for i in train if i.vehicle_id == 31} == {4}  # after Audi


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("train_list.txt", "00001/000001\n00001\n", 2, "20342/209528"),
        ("train_list.txt", "00001/000001.png\n", 1, "20342/209528"),
        ("train_list.txt", "00001/000001\n1/1\n", 2, "listed twice"),
        ("test_3000_query.txt", "00001/000099\n", 1, "not in vehicle_info.txt"),
        (
            "vehicle_info.txt",
            "id/image;Camera ID\n00001/000001\n",
            2,
            "id/image;camera",
        ),
        ("vehicle_info.txt", "id/image;Camera ID\n00001/000001;x\n", 2, "camera id"),
        ("vehicle_info.txt", "h\n1/1;7\nimage;7\n", 3, "as in"),
        (
            "vehicle_info.txt",
            "id/image;Camera\n1/1;7\n1/1;8\n",
            3,
            "two cameras, 7 and 8",
        ),
        ("vehicle_info.txt", "1/1;7;t;VW;SUV;white\n1/2;7;t\n", 2, "type;color"),
    ],
)
def test_malformed_lines_are_named(
    root: Path, name: str, text: str, line: int, what: str
) -> None:
    path = root / "train_test_split" / name
    path.write_text(text)
    refused_at(read_veri_wild, root, path, line, what)


def test_missing_lists_are_refused(root: Path, info: Path) -> None:
    for path in info.parent.glob("t*.txt"):
        path.unlink()
    with pytest.raises(InputError, match="no split lists"):
        read_veri_wild(root)
    info.unlink()
    with pytest.raises(InputError, match="No such file"):
        read_veri_wild(root)
