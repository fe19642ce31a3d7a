"""A gallery's index: what is found with it, and how many rows are compared for it."""

import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_gallery import drawn_gallery, drawn_rows, nearest

pytest.importorskip("lancedb", reason="the extra search is not installed")

from pydrdl.errors import InputError
from pydrdl.gallery import cells, lance
from pydrdl.gallery.folder import GalleryFolder, open_gallery
from pydrdl.gallery.rows import ALL, Wanted

ROWS, PROBED = 4000, 42  # of 63 cells


@pytest.fixture(autouse=True, scope="module")
def small_index() -> Iterator[None]:
    """Galleries of this size have one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lance, "INDEX_FROM", ROWS // 2)
        patch.setattr(lance, "PROBED", PROBED)
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexed") / "g"
    drawn_gallery(folder, ROWS).rows.bring_up_to_date()
    return folder


@pytest.fixture
def indexed(made: Path, tmp_path: Path) -> GalleryFolder:
    shutil.copytree(made, tmp_path / "g")
    return open_gallery(tmp_path / "g")


def compared(gallery: GalleryFolder, wanted: Wanted = ALL) -> float:
    """Share of the rows that a query is compared with in the index."""
    query = gallery.rows._query(np.zeros(16, np.float32), 50, wanted, None)
    pattern = r"ANNSubIndex:.*index_comparisons=([\d.]+)( K)?"
    ((number, thousands),) = re.findall(pattern, query.analyze_plan())
    return float(number) * (1000 if thousands else 1) / gallery.rows.count()


def recall(gallery: GalleryFolder) -> float:
    """Of the 50 nearest rows, by plain NumPy, the share that is found."""
    rows, vectors = drawn_rows(ROWS)
    found = 0
    for k in range(0, ROWS, 200):
        query = vectors[k] + np.float32(0.05)
        names, _ = nearest(query, rows, vectors, 50)
        hits = gallery.rows.search(query, 50)
        assert [h.distance for h in hits] == sorted(h.distance for h in hits)
        found += len({hit.row.image.path for hit in hits} & set(names))
    return found / (ROWS / 200 * 50)


def test_ids_are_indexed_while_rows_are_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each addition would look through the ids of all before it."""
    monkeypatch.setattr(lance, "UNINDEXED", 50)
    rows, vectors = drawn_rows(ROWS)
    gallery = drawn_gallery(tmp_path / "g", 40).rows
    for start in (40, 80, 120):
        part = slice(start - 10, start + 40)  # ten are there already
        assert gallery.add(rows[part], vectors[part]) == (40, 10)
    stats = gallery._table.index_stats("id_idx")
    assert stats is not None and stats.num_indexed_rows == 80
    assert gallery.known([row.id for row in rows]) == {row.id for row in rows[:160]}


def test_the_index_finds_what_is_there(indexed: GalleryFolder) -> None:
    assert indexed.rows.summary().indexed == ROWS
    assert recall(indexed) >= 0.98
    # Not because the query is compared with all of them.
    assert 0.4 < compared(indexed) < 0.9


