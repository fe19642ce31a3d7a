"""The HDF5 file between extraction and evaluation."""

import contextlib
import errno
import io
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from pydrdl.cli import Note
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source, read_features, write_features
from pydrdl.features.file import FeatureRows, read_in_pieces, write_in_pieces
from pydrdl.features.layout import laid_out
from pydrdl.files import HDF5, file_sha256, sealed

SOURCE = Source(
    net="deploy.prototxt",
    net_sha256="12",
    weights="drdl.caffemodel",
    weights_sha256="34",
    layer="fc8",
    dataset="VehicleID",
    split="test_800",
    preprocess="{}",
)


def feature_set() -> FeatureSet:
    rng = np.random.default_rng(0)
    return FeatureSet(
        rng.standard_normal((6, 4)).astype(np.float32),
        tuple(f"image/车{i}.jpg" for i in range(6)),
        np.array([1, 1, 2, 2, 3, 3]),
        np.array([0, 0, 0, 0, -1, -1]),
        np.array([1, 2, 1, 2, 1, 2]),
        SOURCE,
    )


def seal_again(path: Path) -> None:
    """What was changed is whole by its seal."""
    body = path.read_bytes()[HDF5.length :]
    path.write_bytes(sealed(HDF5, memoryview(body)) + body)


def test_round_trip(tmp_path: Path) -> None:
    content, path = feature_set(), tmp_path / "a.h5"
    write_features(path, content)
    back = read_features(path)
    np.testing.assert_array_equal(back.features, content.features)
    assert back.names == content.names
    for field in ("vehicle_ids", "model_ids", "camera_ids"):
        np.testing.assert_array_equal(getattr(back, field), getattr(content, field))
    assert back.source == SOURCE
    assert back.sha256 == content.sha256
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_layout_is_as_documented(tmp_path: Path) -> None:
    write_features(tmp_path / "a.h5", feature_set())
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {
            "features",
            "name",
            "vehicle_id",
            "model_id",
            "camera_id",
        }
        assert file["features"].dtype == np.float32
        assert file["name"][0].decode() == "image/车0.jpg"
        assert file.attrs["net_sha256"] == "12"
        assert file.attrs["layer"] == "fc8"


def test_hash_covers_the_content_and_nothing_else() -> None:
    content = feature_set()
    flipped = content.features.copy()
    flipped[5, 3] = np.nextafter(flipped[5, 3], np.float32(9))
    changed = [
        replace(content, features=flipped),
        replace(content, names=(*content.names[:5], "other.jpg")),
        replace(content, vehicle_ids=content.vehicle_ids[::-1].copy()),
        replace(content, model_ids=content.model_ids + 1),
        replace(content, camera_ids=content.camera_ids + 1),
    ]
    assert len({c.sha256 for c in (content, *changed)}) == 6
    assert replace(content, source=Source()).sha256 == content.sha256


def test_refuses_to_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists"):
        write_features(path, feature_set())
    assert path.read_text() == "precious"
    with pytest.raises(InputError, match="no such folder"):
        write_features(tmp_path / "none" / "a.h5", feature_set())


def test_half_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left.*\n.*a\.h5\n.*make room"):
        write_features(tmp_path / "a.h5", feature_set())
    assert not list(tmp_path.iterdir())


