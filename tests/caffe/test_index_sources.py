"""What `drdl index` makes of odd sources: nothing half made, nothing silent."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import Done, run_here
from search_folder import make_search_folder
from unprivileged import as_user, common_folder, forbidden

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.features import read_features, write_features
from pydrdl.gallery.folder import open_gallery

NET = ("--net", "deploy.prototxt", "--weights", "w")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_search_folder(tmp_path_factory.mktemp("sources"))


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made"))


def index(here: Path, source: str, *words: object, gallery: str = "g") -> Done:
    return run_here("index", source, "--gallery", gallery, *words, cwd=here)


def added(here: Path, source: str, *words: object) -> str:
    """What is printed of an indexing that ends well, errors and all."""
    done = index(here, source, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def refused(here: Path, source: str, *words: object, gallery: str = "g") -> str:
    """The one message of an indexing that leaves no gallery."""
    done = index(here, source, *words, gallery=gallery)
    assert done.returncode == 1, done
    assert re.fullmatch(r"error: .+\n  where: .+\n  next: .+\n", done.stderr), done
    assert not (here / gallery).exists()
    return done.stderr


def odd_name(here: Path, folder: str = "photos") -> None:
    """A photograph whose name is of Latin-1, as an old camera's."""
    shutil.copy(here / "photos/3_2.png", os.fsencode(here / folder) + b"/r\xe9.png")


def test_a_name_that_is_not_utf_8_is_skipped_and_told(here: Path) -> None:
    odd_name(here)
    done = index(here, "photos", *NET)
    assert done.returncode == 1
    assert "32 added, 0 were there, 1 cannot be read; 32 in all" in done.stdout
    assert r"skipped: photos/r\udce9.png: an image's name is not UTF-8" in (
        done.stderr.replace(str(here) + "/", "")
    )
    assert open_gallery(here / "g").rows.count() == 32


def test_where_nothing_can_be_added_no_gallery_is_left(here: Path) -> None:
    (here / "old").mkdir()
    odd_name(here, "old")
    (here / "old/empty.jpg").touch()
    done = index(here, "old", *NET)
    assert done.returncode == 1
    assert "0 added, 0 were there, 2 cannot be read; 0 in all" in done.stdout
    assert not (here / "g").exists()
    # A folder that was there stays, and a gallery that was begun before stays whole.
    (here / "g").mkdir()
    index(here, "old", *NET)
    assert [*(here / "g").iterdir()] == []
    added(here, "f.h5", "--root", "photos")
    index(here, "old")
    assert open_gallery(here / "g").rows.count() == 32


def test_a_folder_whose_name_is_not_utf_8_is_refused(here: Path) -> None:
    (here / "photos").rename(here / "r\udce9")
    assert "its name is not UTF-8" in refused(here, "r\udce9", *NET)
    words = ("--root", "r\udce9")
    assert "its name is not UTF-8" in refused(here, "f.h5", *words)
    assert "its name is not UTF-8" in refused(here, "list.txt", *words, *NET)
    odd = "g\udce9"
    assert "not UTF-8" in refused(here, "f.h5", gallery=odd)


def test_a_folder_that_may_not_be_entered_is_told() -> None:
    with common_folder() as folder:
        here = make_search_folder(folder)
        (here / "photos/night").mkdir()
        shutil.copy(here / "photos/3_2.png", here / "photos/night/a.png")
        with forbidden(here / "photos/night"), as_user():
            done = run_here("index", "photos", "--gallery", "g", *NET, cwd=here)
        assert done.returncode == 1
        assert "cannot read a folder: Permission denied" in done.stderr
        assert "photos/night" in done.stderr


def test_features_with_and_without_a_root_are_the_same_rows(here: Path) -> None:
    assert "32 added" in added(here, "f.h5", "--root", "photos")
    text = added(here, "f.h5")
    assert "0 added, 32 were there; 32 in all" in text
    assert re.search(r"note: 32 of those that were there have \S+/photos for", text)
    shutil.rmtree(here / "g")
    assert "32 added" in added(here, "f.h5")
    text = added(here, "f.h5", "--root", "photos")
    assert "0 added, 32 were there; 32 in all" in text
    assert "have list for their root" in text
    # Nor does the net make others of them.
    text = added(here, "list.txt", "--root", "photos", *NET)
    assert "0 added, 32 were there; 32 in all" in text


