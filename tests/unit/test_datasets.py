"""Readers of data sets: literal files with the quirks of real releases."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused_at

from pydrdl.datasets import (
    Image,
    images_of_split,
    open_dataset,
    read_image_list,
    read_vehicleid,
)
from pydrdl.errors import InputError

FILES = {
    "attribute/model_names.txt": "奥迪A6 0\nBMW X5 1\n大众 2\n",
    "attribute/model_attr.txt": "7 2\n12 0\n",
    "attribute/color_names.txt": "black 0\r\nsliver 1\r\n",
    "train_test_split/train_list.txt": "0000009 7\n0000002 7\n5 30\n",
    # As released copies have them: CRLF, blank lines, no final newline.
    "train_test_split/test_list_800.txt": "0000011 12\r\n0000010 12\r\n\r\n\r\n",
    "train_test_split/test_list_1600.txt": "0000011 12\n0000012 31",
}


@pytest.fixture
def vehicleid(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode())
    return tmp_path


def test_vehicleid_as_released(vehicleid: Path) -> None:
    dataset = open_dataset(vehicleid)
    assert list(dataset.splits) == ["train", "test_800", "test_1600"]
    assert dataset.num_models == 3
    assert dataset.splits["train"] == (
        Image("image/0000009.jpg", 7, 2),
        Image("image/0000002.jpg", 7, 2),
        Image("image/0000005.jpg", 30, -1),
    )
    assert dataset.splits["test_800"] == (
        Image("image/0000011.jpg", 12, 0),
        Image("image/0000010.jpg", 12, 0),
    )
    assert dataset.splits["test_1600"][1] == Image("image/0000012.jpg", 31)


def test_models_are_uncounted_without_their_names(vehicleid: Path) -> None:
    (vehicleid / "attribute/model_names.txt").unlink()
    assert read_vehicleid(vehicleid).num_models == 0


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("train_test_split/train_list.txt", "0000009 7\n0000002\n", 2, "0279029"),
        ("train_test_split/train_list.txt", "9 7 1\n", 1, "0279029"),
        ("train_test_split/train_list.txt", "a.jpg 7\n", 1, "0279029"),
        ("train_test_split/train_list.txt", "\n1 7\n\n1 8\n", 4, "listed twice"),
        ("train_test_split/train_list.txt", "1 " + "7" * 5000, 1, "0279029"),
        ("attribute/model_attr.txt", "7 2\n8 -1\n", 2, "8 105"),
        ("attribute/model_attr.txt", "7 3\n", 1, "ends at 2"),
        ("attribute/model_attr.txt", "7 1\n7 2\n", 2, "two models"),
        ("attribute/model_names.txt", "大众 2\nAudi\n", 2, "a model's name"),
    ],
)
def test_malformed_lines_are_named(
    vehicleid: Path, name: str, text: str, line: int, what: str
) -> None:
    (vehicleid / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=what) as caught:
        read_vehicleid(vehicleid)
    assert caught.value.where == f"{vehicleid / name}:{line}"


def test_other_encodings_are_refused(vehicleid: Path) -> None:
    names = vehicleid / "attribute/model_names.txt"
    names.write_bytes("奥迪A6 0\n".encode("gb2312"))
    with pytest.raises(InputError, match="not UTF-8"):
        read_vehicleid(vehicleid)


def test_missing_lists_are_refused(vehicleid: Path) -> None:
    for path in (vehicleid / "train_test_split").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no split lists"):
        read_vehicleid(vehicleid)
    (vehicleid / "attribute/model_attr.txt").unlink()
    with pytest.raises(InputError, match="No such file"):
        read_vehicleid(vehicleid)


@given(
    st.lists(st.integers(0, 9_999_999), min_size=1, max_size=9, unique=True),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n\n", "\r\n \r\n"]),
)
def test_line_ends_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory,
    numbers: list[int],
    line_end: str,
    file_end: str,
) -> None:
    root = tmp_path_factory.mktemp("vehicleid")
    (root / "attribute").mkdir()
    (root / "train_test_split").mkdir()
    (root / "attribute/model_attr.txt").write_text("")
    text = line_end.join(f"{number:07d} {number}" for number in numbers) + file_end
    (root / "train_test_split/train_list.txt").write_bytes(text.encode())
    images = read_vehicleid(root).splits["train"]
    assert [image.path for image in images] == [f"image/{n:07d}.jpg" for n in numbers]
    assert [image.vehicle_id for image in images] == numbers


def test_image_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(
        "# path vehicle model camera\n"
        "a.jpg 5\n"
        "front 2/b 7 c.png 5 3\r\n"
        "\n"
        "#1.jpg.\n"
        "d.jpg\t6\t-1\t2"
    )
    dataset = open_dataset(path)
    assert (dataset.name, dataset.root, dataset.num_models) == ("mine", tmp_path, 0)
    assert dataset.splits["all"] == (
        Image("a.jpg", 5),
        Image("front 2/b 7 c.png", 5, 3),
        Image("d.jpg", 6, -1, 2),
    )
    assert open_dataset(path, Path("elsewhere")).root == Path("elsewhere")


words = st.text("abÄ#01 ._-", min_size=1, max_size=12).map(
    lambda text: " ".join(text.split())
)
numbers = st.integers(0, 2**24 - 1)


@given(
    words.filter(lambda word: word and not word.startswith("#")),
    st.lists(numbers, min_size=1, max_size=3),
)
def test_paths_with_spaces(
    tmp_path_factory: pytest.TempPathFactory, stem: str, ids: list[int]
) -> None:
    path = tmp_path_factory.mktemp("list") / "list.txt"
    line = f"{stem}.jpg {' '.join(map(str, ids))}\n"
    path.write_text(line, encoding="utf-8")
    expected = Image(f"{stem}.jpg", *ids)
    assert read_image_list(path).splits["all"] == (expected,)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a.jpg 1\nb.jpg\n", 2, "expected path vehicle_id"),
        ("a.jpg 1.5\n", 1, "expected path vehicle_id"),
        ("a.jpg -1\n", 1, "vehicle_id >= 0"),
        ("a.jpg 1 -2\n", 1, "vehicle_id >= 0"),
        ("/a.jpg 1\n", 1, "absolute"),
        ("a.jpg 1\nb.jpg " + "9" * 5000, 2, "expected path vehicle_id"),
        ("a.jpg 1\n#\na.jpg 2\n", 3, "listed twice, for vehicles 1 and 2"),
    ],
)
def test_malformed_image_lists(tmp_path: Path, text: str, line: int, what: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    refused_at(read_image_list, path, path, line, what)


def test_what_cannot_be_opened(tmp_path: Path, vehicleid: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing\n")
    with pytest.raises(InputError, match="no images"):
        open_dataset(empty)
    with pytest.raises(InputError, match=r"looked for VehicleID.*image list"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"looked for VehicleID.*image list"):
        open_dataset(tmp_path / "attribute")
    with pytest.raises(InputError, match="image list only"):
        open_dataset(vehicleid, tmp_path)


def test_unknown_and_empty_splits_are_refused(vehicleid: Path) -> None:
    (vehicleid / "train_test_split/test_list_3.txt").write_text("\n")
    dataset = open_dataset(vehicleid)
    assert len(images_of_split(dataset, "test_800")) == 2
    with pytest.raises(InputError, match="no split 'test'") as caught:
        images_of_split(dataset, "test")
    assert "train, test_3, test_800, test_1600" in caught.value.next_step
    with pytest.raises(InputError, match="is empty"):
        images_of_split(dataset, "test_3")
