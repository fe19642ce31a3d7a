"""A part of a data set that may not be read is refused, never taken for absent."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dataset_layouts import LAYOUTS, write_photo
from unprivileged import as_user, common_folder, forbidden

from pydrdl.datasets import open_dataset
from pydrdl.datasets.image_list import read_two_camera
from pydrdl.datasets.veri import read_tracks, read_truth
from pydrdl.errors import InputError


@pytest.fixture
def folder() -> Iterator[Path]:
    with common_folder() as made:
        yield made


def content(root: Path) -> object:
    """All that is read of a data set; an error's words where it is refused."""
    try:
        dataset = open_dataset(root)
        more = ()
        if dataset.name == "VeRi-776":
            more = read_truth(dataset), read_tracks(dataset)
    except InputError as error:
        return error.what
    return dataset, more


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_may_not_be_read_is_refused_or_not_needed(name: str, folder: Path) -> None:
    root = folder / "data"
    given = LAYOUTS[name](root)
    whole = content(given)
    assert not isinstance(whole, str)
    refused = set()
    for path in (root, *sorted(root.rglob("*"))):
        with forbidden(path), as_user():
            found = content(given)
        if found != whole:
            assert isinstance(found, str) and "Permission denied" in found, path
            refused.add(path.relative_to(root).as_posix())
    assert "." in refused and len(refused) > 1
    assert not any(path.endswith(".jpg") for path in refused)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_pipe_is_refused_or_not_needed(name: str, tmp_path: Path) -> None:
    """Reading one would wait for ever."""
    root = tmp_path / "data"
    given = LAYOUTS[name](root)
    whole = content(given)
    refused = 0
    for path in sorted(root.rglob("*")):
        if path.is_file():
            path.rename(tmp_path / "kept")
            os.mkfifo(path)
            found = content(given)
            path.unlink()
            (tmp_path / "kept").rename(path)
            if found != whole:
                assert isinstance(found, str), path
                refused += 1
    assert refused


def test_an_image_list_that_may_not_be_read(folder: Path) -> None:
    listed = folder / "below/own.txt"
    listed.parent.mkdir()
    listed.write_text("a.jpg 1\n")
    for path in (listed, listed.parent):
        with (
            forbidden(path), as_user(),
            pytest.raises(InputError, match="Permission denied") as caught,
        ):  # fmt: skip
            open_dataset(listed)
        assert caught.value.where == str(listed)
        assert "permissions" in caught.value.next_step


def test_a_folder_of_two_cameras_that_may_not_be_read(folder: Path) -> None:
    photos = folder / "photos"
    for name in ("car_1_cam1.jpg", "car_1_cam2.jpg", "car_2_cam1.jpg"):
        write_photo(photos / name)
    with (
        forbidden(photos), as_user(),
        pytest.raises(InputError, match="Permission denied"),
    ):  # fmt: skip
        read_two_camera(photos, 1)
    assert len(read_two_camera(photos, 1).splits["train"]) in (1, 2)


@pytest.mark.parametrize("name", ["x" * 300, "/".join(["d"] * 3000)])
def test_a_name_that_is_too_long(name: str) -> None:
    with pytest.raises(InputError, match="File name too long") as caught:
        open_dataset(Path(name))
    assert "shorten" in caught.value.next_step


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="symbolic links") as caught:
        open_dataset(tmp_path / "a")
    assert "circle" in caught.value.next_step


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("é.jpg 1\n".encode("latin-1"), "not UTF-8 text: byte 0xe9"),
        ("a.jpg 1\n".encode("utf-16"), "not UTF-8 text: byte 0xff"),
        ("车.jpg 1\n".encode("gb18030"), "not UTF-8 text"),
        (b"a.jpg 1\nb\0.jpg 2\n", "without null characters"),
        (b"\0" * 4096, "without null characters"),
        (b"a.jpg" + b" " * 10_000_000 + b"b", "has 10,000,006"),
        (b"a" + b" 1" * 30_000 + b"x", "malformed line"),
        (b"a" * 100_000 + b" 1", "has 100,002"),
    ],
    ids=["latin-1", "utf-16", "chinese", "null", "nulls", "spaces", "numbers", "long"],
)
def test_a_list_of_another_kind(data: bytes, match: str, tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_bytes(data)
    with pytest.raises(InputError, match=match) as caught:
        open_dataset(tmp_path / "own.txt")
    assert caught.value.where.startswith(f"{tmp_path / 'own.txt'}:")
    assert len(str(caught.value)) < 1000


def test_spaces_in_a_list_take_no_time(tmp_path: Path) -> None:
    """A pattern that backtracks would take minutes for these."""
    line = "a" + " " * 60_000 + "b"
    (tmp_path / "own.txt").write_text(f"{line} 7\n" + "c\u00a012 5 6 -1\n")
    images = open_dataset(tmp_path / "own.txt").splits["all"]
    assert [(i.path, i.vehicle_id, i.model_id, i.camera_id) for i in images] == [
        (line, 7, -1, -1),
        ("c\u00a012", 5, 6, -1),
    ]