def test_a_folder_that_was_moved_is_the_same(here: Path) -> None:
    added(here, "photos", *NET)
    (here / "photos").rename(here / "archive")
    text = added(here, "archive")
    assert "0 added, 32 were there; 32 in all" in text
    assert re.search(r"note: 32 of those that were there have \S+/photos for", text)


def test_the_same_names_in_two_folders_are_others(here: Path) -> None:
    """As cameras number their photographs, each from 0."""
    (here / "other").mkdir()
    for one, two in (("0_0", "3_2"), ("3_2", "0_0"), ("1_1", "1_1")):
        shutil.copy(here / f"photos/{one}.png", here / f"other/{two}.png")
    added(here, "photos", *NET)
    text = added(here, "other")
    assert "2 added, 1 were there; 34 in all" in text


@pytest.mark.parametrize(
    ("source", "words"), [("f.h5", ()), ("list.txt", NET)], ids=["features", "list"]
)
def test_a_root_without_the_images_is_refused(
    here: Path, source: str, words: tuple[str, ...]
) -> None:
    (here / "empty").mkdir()
    for root, message in (
        ("nowhere", "no such folder"),
        ("empty", "none of the 32 images that were looked for is there"),
        ("list.txt", "a file, and no folder"),
    ):
        text = refused(here, source, "--root", root, *words)
        assert message in text and "name with --root the folder" in text
        assert f"where: {root}" in text
    done = index(here, source, "--root", "", *words)
    assert done.returncode == 2 and "it is empty" in done.stderr
    (here / "photos/3_2.png").unlink()
    if source == "f.h5":
        text = added(here, source, "--root", "photos", *words)
        assert "note: 1 of 32 images that were looked for are not there" in text
        assert "photos/3_2.png" in text


def of_others(here: Path) -> None:
    content = read_features(here / "f.h5")
    source = content.source.model_copy(update={"weights_sha256": "3" * 64})
    write_features(here / "c.h5", replace(content, source=source))


def of_two_vehicles(here: Path) -> None:
    content = read_features(here / "f.h5")
    ids = content.vehicle_ids % 2
    write_features(here / "c.h5", replace(content, vehicle_ids=ids))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda here: None, "No such file"),
        (of_others, "do not belong into the gallery"),
        (of_two_vehicles, "2 vehicles have several images"),
    ],
)
def test_what_cannot_calibrate_is_told_before_the_work(
    here: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(here)
    words = ("--root", "photos", "--calibrate", "c.h5")
    assert message in refused(here, "f.h5", *words)


def test_what_was_deleted_stays_deleted(here: Path) -> None:
    added(here, "photos", *NET)
    gallery = open_gallery(here / "g")
    content = read_features(here / "f.h5")
    vector = content.features[content.names.index("3_2.png")]
    (hit,) = gallery.rows.search(vector, 1)
    assert gallery.delete([hit.row.id]) == 1
    text = added(here, "photos")
    assert "0 added, 31 were there, 1 stay deleted" in text and "31 in all" in text
    text = added(here, "f.h5", "--root", "photos")
    assert "0 added, 31 were there, 1 stay deleted" in text
    assert "1 added, 31 were there; 32 in all" in added(here, "photos", "--restore")
    assert "0 added, 32 were there; 32 in all" in added(here, "photos")
    gallery.delete([hit.row.id])
    assert "31 in all" in added(here, "photos")


def test_labels_of_no_image_are_told(here: Path) -> None:
    (here / "labels.csv").write_text("path,camera_id\n3_2.png,4\n9_9.png,5\n/x.png,6\n")
    words = ("--root", "photos", "--labels", "labels.csv")
    text = added(here, "f.h5", *words)
    assert "note: labels.csv: 2 of 3 paths are of no image: 9_9.png, /x.png" in text
    assert open_gallery(here / "g").rows.summary().cameras == {4: 1}
    # Rows that are there are not changed, which is said.
    (here / "labels.csv").write_text("path,camera_id\n3_2.png,7\n")
    text = added(here, "f.h5", *words)
    assert "note: what was there keeps the labels that it had" in text
    assert open_gallery(here / "g").rows.summary().cameras == {4: 1}
    shutil.rmtree(here / "g")
    (here / "labels.csv").write_text("path,camera_id\nphotos/3_2.png,4\n")
    text = refused(here, "photos", "--labels", "labels.csv", *NET)
    assert "none of the 1 paths of the labels is that of an image" in text
    assert "such as 0_0.png" in text