def test_libhdf5_never_writes_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot close a file on a full disk, and ends the process at its exit."""
    opened = []
    plain = h5py.File.__init__

    def watched(self: h5py.File, name: object, *args: object, **options: object):
        opened.append(name)
        plain(self, name, *args, **options)

    monkeypatch.setattr(h5py.File, "__init__", watched)
    write_features(tmp_path / "a.h5", feature_set())
    assert [isinstance(name, io.RawIOBase) for name in opened] == [True]


def pieces_of(features: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    for first in range(0, len(features), rows):
        yield features[first : first + rows]


@pytest.mark.parametrize("rows", [1, 4, 6])
@pytest.mark.parametrize("half", [False, True])
def test_pieces_make_the_same_file(tmp_path: Path, rows: int, half: bool) -> None:
    content, path = feature_set(), tmp_path / "a.h5"
    if half:
        rounded = content.features.astype(np.float16)
        content = replace(content, features=rounded.astype(np.float32))
    pieces = pieces_of(content.features, rows)
    digest = write_in_pieces(path, content.rows, 4, pieces, half=half)
    with h5py.File(path) as file:  # libhdf5's own reading
        np.testing.assert_array_equal(file["features"], content.features)
        assert file["features"].dtype == (np.float16 if half else np.float32)
    back = read_features(path)
    np.testing.assert_array_equal(back.features, content.features)
    assert back.names == content.names
    assert digest == back.sha256 == content.sha256
    again = tmp_path / "again.h5"
    write_in_pieces(again, content.rows, 4, [content.features], half=half)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("seal", [True, False])
def test_read_in_pieces(tmp_path: Path, seal: bool) -> None:
    content, path = feature_set(), tmp_path / "a.h5"
    write_features(path, content)
    if not seal:
        path.write_bytes(path.read_bytes()[HDF5.length :])
    with contextlib.ExitStack() as stack:
        if not seal:
            stack.enter_context(pytest.warns(Note, match="without a checksum"))
        rows, width, pieces = read_in_pieces(path, 4)
    assert (rows.names, width, rows.source) == (content.names, 4, SOURCE)
    found = list(pieces)
    assert [len(piece) for piece in found] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(found), content.features)
    np.testing.assert_array_equal(rows.vehicle_ids, content.vehicle_ids)
    with pytest.raises(InputError, match="No such file"):
        read_in_pieces(tmp_path / "b.h5")


def test_the_digest_is_that_of_earlier_versions() -> None:
    """As 0.2.0 gave it for the same content; results name features by it."""
    features = np.arange(24, dtype=np.float32).reshape(6, 4) / 8
    assert replace(feature_set(), features=features).sha256 == (
        "c3d570bb4a93259e25d1f29256ec15b284abaea77e78fa781a34580e00468abe"
    )


def test_pieces_are_never_in_memory_together(tmp_path: Path) -> None:
    rows, width, piece = 4096, 1024, 64
    content = FeatureRows(
        tuple(f"{i}.jpg" for i in range(rows)), *np.zeros((3, rows), np.int64), SOURCE
    )
    tracemalloc.start()
    try:
        made = (np.full((piece, width), i, np.float32) for i in range(rows // piece))
        write_in_pieces(tmp_path / "a.h5", content, width, made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "a.h5").stat().st_size > 4 * rows * width
    assert peak < rows * width  # a quarter of the features' bytes


def test_too_many_values_for_memory_are_laid_out(tmp_path: Path) -> None:
    """10 million features of 1,024 values, without one of them."""
    shape = (10**7, 1024)
    before, behind = laid_out("features", shape, "<f4", {}, {"a": "b"}, 512)
    path = tmp_path / "sparse.h5"
    with path.open("wb") as file:
        file.write(bytes(512) + before)
        file.seek(4 * shape[0] * shape[1], io.SEEK_CUR)
        file.write(behind or b"")
        file.truncate(512 + len(before) + 4 * shape[0] * shape[1] + len(behind))
    with h5py.File(path) as file:
        assert file["features"].shape == shape
        assert not file["features"][-1].any()
        assert file.attrs["a"] == "b"


def test_a_pipe_takes_features_too(tmp_path: Path) -> None:
    read, write = os.pipe()
    with open(read, "rb") as end:  # noqa: PTH123
        path = Path(f"/proc/self/fd/{write}")
        write_features(path, feature_set(), overwrite=True)
        os.close(write)
        (tmp_path / "a.h5").write_bytes(end.read())
    assert read_features(tmp_path / "a.h5").sha256 == feature_set().sha256


def test_refuses_what_is_no_features_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_features(tmp_path / "none.h5")
    with pytest.raises(InputError, match="a folder"):
        read_features(tmp_path)
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(InputError, match="not HDF5"):
        read_features(tmp_path / "text.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(InputError, match="a named pipe"):
        read_features(tmp_path / "pipe.h5")


@pytest.mark.parametrize(
    ("dataset", "value", "message"),
    [
        ("features", None, "no dataset features"),
        ("camera_id", None, "no dataset camera_id"),
        ("features", np.ones((6, 4)), "features is 6 x 4 float64; expected N x D"),
        ("features", np.ones(6, np.float32), "expected N x D float32"),
        ("features", np.ones((6, 4), ">f4"), "expected N x D float32"),
        ("features", np.ones((0, 4), np.float32), "there are no features"),
        ("features", h5py.Empty("f"), "features is data that is not in the file"),
        ("features", ["a"] * 6, "features is text; expected N x D float32"),
        ("name", np.arange(6), "name is 6 int64; expected text"),
        ("name", 5, "name is one int64; expected text"),
        ("name", np.ones(6, [("a", "f4"), ("b", "i4")]), "name is .*; expected text"),
        ("vehicle_id", np.ones(6), "vehicle_id is 6 float64; expected N int64"),
        ("vehicle_id", np.ones(6, np.uint64), "6 uint64; expected N int64"),
        ("model_id", np.ones((6, 1), int), "6 x 1 int64; expected N int64"),
        ("camera_id", np.ones(6, bool), "camera_id is bool; expected N int64"),
        ("vehicle_id", np.arange(5), r"datasets of \[5, 6\] rows"),
        ("name", ["a", "b", "c", "d", "e", "a"], "1 image names occur twice"),
        ("vehicle_id", [-1, 1, 1, -1, 0, 2], "2 of the vehicle_id are below 0"),
    ],
)
def test_refuses_another_form(tmp_path: Path, dataset, value, message) -> None:
    path = tmp_path / "a.h5"
    write_features(path, feature_set())
    with h5py.File(path, "r+") as file:
        del file[dataset]
        if value is not None:
            file[dataset] = value
    seal_again(path)
    with pytest.raises(InputError, match=message):
        read_features(path)


def test_ids_of_other_widths_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_features(path, feature_set())
    with h5py.File(path, "r+") as file:
        del file["vehicle_id"]
        file["vehicle_id"] = np.array([1, 1, 2, 2, 3, 3], ">u2")
        file["more"] = np.ones(3, [("a", "f4"), ("b", "i4")])
    seal_again(path)
    found = read_features(path)
    assert (found.vehicle_ids.dtype, found.sha256) == (np.int64, feature_set().sha256)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("schema", "drdl.features/9", r"schema 'drdl\.features/9'; expected"),
        ("schema", 1, "schema 'int64'; expected"),
        ("schema", None, "schema None; expected"),
        ("layer", np.zeros(3), "layer is ndarray; expected text"),
        ("preprocess", h5py.Empty("f"), "preprocess is Empty; expected text"),
        ("weights", np.bytes_(b"\xff"), "weights is bytes_; expected text"),
    ],
)
def test_refuses_other_attributes(tmp_path: Path, name, value, message) -> None:
    path = tmp_path / "a.h5"
    write_features(path, feature_set())
    with h5py.File(path, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    seal_again(path)
    with pytest.raises(InputError, match=message):
        read_features(path)


def test_file_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert file_sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