def test_as_many_cells_are_searched_as_find_what_is_nearest(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(lance, "PROBED", 1)
    gallery = drawn_gallery(tmp_path / "g", ROWS)
    gallery.rows.bring_up_to_date()
    assert recall(gallery) >= 0.98
    said = json.loads((gallery.path / cells.FILE_NAME).read_text())
    assert said["recall"] >= cells.RECALL
    assert cells.SHARES[0] < said["share"] < 1
    (gallery.path / cells.FILE_NAME).unlink()
    assert recall(gallery) < 0.9
    gallery.rows.bring_up_to_date()
    assert recall(gallery) >= 0.98
    (gallery.path / cells.FILE_NAME).write_text("{")
    with pytest.raises(InputError, match="cannot read the gallery's index"):
        recall(gallery)


def test_what_is_nearest(tmp_path: Path) -> None:
    gallery = drawn_gallery(tmp_path / "g", 300)
    rows, vectors = drawn_rows(300)
    batches = gallery.rows._table.search().select(["id", "vector"]).to_batches(70)
    found = cells.nearest_of(batches, vectors[:3] + 1)
    for k, ids in enumerate(found):
        names, _ = nearest(vectors[k] + 1, rows, vectors, cells.NEAREST)
        assert ids == {row.id for row in rows if row.image.path in names}
    few = gallery.rows._table.search().limit(7).select(["id", "vector"])
    assert [len(ids) for ids in cells.nearest_of(few.to_batches(), vectors[:2])] == [
        7,
        7,
    ]


def test_the_index_keeps_its_cells(indexed: GalleryFolder) -> None:
    for _ in range(2):
        indexed.rows.bring_up_to_date()
        assert compared(indexed) < 0.9
    assert recall(indexed) >= 0.98


def test_an_index_that_has_outgrown_its_cells_is_made_anew(
    indexed: GalleryFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Cells begin at random: what .45 of them find is now above RECALL, now below it.
    monkeypatch.setattr(cells, "RECALL", 0.98)
    rows, vectors = drawn_rows(4 * ROWS)
    indexed.rows.add([replace(row, root="/more") for row in rows], vectors)
    indexed.rows.bring_up_to_date()
    assert indexed.rows.summary().indexed == 5 * ROWS
    made = indexed.rows._indices()["vector_idx"]
    assert made.num_segments == 1
    assert made.index_details["target_partition_size"] == math.isqrt(5 * ROWS)
    assert compared(indexed) < 0.5


def test_many_additions_do_not_make_many_indices(indexed: GalleryFolder) -> None:
    rows, vectors = drawn_rows(ROWS)
    for k in range(6):
        more = [replace(row, root=f"/{k}") for row in rows[:50]]
        indexed.rows.add(more, vectors[:50])
        indexed.rows.bring_up_to_date()
        assert indexed.rows.summary().indexed == ROWS + 50 * (k + 1)
        assert indexed.rows._indices()["vector_idx"].num_segments <= lance.SEGMENTS


def test_filters_leave_as_many_rows_as_there_are(
    indexed: GalleryFolder, monkeypatch
) -> None:
    """Also such as lie in cells far from the query."""
    monkeypatch.setattr(lance, "PROBED", 1)
    monkeypatch.setattr(cells, "SHARES", (0.1,))
    (indexed.path / cells.FILE_NAME).unlink()
    _, vectors = drawn_rows(ROWS)
    for vehicle in range(0, ROWS // 4, 100):
        only = Wanted(vehicles=(vehicle,))
        found = indexed.rows.search(vectors[ROWS // 2], 50, only)
        assert len(found) == 4 == indexed.rows.count(only)
    half = Wanted(cameras=(1, 2, 3))
    assert 0.03 < compared(indexed, half) < 0.5
    assert compared(indexed, Wanted(vehicles=(3,))) == 1


def test_rows_are_found_before_and_after_the_index_takes_them(
    indexed: GalleryFolder,
) -> None:
    rows, vectors = drawn_rows(ROWS)
    new = [replace(row, root="/new") for row in rows[:30]]
    far = vectors[:30] + np.float32(3)
    indexed.rows.add(new, far)
    assert indexed.rows.summary().indexed == ROWS
    assert indexed.rows.search(far[7], 1)[0].row == new[7]
    indexed.rows.bring_up_to_date()
    assert indexed.rows.summary().indexed == ROWS + 30
    assert indexed.rows.search(far[7], 1)[0].row == new[7]
    indexed.rows.delete([new[7].id])
    assert indexed.rows.search(far[7], 1)[0].row != new[7]
    only = Wanted(vehicles=(3,))  # 4 rows, and 4 new ones, in any cells
    assert len(indexed.rows.search(vectors[2000], 50, only)) == 8
