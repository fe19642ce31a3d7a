"""A gallery's four methods, against comparing with every row by hand."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from commands import PIPE, ROOT, python, start
from drawn_gallery import NOON, ORIGIN, drawn_gallery, drawn_rows, nearest
from small_disks import FULL, mounted

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.errors import InputError
from pydrdl.gallery import lance
from pydrdl.gallery.columns import where
from pydrdl.gallery.fill import Filler
from pydrdl.gallery.folder import (
    DELETED,
    FILE_NAME,
    filling,
    make_gallery,
    open_gallery,
)
from pydrdl.gallery.rows import ALL, Added, Wanted

N = 300


@pytest.mark.parametrize("exact", [None, True, False])
def test_search_finds_the_nearest(tmp_path: Path, exact: bool | None) -> None:
    gallery = drawn_gallery(tmp_path / "g", N)
    rows, vectors = drawn_rows(N)
    for query in np.random.default_rng(1).standard_normal((5, 16)).astype(np.float32):
        hits = gallery.rows.search(query, 20, exact=exact)
        names, distances = nearest(query, rows, vectors, 20)
        assert [hit.row.image.path for hit in hits] == names
        np.testing.assert_allclose([hit.distance for hit in hits], distances, rtol=1e-9)
        for hit in hits:
            assert hit.row in rows
            k = rows.index(hit.row)
            np.testing.assert_array_equal(hit.vector, vectors[k])


FILTERS = {
    "cameras": (Wanted(cameras=(2, 4)), lambda r: r.image.camera_id in (2, 4)),
    "models": (Wanted(models=(1,)), lambda r: r.image.model_id == 1),
    "vehicles": (Wanted(vehicles=(3, 7)), lambda r: r.image.vehicle_id in (3, 7)),
    "not_cameras": (Wanted(not_cameras=(1,)), lambda r: r.image.camera_id != 1),
    "not_vehicles": (
        Wanted(not_vehicles=(0, 5)), lambda r: r.image.vehicle_id not in (0, 5),
    ),
    "since": (
        Wanted(since=NOON + 40.25), lambda r: (r.time or 0) > NOON + 40,
    ),
    "until": (
        Wanted(until=NOON + 40.5), lambda r: (r.time or np.inf) <= NOON + 40.5
    ),
    "all of them": (
        Wanted(cameras=(2, 4), models=(1, 2), not_vehicles=(5,), since=NOON + 10),
        lambda r: r.image.camera_id in (2, 4) and r.image.model_id in (1, 2)
        and r.image.vehicle_id != 5 and r.time is not None and r.time >= NOON + 10,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_filters(tmp_path: Path, name: str) -> None:
    wanted, keep = FILTERS[name]
    gallery = drawn_gallery(tmp_path / "g", N)
    rows, vectors = drawn_rows(N)
    query = vectors[8] + np.float32(0.1)
    expected, _ = nearest(query, rows, vectors, 15, keep)
    found = [hit.row.image.path for hit in gallery.rows.search(query, 15, wanted)]
    assert found == expected != []
    assert gallery.rows.count(wanted) == sum(map(keep, rows)) < N
    assert gallery.rows.count() == gallery.rows.count(ALL) == N


def test_conditions_are_made_of_numbers() -> None:
    odd = Wanted(cameras=("1) OR (1=1",))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid literal"):
        where(odd)
    with pytest.raises(ValueError, match="could not convert"):
        where(Wanted(since="0 OR 1=1"))  # type: ignore[arg-type]
    assert where(ALL) == ""


def test_what_is_there_is_not_added_again(tmp_path: Path) -> None:
    gallery = drawn_gallery(tmp_path / "g", 40)
    rows, vectors = drawn_rows(40)
    assert gallery.rows.add(rows, vectors) == Added(0, 40)
    moved = replace(rows[0], root="/elsewhere")
    twice = [rows[3], moved, moved]
    assert gallery.rows.add(twice, vectors[:3]) == Added(1, 2)
    assert gallery.rows.count() == 41
    assert gallery.rows.known([rows[3].id, "0" * 16]) == {rows[3].id}
    (row, vector) = gallery.rows.get([moved.id])[moved.id]
    assert row == moved
    np.testing.assert_array_equal(vector, vectors[1])


def test_delete(tmp_path: Path) -> None:
    gallery = drawn_gallery(tmp_path / "g", 40)
    rows, vectors = drawn_rows(40)
    assert gallery.rows.delete([rows[3].id, rows[9].id, "f" * 16]) == 2
    assert gallery.rows.count() == 38
    assert rows[3] not in [hit.row for hit in gallery.rows.search(vectors[3], 40)]
    for odd in ("x' OR '1'='1", "", " 1", "0x12"):
        with pytest.raises(ValueError, match="is no id of a row"):
            gallery.rows.delete([odd])
    assert gallery.rows.add(rows, vectors) == Added(2, 38)


def test_it_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    drawn_gallery(tmp_path / "g", 40).describe(model_names={"0": "van"})
    again = open_gallery(tmp_path / "g")
    assert again.description.model_names == {"0": "van"}
    assert again.origin == ORIGIN
    assert again.rows.count() == 40
    summary = again.rows.summary()
    assert (summary.rows, summary.vehicles) == (40, 10)
    assert summary.cameras == dict.fromkeys(range(1, 6), 8)
    assert summary.models == {0: 16, 1: 12, 2: 12}
    assert summary.times == (NOON + 0.5, NOON + 19.5)
    assert make_gallery(tmp_path / "g", ORIGIN, 16).rows.count() == 40


def test_a_reader_sees_what_another_wrote(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lance, "FRESH", lance.timedelta(0))
    writer = drawn_gallery(tmp_path / "g", 40)
    reader = open_gallery(tmp_path / "g")
    rows, vectors = drawn_rows(80)
    writer.rows.add(rows[40:], vectors[40:])
    assert reader.rows.count() == 80
    assert reader.rows.search(vectors[70], 1)[0].row == rows[70]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("net_sha256", "3" * 64, "another net: 3333333333333333, not 1111111111111111"),
        ("weights_sha256", "3" * 64, "another weights"),
        ("layer", "fc7", "another layer: fc7, not fc8"),
        ("preprocess", '{"resize": 64}', "another preprocessing"),
    ],
)
def test_features_of_another_net_are_refused(tmp_path, field, value, message) -> None:
    gallery = drawn_gallery(tmp_path / "g", 8)
    other = ORIGIN.model_copy(update={field: value})
    with pytest.raises(InputError, match=message):
        gallery.check(other, 16, "f.h5")
    with pytest.raises(InputError, match=message):
        make_gallery(tmp_path / "g", other, 16)
    with pytest.raises(InputError, match="8 values a feature, not 16"):
        gallery.check(ORIGIN, 8, "f.h5")


def test_the_same_preprocessing_in_other_words(tmp_path: Path) -> None:
    gallery = drawn_gallery(tmp_path / "g", 8)
    words = '{"crop": 64, "mean": [1.0, 2.0, 3.0], "scale": 1, "resize": 72}'
    gallery.check(ORIGIN.model_copy(update={"preprocess": words}), 16, "f.h5")
    untrained = {"weights_sha256": "", "weights": "untrained, seed 1"}
    one = ORIGIN.model_copy(update=untrained)
    two = one.model_copy(update={"weights": "untrained, seed 2"})
    assert one.difference(two) and not one.difference(one)


def test_what_is_no_gallery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_gallery(tmp_path / "none")
    with pytest.raises(InputError, match="no gallery is here"):
        open_gallery(tmp_path)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"not a gallery: it holds thesis\.txt"):
        make_gallery(tmp_path, ORIGIN, 16)
    with pytest.raises(InputError, match="the gallery is a file"):
        make_gallery(tmp_path / "thesis.txt", ORIGIN, 16)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("width", [16, 8])
def test_rows_without_their_description_are_kept(tmp_path: Path, width: int) -> None:
    drawn_gallery(tmp_path / "g", 8)
    description = tmp_path / "g" / FILE_NAME
    text = description.read_bytes()
    description.unlink()
    with pytest.raises(InputError, match=r"rows without the gallery\.json"):
        make_gallery(tmp_path / "g", ORIGIN, width)
    description.write_bytes(text)
    assert open_gallery(tmp_path / "g").rows.count() == 8


@pytest.mark.parametrize("text", ["", "{", '{"schema": "drdl.gallery/9"}', "[]"])
def test_a_damaged_description_is_told(tmp_path: Path, text: str) -> None:
    drawn_gallery(tmp_path / "g", 8)
    (tmp_path / "g" / FILE_NAME).write_text(text)
    with pytest.raises(InputError, match="cannot read the gallery"):
        open_gallery(tmp_path / "g")


def damaged(folder: Path, pattern: str, change) -> InputError | None:
    """What is said of a gallery of which files were changed."""
    for path in sorted(folder.glob(pattern)):
        change(path)
    try:
        gallery = open_gallery(folder)
        gallery.rows.count()
        gallery.rows.search(np.zeros(16, np.float32), 5)
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize(
    "pattern", ["rows.lance/data/*", "rows.lance/_versions/*", "rows.lance"]
)
def test_a_damaged_table_is_told(tmp_path: Path, pattern: str) -> None:
    def gone(path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    def cut(path: Path) -> None:
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)

    def other(path: Path) -> None:
        if path.is_file():
            path.write_bytes(bytes(path.stat().st_size))

    for number, change in enumerate((gone, cut, other)):
        folder = tmp_path / str(number)
        drawn_gallery(folder, 40)
        if pattern == "rows.lance" and change is not gone:
            continue
        error = damaged(folder, pattern, change)
        assert error is not None
        assert error.what.startswith("cannot open the gallery") or (
            error.what.startswith("cannot read the gallery")
        )
        assert str(folder) in error.where
        assert "index again" in error.next_step


WRITER = """
import sys
from pathlib import Path
from drawn_gallery import drawn_rows, ORIGIN
from pydrdl.gallery.folder import make_gallery
gallery = make_gallery(Path(sys.argv[1]), ORIGIN, 16)
rows, vectors = drawn_rows(100_000)
print("begun", flush=True)
for start in range(0, len(rows), 50):
    gallery.rows.add(rows[start:start + 50], vectors[start:start + 50])
    print(start + 50, flush=True)
    if start % 500 == 450:
        gallery.rows.bring_up_to_date()
