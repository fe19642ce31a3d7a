"""Whether a gallery that is served can still answer, by what is on disk."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_gallery import ORIGIN, drawn_gallery, drawn_rows

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.gallery import lance
from pydrdl.gallery.folder import GalleryFolder, make_gallery
from pydrdl.gallery.server import health
from pydrdl.gallery.server.health import Condition, Watch, look_at


@pytest.fixture
def served(tmp_path: Path) -> GalleryFolder:
    """A gallery of photographs that are there, and that has been searched."""
    (tmp_path / "photos/车").mkdir(parents=True)
    rows, vectors = drawn_rows(40)
    for row in rows:
        (tmp_path / "photos" / row.image.path).touch()
    gallery = make_gallery(tmp_path / "g", ORIGIN, 16)
    own = [replace(row, root=str(tmp_path / "photos")) for row in rows]
    gallery.rows.add(own, vectors)
    gallery.rows.bring_up_to_date()
    assert gallery.rows.search(vectors[0], 5)
    return gallery


def test_one_that_is_whole(served: GalleryFolder) -> None:
    assert look_at(served) == Condition(40)


def test_one_that_is_empty(tmp_path: Path) -> None:
    assert look_at(make_gallery(tmp_path / "g", ORIGIN, 16)) == Condition(0)


def change(pattern: str, how: Callable[[Path], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        paths = sorted(path for path in folder.glob(pattern))
        assert paths
        for path in paths:
            how(path)

    return changed


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def first_half_zeroed(path: Path) -> None:
    """Values, and not what stands at the end and says where they are."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size // 2))


def of_another_net(path: Path) -> None:
    path.write_text(path.read_text().replace("1" * 64, "9" * 64))


DAMAGES = {
    "moved": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "gone": shutil.rmtree,
    "data gone": change("rows.lance/data/*", Path.unlink),
    "data cut off": change(
        "rows.lance/data/*", lambda p: os.truncate(p, p.stat().st_size // 2)
    ),
    "data zeroed": change("rows.lance/data/*", zeroed),
    "values zeroed": change("rows.lance/data/*", first_half_zeroed),
    "description gone": change("gallery.json", Path.unlink),
    "description damaged": change("gallery.json", lambda p: p.write_text("{")),
    "versions gone": change("rows.lance/_versions/*", Path.unlink),
    "index of ids gone": change("rows.lance/_indices/*", shutil.rmtree),
    "another gallery": change("gallery.json", of_another_net),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_is_told(served: GalleryFolder, name: str) -> None:
    DAMAGES[name](served.path)
    found = look_at(served)
    assert found.failing, found
    # Who asks shows no token: nothing of this machine is told.
    assert str(served.path.parent) not in found.failing
    assert ".rs" not in found.failing


def test_a_file_of_many_is_told(tmp_path: Path, monkeypatch) -> None:
    """Also of a gallery with an index, whose sampled rows are elsewhere."""
    monkeypatch.setattr(lance, "INDEX_FROM", 2000)
    monkeypatch.setattr(lance, "WRITTEN", 100)
    gallery = drawn_gallery(tmp_path / "g", 4000)
    gallery.rows.bring_up_to_date()
    data = tmp_path / "g/rows.lance/data"
    before = {*data.iterdir()}
    rows, vectors = drawn_rows(4000)
    gallery.rows.add([replace(row, root="/new") for row in rows], vectors)
    assert look_at(gallery) == Condition(8000, lacking=look_at(gallery).lacking)
    files = sorted({*data.iterdir()} - before)
    assert len(files) == 40
    files[7].unlink()
    assert look_at(gallery).failing


def test_photographs_that_were_moved(served: GalleryFolder) -> None:
    photos = served.path.parent / "photos"
    photos.rename(photos.with_name("archive"))
    assert look_at(served) == Condition(
        40,
        lacking="20 of 20 photographs that were looked for are not where they were "
        "indexed",
    )


def test_rows_whose_folder_is_not_known_lack_nothing(tmp_path: Path) -> None:
    gallery = make_gallery(tmp_path / "g", ORIGIN, 16)
    rows, vectors = drawn_rows(40)
    gallery.rows.add([replace(row, root="VehicleID") for row in rows], vectors)
    assert look_at(gallery) == Condition(40)


def test_it_is_looked_at_no_oftener_than_it_may(
    served: GalleryFolder, monkeypatch
) -> None:
    monkeypatch.setattr(health, "SHARE", 0)
    watch, patient = Watch(served, soon=0), Watch(served, soon=3600)
    assert watch.condition() == patient.condition() == Condition(40)
    shutil.rmtree(served.path)
    assert patient.condition() == Condition(40)
    assert watch.condition().failing == "no such folder"
