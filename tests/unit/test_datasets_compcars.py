"""CompCars: the web images with boxes and pairs, and the surveillance images."""

from pathlib import Path

import pytest
from dataset_layouts import BOX, write_compcars, write_surveillance, write_text
from refusals import refused_at

from pydrdl.datasets import Image, read_compcars, read_surveillance
from pydrdl.datasets.compcars import read_box
from pydrdl.errors import InputError
from pydrdl.lmdb.labels import dense_labels

PAIRS = "train_test_split/verification/verification_pairs_{}.txt"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_compcars(tmp_path)


def test_models_are_the_vehicles_and_makes_the_models(root: Path) -> None:
    dataset = read_compcars(root)
    box = (BOX[0] - 1, BOX[1] - 1, BOX[2], BOX[3])
    first, other = dataset.splits["train"][0], dataset.splits["train"][3]
    assert first == Image("image/78/1/2014/3ac218c0c6c300.jpg", 1, 78, -1, box)
    assert (other.vehicle_id, other.model_id) == (1815, 78)


def test_the_parts(root: Path) -> None:
    splits = read_compcars(root).splits
    assert {name: len(images) for name, images in splits.items()} == {
        "train": 9,
        "test": 9,
        "part2": 6,
        "part1": 18,
        "part3": 9,
    }
    assert splits["part1"] == splits["train"] + splits["test"]
    models = {s: {image.vehicle_id for image in images} for s, images in splits.items()}
    assert models["train"] == models["test"] == {1, 1815, 2}
    assert not models["part1"] & models["part2"]
    assert models["part3"] == {700, 701, 702}


def test_pairs_as_written(root: Path) -> None:
    pairs = read_compcars(root).pairs
    assert {level: len(p) for level, p in pairs.items()} == {
        "easy": 2,
        "medium": 2,
        "hard": 3,
    }
    for level in pairs.values():
        for pair in level:
            assert pair.same == (pair.first.vehicle_id == pair.second.vehicle_id)
    medium = pairs["medium"][1]
    assert medium.first.path == "image/78/700/2014/3ac218c0c6c302.jpg"
    assert medium.second.path == "image/12/702/2014/3ac218c0c6c301.jpg"
    negatives = [pair for pair in pairs["hard"] if not pair.same]
    assert len(negatives) == 2
    assert all(pair.first.model_id == pair.second.model_id for pair in negatives)


def test_ids_above_the_count_get_dense_labels(root: Path) -> None:
    dataset = read_compcars(root)
    labels = dense_labels(dataset.splits["part1"], dataset.num_models)
    assert labels.vehicle_ids == (1, 2, 1815)
    assert labels.model_ids == (9, 78)


def test_what_lists_there_are_is_enough(root: Path) -> None:
    (root / "train_test_split/classification/test.txt").unlink()
    for path in (root / "train_test_split/verification").iterdir():
        path.unlink()
    dataset = read_compcars(root)
    assert list(dataset.splits) == ["train"] and not dataset.pairs
    (root / "train_test_split/classification/train.txt").unlink()
    with pytest.raises(InputError, match="no split lists"):
        read_compcars(root)


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("classification/train.txt", "78/1/2014/a.jpg 1\n", 1, "78/1/2014"),
        ("classification/train.txt", "78/x/2014/a.jpg\n", 1, "78/1/2014"),
        ("classification/train.txt", "78/1/a.jpg\n", 1, "78/1/2014"),
        ("verification/verification_pairs_easy.txt", "\na b 1", 2, "two paths"),
        (
            "verification/verification_pairs_hard.txt",
            "78/1/2014/3ac218c0c6c300.jpg 78/1/2014/3ac218c0c6c301.jpg 2",
            1,
            "two paths, and 1",
        ),
    ],
)
def test_malformed_lines_are_named(
    root: Path, name: str, text: str, line: int, what: str
) -> None:
    path = root / "train_test_split" / name
    path.write_text(text)
    refused_at(read_compcars, root, path, line, what)


def test_a_listing_twice_is_named(root: Path) -> None:
    path = root / "train_test_split/classification/train.txt"
    name = "78/1/2014/3ac218c0c6c300.jpg"
    path.write_text(f"{name}\n{name}\n")
    with pytest.raises(InputError, match="listed twice") as caught:
        read_compcars(root)
    assert caught.value.where == f"{path}:2"


def test_a_missing_label_is_named(root: Path) -> None:
    label = root / "label/78/700/2014/3ac218c0c6c300.txt"
    label.unlink()
    with pytest.raises(
        InputError, match=r"no label for 78/700/.*No such file"
    ) as caught:
        read_compcars(root)
    pairs = root / PAIRS.format("easy")
    assert caught.value.where == f"{pairs}:1"
    assert str(label) in caught.value.next_step


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("-1\n1\n1 1 1 1\n", (0, 0, 1, 1)),
        ("5\r\n1\r\n11 21 30 40", (10, 20, 30, 40)),
        ("4\n1\n0 0 30 40\n\n", (0, 0, 30, 40)),
    ],
)
def test_boxes_count_from_1(tmp_path: Path, text: str, box: tuple[int, ...]) -> None:
    path = tmp_path / "label.txt"
    path.write_bytes(text.encode())
    assert read_box(path) == box


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "a viewpoint"),
        ("6\n1\n1 1 2 2\n", 1, "a viewpoint"),
        ("1\n2\n1 1 2 2\n1 1 3 3\n", 2, "the number of boxes"),
        ("1\n1\n", 3, "x1 y1 x2 y2"),
        ("1\n1\n1 1 2\n", 3, "x1 y1 x2 y2"),
        ("1\n1\n1 1 2 2.5\n", 3, "x1 y1 x2 y2"),
        ("1\n1\n-1 1 2 2\n", 3, "x1 y1 x2 y2"),
        ("1\n1\n3 1 2 2\n", 3, "x1 <= x2"),
        ("1\n1\n1 3 2 2\n", 3, "y1 <= y2"),
        ("1\n1\n1 1 2 2\n1 1 3 3\n", 4, "x1 y1 x2 y2"),
    ],
)
def test_malformed_labels(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "label.txt"
    path.write_text(text)
    refused_at(read_box, path, path, line, what)


def test_surveillance(tmp_path: Path) -> None:
    root = write_surveillance(tmp_path)
    dataset = read_surveillance(root)
    assert dataset.splits["train"][0] == Image("image/3/dccbbe07e8ff00.jpg", 3)
    assert {i.vehicle_id for i in dataset.splits["test"]} == {3, 33, 281}
    path = root / "test_surveillance.txt"
    write_text(path, ["33/a.jpg", "a.jpg"])
    with pytest.raises(InputError, match="33/dccbbe07e8ff56") as caught:
        read_surveillance(root)
    assert caught.value.where == f"{path}:2"
