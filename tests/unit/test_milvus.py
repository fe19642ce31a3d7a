"""A gallery in Milvus over gRPC: the four methods, against NumPy and LanceDB's."""

import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import start
from drawn_gallery import NOON, drawn_gallery, drawn_rows, nearest

pytest.importorskip("lancedb", reason="the extra search is not installed")
pytest.importorskip("pymilvus", reason="the extra milvus is not installed")
pytest.importorskip("milvus_lite", reason="milvus-lite is not installed")

from pydrdl.errors import InputError
from pydrdl.gallery.milvus import MilvusGallery, condition
from pydrdl.gallery.rows import ALL, Added, Wanted

ROWS, WIDTH = 300, 16


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Milvus that runs, with a folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("milvus")
    words = "milvus-lite", "server", "--data-dir", folder / "data", "--port", port
    program = Path(sys.executable).with_name(words[0])
    with start(
        program, *words[1:], "--host", "127.0.0.1", PYTHONWARNINGS="default"
    ) as child:
        while child.poll() is None:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        child.terminate()


@pytest.fixture(scope="module")
def filled(address: str) -> MilvusGallery:
    gallery = MilvusGallery(address, "filled", WIDTH, make=True)
    assert gallery.count() == 0
    assert gallery.add(*drawn_rows(ROWS)) == Added(ROWS, 0)
    return gallery


def test_search_finds_the_nearest(filled: MilvusGallery) -> None:
    rows, vectors = drawn_rows(ROWS)
    for query in np.random.default_rng(1).standard_normal((5, WIDTH), np.float32):
        hits = filled.search(query, 20)
        names, distances = nearest(query, rows, vectors, 20)
        assert [hit.row.image.path for hit in hits] == names
        np.testing.assert_allclose([hit.distance for hit in hits], distances, rtol=1e-9)
        for hit in hits:
            assert hit.row in rows
            np.testing.assert_array_equal(hit.vector, vectors[rows.index(hit.row)])


@pytest.mark.parametrize(
    "wanted",
    [
        ALL,
        Wanted(cameras=(2, 4)),
        Wanted(models=(1,), not_cameras=(1, 2)),
        Wanted(vehicles=(3, 7)),
        Wanted(not_vehicles=(3,)),
        Wanted(since=NOON + 20, until=NOON + 60),
        Wanted(cameras=(99,)),
    ],
    ids=condition,
)
def test_filters_are_those_of_a_folder(
    filled: MilvusGallery, tmp_path: Path, wanted: Wanted
) -> None:
    other = drawn_gallery(tmp_path / "g", ROWS).rows
    query = drawn_rows(ROWS)[1][17]
    assert filled.count(wanted) == other.count(wanted)
    ours, theirs = (g.search(query, 50, wanted) for g in (filled, other))
    assert [hit.row for hit in ours] == [hit.row for hit in theirs]
    assert [hit.distance for hit in ours] == [hit.distance for hit in theirs]


def test_what_is_there_is_not_added_again(address: str) -> None:
    gallery = MilvusGallery(address, "twice", WIDTH, make=True)
    rows, vectors = drawn_rows(80)
    assert gallery.add(rows[:50], vectors[:50]) == Added(50, 0)
    again = MilvusGallery(address, "twice", WIDTH)
    assert again.add(rows, vectors + 1) == Added(30, 50)
    assert gallery.count() == 80
    # It stayed as it was.
    assert gallery.search(vectors[7], 1)[0].distance == 0
    same = replace(rows[60], root="/other")
    assert gallery.add([same, same], vectors[:2]) == Added(1, 1)
    assert gallery.add([], vectors[:0]) == Added(0, 0)


def test_what_is_deleted_is_not_found(address: str) -> None:
    gallery = MilvusGallery(address, "deleted", WIDTH, make=True)
    rows, vectors = drawn_rows(40)
    gallery.add(rows, vectors)
    assert gallery.delete([rows[3].id, rows[5].id, rows[3].id, "0" * 16]) == 2
    assert gallery.delete([]) == 0
    assert gallery.count() == 38
    found = [hit.row for hit in gallery.search(vectors[3], 40)]
    assert len(found) == 38 and rows[3] not in found


def test_what_cannot_be_asked_is_told(address: str, filled: MilvusGallery) -> None:
    with pytest.raises(InputError, match="no such collection"):
        MilvusGallery(address, "none", WIDTH)
    with pytest.raises(InputError, match="there already"):
        MilvusGallery(address, "filled", WIDTH, make=True)
    with pytest.raises(InputError, match="not 8"):
        MilvusGallery(address, "filled", 8)
    with pytest.raises(InputError, match="cannot read the collection"):
        filled.search(np.zeros(8, np.float32), 5)
    with pytest.raises(ValueError, match="of 2 x 16"):
        filled.add(drawn_rows(8)[0][:2], np.zeros((2, 8), np.float32))


def test_nobody_answers(monkeypatch) -> None:
    monkeypatch.setattr("pydrdl.gallery.milvus.SECONDS", 1.0)
    with pytest.raises(InputError, match="cannot open the collection") as caught:
        MilvusGallery("http://127.0.0.1:1", "rows", WIDTH)
    assert "check the address" in caught.value.next_step