"""


@pytest.mark.parametrize("after", [1, 7, 12, 21])
def test_no_kill_loses_a_row_that_was_acknowledged(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "g"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests/support")])
    with start(*python(WRITER), folder, stdout=PIPE, PYTHONPATH=path) as child:
        assert child.stdout and child.stdout.readline() == "begun\n"
        told = [child.stdout.readline() for _ in range(after)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.readlines()
    acknowledged = int(told[-1])
    gallery = open_gallery(folder)
    rows, vectors = drawn_rows(100_000)
    ids = [row.id for row in rows[:acknowledged]]
    assert gallery.rows.known(ids) == set(ids)
    assert gallery.rows.search(vectors[acknowledged - 1], 1)[0].row in rows
    # Whole batches only, and it goes on.
    assert gallery.rows.count() in (acknowledged, acknowledged + 50)
    many = acknowledged + 100
    gallery.rows.add(rows[:many], vectors[:many])
    assert gallery.rows.count() == many


def test_two_processes_write_in_turns(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "g"
    first = drawn_gallery(folder, 8)
    second = open_gallery(folder)
    rows, vectors = drawn_rows(80)
    first.rows.add(rows[:40], vectors[:40])
    second.rows.add(rows[:80], vectors[:80])
    assert second.rows.count() == 80
    monkeypatch.setattr(lance, "WAIT", 0.2)
    with (
        first.rows._writing(),
        pytest.raises(InputError, match="another process is writing"),
    ):
        second.rows.delete([rows[0].id])


@pytest.mark.parametrize("nets", [1, 2])
def test_those_that_begin_one_gallery_at_a_time_share_it(
    tmp_path: Path, nets: int
) -> None:
    """Whoever is first makes it; features of another net are refused as ever."""
    rows, vectors = drawn_rows(40)
    for k in range(10):
        folder, ready = tmp_path / f"g{k}", Barrier(4)

        def begin(number: int, folder: Path = folder, ready: Barrier = ready) -> str:
            weights = {"weights_sha256": "ab"[number % nets] * 64}
            part = slice(number * 10, number * 10 + 10)
            ready.wait()
            try:
                origin = ORIGIN.model_copy(update=weights)
                gallery = make_gallery(folder, origin, 16)
                return str(gallery.rows.add(rows[part], vectors[part]).new)
            except InputError as error:
                return error.what

        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(begin, range(4)))
        gallery = open_gallery(folder)
        others = [text for text in said if text != "10"]
        assert len(others) == 4 - 4 // nets
        assert all("do not belong into the gallery" in text for text in others)
        assert gallery.rows.count() == 40 // nets
        first = said.index("10")
        assert gallery.origin.weights_sha256 == "ab"[first % nets] * 64


def test_what_is_deleted_meanwhile_is_not_added(tmp_path: Path) -> None:
    """An indexer that had looked for a row before it was added, and then deleted."""
    gallery = drawn_gallery(tmp_path / "g", 8)
    rows, vectors = drawn_rows(10)
    late = Filler(gallery, rows[0].root, restore=False)
    assert late.unknown(rows[8:]) == [0, 1]
    gallery.rows.add(rows[8:], vectors[8:])
    gallery.delete([rows[8].id])
    late.add(rows[8:], vectors[8:])
    assert gallery.rows.known([row.id for row in rows]) == {
        row.id for row in rows if row is not rows[8]
    }
    assert (late.filled.new, late.filled.known, late.filled.deleted) == (0, 1, 1)
    restoring = Filler(gallery, rows[0].root, restore=True)
    restoring.add(rows[8:], vectors[8:])
    assert restoring.filled.new == 1 and gallery.rows.count() == 10


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path, "size=3m"):
        gallery = drawn_gallery(tmp_path / "g", 100, 256)
        rows, vectors = drawn_rows(4000, 256)
        with pytest.raises(InputError, match=FULL) as caught:
            gallery.rows.add(rows, vectors)
        assert "make room" in caught.value.next_step
        again = open_gallery(tmp_path / "g")
        assert again.rows.count() == 100
        assert len(again.rows.search(vectors[0], 10)) == 10


def test_what_was_deleted_for_good_is_known(tmp_path: Path) -> None:
    gallery = drawn_gallery(tmp_path / "g", 8)
    ids = [row.id for row in drawn_rows(8)[0]]
    assert gallery.deleted() == frozenset()
    assert gallery.delete(ids[:2]) == 2
    assert gallery.rows.count() == 6
    with (tmp_path / "g" / DELETED).open("a") as file:
        file.write(ids[3][:5])  # as a kill leaves it
    again = open_gallery(tmp_path / "g")
    assert again.delete(ids[4:5]) == 1
    assert {*ids[:2], ids[4]} <= again.deleted()
    assert again.deleted().isdisjoint({ids[3], ids[5]})


def test_a_gallery_that_is_left_without_a_row_goes(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    rows, vectors = drawn_rows(8)
    with filling(folder, ORIGIN, 16):
        assert (folder / FILE_NAME).exists()
    assert not folder.exists()
    with pytest.raises(InputError, match="too late"), filling(folder, ORIGIN, 16):
        raise InputError("too late", "here", "come earlier")
    assert not folder.exists()
    folder.mkdir()
    with filling(folder, ORIGIN, 16):
        pass
    assert [*folder.iterdir()] == []
    with filling(folder, ORIGIN, 16) as gallery:
        gallery.rows.add(rows, vectors)
    with filling(folder, ORIGIN, 16) as gallery:
        gallery.rows.delete([row.id for row in rows])
    assert open_gallery(folder).rows.count() == 0  # it was there before
